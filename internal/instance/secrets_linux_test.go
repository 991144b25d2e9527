package instance

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// planted is a word that no other file of this machine holds.
const planted = "beanpole-planted-secret-"

// plant writes secrets where machines keep them. What it made goes away at the
// test's end.
func plant(t *testing.T, state string) (places []string, word string) {
	t.Helper()
	word = planted + filepath.Base(filepath.Dir(state))
	for _, f := range []struct {
		path string
		mode os.FileMode
	}{
		{"/root/." + word + "/credentials", 0o644},
		{"/home/" + word + "/.ssh/id_ed25519", 0o600},
		{"/home/" + word + "/.aws/credentials", 0o644},
		{"/etc/" + word + "/tls.key", 0o600},
		{"/etc/" + word + ".pem", 0o640},
		{"/etc/ssh/" + word, 0o644},
		{"/etc/ssl/private/" + word, 0o644},
		{"/etc/docker/" + word + "/client.key", 0o644},
		{"/etc/kubernetes/" + word, 0o644},
		{"/usr/local/etc/" + word, 0o600},
		{"/opt/" + word + "/token", 0o644},
		{"/srv/" + word, 0o644},
		{"/mnt/" + word, 0o644},
		{"/tmp/" + word, 0o644},
		{"/var/tmp/" + word, 0o644},
		{"/var/lib/" + word + "/kubelet.conf", 0o644},
		{"/var/spool/cron/" + word, 0o644},
		{"/var/log/" + word, 0o644},
		{"/" + word + "/data", 0o644},
		{filepath.Join(state, "credentials"), 0o644},
	} {
		var made []string // and nothing else is removed
		for dir := filepath.Dir(f.path); ; dir = filepath.Dir(dir) {
			if _, err := os.Stat(dir); err == nil {
				break
			}
			made = append(made, dir)
		}
		if err := os.MkdirAll(filepath.Dir(f.path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(f.path, []byte(word), f.mode); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			for _, p := range append([]string{f.path}, made...) {
				os.Remove(p)
			}
		})
		places = append(places, f.path)
	}
	l, err := net.Listen("unix", "/run/"+word+".sock")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return append(places, "/run/"+word+".sock", "/var/run/"+word+".sock"), word
}

func TestSecretsThatWerePlantedDoNotShow(t *testing.T) {
	requireInstances(t)
	state := filepath.Join("/usr/local/src", filepath.Base(t.TempDir())+filepath.Base(filepath.Dir(t.TempDir())), ".beanpole")
	places, word := plant(t, state)
	i := start(t, &Spec{Dir: state})
	t.Cleanup(func() { os.RemoveAll(filepath.Dir(state)) })
	for _, p := range places {
		if _, err := os.Stat(p); err != nil {
			t.Fatalf("it is not planted: %v", err)
		}
		if out, ok := sh(t, i, "stat "+p+" 2>/dev/null || cat "+p+" 2>/dev/null"); ok {
			t.Errorf("%s shows: %s", p, out)
		}
	}
	if out, _ := sh(t, i, "find / -xdev -path /usr -prune -o -type f -name '*"+word+"*' -print; find /usr/local /run /dev -xdev -not -type d -name '*"+word+"*'; grep -rlF "+word+" /etc /root /home /var /run /opt /srv /mnt /tmp 2>/dev/null"); out != "" {
		t.Errorf("found on the instance: %s", out)
	}
	for _, c := range []struct{ line, want string }{
		{"stat -c %a:%U /etc/shadow", "600:root"},
		{"awk -F: '$2 != \"*\"' /etc/shadow", ""},
		{"su root -s /bin/sh -c 'id -un' && su ec2-user -s /bin/sh -c 'id -un'", "root\nec2-user"},
		{"ls -A /root; ls -A /home | sort | tr '\\n' ' '", "ec2-user webapp"},
		{"cat /proc/1/environ | tr '\\0' '\\n' | grep -ciE 'secret|token|key|aws' ", "0"},
	} {
		if got, _ := sh(t, i, c.line); got != c.want {
			t.Errorf("%s: got %q, want %q", c.line, got, c.want)
		}
	}
	shadow, err := os.ReadFile("/etc/shadow")
	if err != nil {
		t.Skip("no shadow file on this machine")
	}
	shown, _ := sh(t, i, "cat /etc/shadow")
	for _, line := range strings.Split(string(shadow), "\n") {
		if f := strings.Split(line, ":"); len(f) > 1 && len(f[1]) > 4 && strings.Contains(shown, f[1]) {
			t.Errorf("the password hash of %s shows", f[0])
		}
	}
}
