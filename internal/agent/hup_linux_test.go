package agent

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"beanpole/internal/cfninit"
)

func TestHupRunsAHookOnceForAChange(t *testing.T) {
	dir := t.TempDir()
	conf := filepath.Join(dir, "cfn")
	if err := os.MkdirAll(conf+"/hooks.d", 0o755); err != nil {
		t.Fatal(err)
	}
	seen := filepath.Join(dir, "seen")
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(conf, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("cfn-hup.conf", "[main]\nstack=s\nregion=eu-west-1\n# comment\ninterval=1\n")
	write("hooks.d/a.conf", "[reload]\ntriggers=post.add, post.update\npath=Resources.R.Metadata.key\naction=echo $CFN_OLD_METADATA-$CFN_NEW_METADATA >> "+seen+"\n[half]\npath=x\n")
	network := hosts{metadataHost: instanceOf("p", "r"), regionHost: nil}
	c := &Call{Program: "cfn-hup", Runner: cfninit.Runner{HTTP: network, Sleep: func(context.Context, time.Duration) {}}}
	var log strings.Builder
	c.Runner.Log = &log
	h, err := c.readHup(conf)
	if err != nil {
		t.Fatal(err)
	}
	if h.interval != "1" || len(h.hooks) != 1 || len(h.warnings) != 1 {
		t.Fatalf("%+v", h)
	}
	kept := map[string]json.RawMessage{}
	for _, v := range []string{"one", "one", "two", ""} {
		network[regionHost] = stackOf(t, `{"key": "`+v+`"}`)
		if err := c.lookAt(t.Context(), h, h.hooks[0], map[string]*cfninit.StackResource{}, kept); err != nil {
			t.Fatal(err)
		}
	}
	if data, _ := os.ReadFile(seen); string(data) != "-one\none-two\n" {
		t.Errorf("actions saw %q\n%s", data, log.String())
	}
	if len(kept) != 0 {
		t.Errorf("kept %q of what is gone", kept)
	}
}

func TestHupSaysWhatIsWrongWithItsFiles(t *testing.T) {
	for _, c := range []struct{ conf, hooks, want string }{
		{"", "", "Could not find main configuration at /etc/cfn/cfn-hup.conf"},
		{"[main]\nregion=x\n", "", "[main] section must contain stack option"},
		{"[main]\nstack=s\n", "", "No hook configurations found at /etc/cfn/hooks.conf or /etc/cfn/hooks.d."},
		{"[main]\nstack=s\n", "[a]\ntriggers=on.command\npath=p\naction=true\n", "No valid hooks found"},
		{"stack=s\n", "", "File contains no section headers.\nfile: /etc/cfn/cfn-hup.conf, line: 1\n'stack=s\\n'"},
		{"[main]\nstack=s\nverbose=maybe\n", "[a]\ntriggers=post.add\npath=p\naction=true\n", "Not a boolean: maybe"},
		{"[main]\nstack=s\n", "[a]\ntriggers=post.add\npath=p\naction=date +%Y\n", "'%' must be followed by '%' or '(', found: '%Y' (option action of [a]; write %% for a per cent sign)"},
		{"[main]\nstack=s\n", "[a]\ntriggers=post.add\npath=p\naction=true\n", "Unsupported path: paths must be in the form Resources.<LogicalResourceId>(.Metadata|PhysicalResourceId)(.<optional Metadata subkey>). Input: p"},
		{"[main]\nstack=s\ninterval=0\n", "[a]\ntriggers=post.add\npath=Outputs.p\naction=true\n", "Unsupported path: only changes to Resources are supported (path: Outputs.p)"},
		{"[main]\nstack=s\n", "[a]\ntriggers=post.add\npath=resources.p.Tags\naction=true\n", "Unsupported path: only Metadata or PhysicalResourceId can be specified after LogicalResourceId (path: resources.p.Tags)"},
	} {
		r := call(t, hosts{}, func(root string) {
			if err := os.MkdirAll(root+"/etc/cfn", 0o755); err != nil {
				t.Fatal(err)
			}
			for name, text := range map[string]string{"cfn-hup.conf": c.conf, "hooks.conf": c.hooks} {
				if text == "" {
					continue
				}
				if err := os.WriteFile(root+"/etc/cfn/"+name, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}, "", "cfn-hup --no-daemon")
		if r.code != 1 || r.errors != "Error: "+c.want+"\n" || !strings.Contains(r.read(t, "/var/log/cfn-hup.log"), "[ERROR] Error: "+c.want) {
			t.Errorf("%q, %q: status %d, %q", c.conf, c.hooks, r.code, r.errors)
		}
	}
}
