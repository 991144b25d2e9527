package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"beanpole/internal/cfninit"
)

func TestINIAsPythonReadsIt(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"[a]\nx=1\n", "1"},
		{"[a] # text\nx : 1 = 2\n", "1 = 2"},
		{"[a]\nX = one ; comment\n", "one"},
		{"[a]\nx = one;two\n", "one;two"},
		{"[a]\nx = one\n  two ; kept\n\n\tthree\n", "one\ntwo ; kept\nthree"},
		{"[a]\nx = one\nrem x = two\n# x = 3\n; x = 4\n", "one"},
		{"[a]\nx = \"\"\n", ""},
		{"[DEFAULT]\nhome=/srv\nx=%(home)s/a\n[a]\nhome=/opt\n", "/opt/a"},
		{"[a]\nx=100%%\n", "100%"},
		{"[a]\nx=1\n[b]\nx=2\n[a]\nx=3\n", "3"},
		{"[a]\nx=%(y)s\n", "Bad value substitution:\n\tsection: [a]\n\toption : x\n\tkey    : y"},
		{"[a]\nx=%(x)s\n", "Value interpolation too deeply recursive:\n\tsection: [a]\n\toption : x"},
		{"[a]\nwords\n", "File contains parsing errors: f\n\t[line  2]: 'words\\n'"},
		{"[a]\n  x=1\n", "File contains parsing errors: f\n\t[line  2]: '  x=1\\n'"},
	} {
		var f ini
		err := f.read("f", c.text)
		got := ""
		if err == nil {
			got, _, err = f.get("a", "x")
		}
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
}

