package cfninit

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
)

func TestAccountsThatExistAreComparedFirst(t *testing.T) {
	root := t.TempDir()
	must(t, os.Mkdir(root+"/etc", 0o755))
	must(t, os.WriteFile(root+"/etc/passwd", []byte("app:x:1234:1::/srv/app:/bin/sh\n"), 0o644))
	must(t, os.WriteFile(root+"/etc/group", []byte("web:x:4321:app\n"), 0o644))
	for _, c := range []struct{ name, config, err, log string }{
		{"same gid", `{groups: {web: {gid: "4321"}}}`, "", ""},
		{"other gid", `{groups: {web: {gid: "7"}}}`, "Group web exists with gid 4321, but gid 7 was requested", ""},
		{"other uid", `{users: {app: {uid: 7}}}`, "User app exists with uid 1234, but uid 7 was requested", ""},
		{"nothing asked", `{users: {app: {uid: "1234"}}}`, "", "No homedir or groups specified; not modifying app"},
		{"same home and groups", `{users: {app: {homeDir: /srv/app, groups: [web]}}}`, "", ""},
		{"unknown group", `{users: {new: {groups: [web, none]}}}`, "none is not a valid group name", ""},
		{"empty gid", `{groups: {web: {gid: ""}}}`, "", ""},
		{"gid beyond ASCII", `{groups: {new: {gid: "٧"}}}`, `'ascii' codec can't encode character u'\u0667' in position 0: ordinal not in range(128)`, ""},
		{"group is a list with gid", `{groups: {web: [gid]}}`, "list indices must be integers, not str", ""},
		{"group is a text", `{groups: {web: "x"}}`, "", ""},
		{"user is a list with uid", `{users: {app: [uid]}}`, "list indices must be integers, not str", ""},
		{"groups as one text", `{users: {new: {groups: web}}}`, "w is not a valid group name", ""},
		{"groups false for a new user", `{users: {new: {groups: false}}}`, "'bool' object is not iterable", ""},
		{"groups false for a known user", `{users: {app: {groups: false}}}`, "", "No homedir or groups specified; not modifying app"},
		{"group as a map", `{users: {new: {groups: [{a: 1}]}}}`, "{u'a': 1} is not a valid group name", ""},
		{"home is a list", `{users: {app: {homeDir: [a]}}}`, "execv() arg 2 must contain only strings", ""},
		{"user without attributes", `{users: {new: null}}`, "argument of type 'NoneType' is not iterable", ""},
		{"name that Python 2 can't look up", `{groups: {grün: {}}}`, `'ascii' codec can't encode character u'\xfc' in position 2: ordinal not in range(128)`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log bytes.Buffer
			r := &Runner{Root: root, Log: &log}
			_, err := r.Build(context.Background(), parse(t, "AWS::CloudFormation::Init: {config: "+c.config+"}"), nil)
			if got := errorText(err); got != c.err {
				t.Errorf("error  %q\nwanted %q", got, c.err)
			}
			if !strings.Contains(log.String(), c.log) {
				t.Errorf("log without %q:\n%s", c.log, log.String())
			}
		})
	}
}

func TestAMissingAccountToolFailsTheBuild(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root: the tools run by chroot")
	}
	root := t.TempDir()
	must(t, os.Mkdir(root+"/etc", 0o755))
	must(t, os.WriteFile(root+"/etc/group", []byte("web:x:4321:\n"), 0o644))
	r := &Runner{Root: root}
	_, err := r.Build(context.Background(), parse(t, "AWS::CloudFormation::Init: {config: {users: {app: {groups: [web]}}}}"), nil)
	if got := errorText(err); got != "[Errno 2] No such file or directory" {
		t.Errorf("without useradd: %q", got)
	}
}