// hupRoot makes files of cfn-hup below a root.
func hupRoot(t *testing.T, conf, hooks string) func(root string) {
	return func(root string) {
		if err := os.MkdirAll(root+"/etc/cfn", 0o755); err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{"cfn-hup.conf": conf, "hooks.conf": hooks} {
			if err := os.WriteFile(root+"/etc/cfn/"+name, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestHupSaysInItsLogWhatItDoes(t *testing.T) {
	conf := "[main]\nstack=s\nregion=eu-west-1\ninterval=0\n"
	for _, c := range []struct{ options, hook, status, metadata, before, want string }{
		{"", "post.add", "", `{"k": 1}`, "", "[INFO] Previous state not found; action for h will be run\n|[INFO] Running action for h\n"},
		{"", "post.update", "", `{"k": 2}`, "1", "[INFO] Data has changed from previous state; action for h will be run\n|[INFO] Running action for h\n"},
		{"", "post.remove", "", `{"l": 2}`, "1", "[INFO] Path Resources.R.Metadata.k was removed; action for h will be run\n|[INFO] Running action for h\n"},
		{"-v", "post.update", "", `{"k": 1}`, "1", "[DEBUG] No change in path Resources.R.Metadata.k for hook h\n"},
		{"-v", "post.update", "", `{"k": {"b": 1, "a": [2]}}`, `{"a":[2],"b":1}`, "[DEBUG] No change in path Resources.R.Metadata.k for hook h\n"},
		{"-v", "post.update", "UPDATE_IN_PROGRESS", `{"k": 2}`, "1", "[DEBUG] Skipping resource R in s as it is in status UPDATE_IN_PROGRESS\n"},
		{"", "post.add", "", "", "", "[WARNING] No metadata for R in s\n"},
	} {
		network := hosts{metadataHost: instanceOf("p", "r"), regionHost: func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, `{"DescribeStackResourceResponse": {"DescribeStackResourceResult": {"StackResourceDetail": {"Metadata": %q, "ResourceStatus": %q}}}}`, c.metadata, c.status)
		}}
		r := call(t, network, func(root string) {
			hupRoot(t, conf, "[h]\npath=Resources.R.Metadata.k\naction=echo out\ntriggers="+c.hook+"\n")(root)
			if err := os.MkdirAll(filepath.Dir(root+hupState), 0o755); err != nil {
				t.Fatal(err)
			}
			state := "{}"
			if c.before != "" {
				state = `{"h|Resources.R.Metadata.k": ` + c.before + `}`
			}
			if err := os.WriteFile(root+hupState, []byte(state), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "", "cfn-hup --no-daemon "+c.options)
		log := r.read(t, "/var/log/cfn-hup.log")
		for _, want := range strings.Split(c.want, "|") {
			if !strings.Contains(log, want) || r.code != 0 {
				t.Errorf("%+v: status %d, %s, log\n%s", c, r.code, r.errors, log)
			}
		}
	}
}

func TestHupTellsHowAnActionEnds(t *testing.T) {
	for _, c := range []struct {
		action, metadata, want string
		kept                   bool
	}{
		{"echo out", `{"k": 1}`, "[DEBUG] Action for h output: out\n", true},
		{"true", `{"k": 1}`, "[DEBUG] Action for h output: <None>\n", true},
		{"exit 3", `{"k": 1}`, "[WARNING] Action for h exited with 3; will retry on next iteration\n", false},
		{`echo "$CFN_NEW_METADATA"`, `{"k": {"a": [1, "ü"]}}`, `[DEBUG] Action for h output: {"a": [1, "\u00fc"]}` + "\n", true},
		{`echo "$CFN_NEW_METADATA"`, `{"k": "ü \"x\""}`, `[DEBUG] Action for h output: ü "x"` + "\n", true},
	} {
		var log bytes.Buffer
		network := hosts{metadataHost: instanceOf("p", "r"), regionHost: stackOf(t, c.metadata)}
		call := &Call{Program: "cfn-hup", Runner: cfninit.Runner{HTTP: network, Log: &log, Verbose: true, Sleep: func(context.Context, time.Duration) {}}}
		h := &hupConfig{stack: "s", access: cfninit.StackAccess{Region: "eu-west-1"}}
		k := &hook{name: "h", triggers: []string{"post.add"}, path: "Resources.R.Metadata.k", action: c.action}
		seen := map[string]json.RawMessage{}
		err := call.lookAt(t.Context(), h, k, map[string]*cfninit.StackResource{}, seen)
		if err != nil || !strings.Contains(log.String(), c.want) || (len(seen) == 1) != c.kept {
			t.Errorf("%s: %v, kept %q, log\n%s", c.action, err, seen, &log)
		}
	}
}

func TestHupDaemon(t *testing.T) {
	const hooks = "[h]\npath=Resources.R.Metadata.k\naction=true\ntriggers=post.add\n"
	for _, c := range []struct {
		conf, hooks, want string
		code              int
	}{
		{"interval=0\n", hooks, "[ERROR] Invalid interval (must be 1 minute or greater): 0\n", 1},
		{"umask=8\n", hooks, "[ERROR] Invalid umask (must be an octal number from 0 to 0777): 8\n", 1},
		{"", strings.Replace(hooks, "Resources", "Outputs", 1), "[ERROR] Fatal exception: Unsupported path: only changes to Resources are supported", 0},
	} {
		r := call(t, hosts{}, hupRoot(t, "[main]\nstack=s\n"+c.conf, c.hooks), "", "cfn-hup --foreground")
		if log := r.read(t, "/var/log/cfn-hup.log"); r.code != c.code || !strings.Contains(log, c.want) {
			t.Errorf("%+v: status %d, %s, log\n%s", c, r.code, r.errors, log)
		}
		if r.read(t, hupPID) != "" {
			t.Error("the file of the process stays behind")
		}
	}
	if r := call(t, hosts{}, nil, "", "cfn-hup -c", ""); r.code != 1 || !strings.HasPrefix(r.errors, "Error: A configuration path must be specified\n") {
		t.Errorf("no folder: status %d, %q", r.code, r.errors)
	}
}

func TestTheDaemonsHooksHaveItsUmask(t *testing.T) {
	before := syscall.Umask(0o077)
	t.Cleanup(func() { syscall.Umask(before) })
	for conf, want := range map[string]int{"": 0o022, "umask=27\n": 0o027, "umask=0\n": 0} {
		syscall.Umask(0o077)
		call(t, hosts{}, hupRoot(t, "[main]\nstack=s\n"+conf, "[h]\npath=Outputs.R\naction=true\ntriggers=post.add\n"), "", "cfn-hup --foreground")
		if got := syscall.Umask(0o077); got != want {
			t.Errorf("%q: umask %03o, want %03o", conf, got, want)
		}
	}
}

func TestASecondDaemonIsRefused(t *testing.T) {
	other := exec.Command("sleep", "60")
	other.Args[0] = "cfn-hup"
	if err := other.Start(); err != nil {
		t.Skip("no sleep here:", err)
	}
	t.Cleanup(func() { other.Process.Kill(); other.Wait() })
	r := call(t, hosts{}, func(root string) {
		hupRoot(t, "[main]\nstack=s\n", "[h]\npath=Outputs.R\naction=true\ntriggers=post.add\n")(root)
		if err := os.MkdirAll(root+"/var/run", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(root+hupPID, fmt.Appendln(nil, other.Process.Pid), 0o644); err != nil {
			t.Fatal(err)
		}
	}, "", "cfn-hup --foreground")
	if want := fmt.Sprintf("cfn-hup runs already: process %d", other.Process.Pid); r.code != 1 || !strings.Contains(r.errors, want) {
		t.Errorf("status %d, %q", r.code, r.errors)
	}
}
