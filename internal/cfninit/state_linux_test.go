package cfninit

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// stateRoot is a folder that stands for an instance's file system.
func stateRoot(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for _, dir := range []string{"/etc", "/var/log", "/tmp"} {
		if err := os.MkdirAll(root+dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func wantMode(t *testing.T, name string, want os.FileMode) {
	t.Helper()
	if st, err := os.Stat(name); err != nil || st.Mode().Perm() != want {
		t.Errorf("%s: %v, %v, want %v", name, st.Mode(), err, want)
	}
}

func TestStateTellsWhatIsLeft(t *testing.T) {
	root := stateRoot(t)
	r := &Runner{Root: root, KeepState: true}
	_, err := r.Build(context.Background(), parse(t, `
AWS::CloudFormation::Init:
  configSets: {one: [bad, c], two: [d]}
  bad: {files: {relative: {content: x}}}
  c: {files: {/etc/c: {content: ünïcode}}}
  d: {}
`), []string{"one", "two"})
	if err == nil || err.Error() != "File specified with non-absolute path: relative" {
		t.Fatal(err)
	}
	data, err := os.ReadFile(root + "/var/lib/cfn-init/resume_db.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"configs": {"_deque: special_serialization: not_regular_json_": [{"_ConfigDefinition: special_serialization: not_regular_json_": {"_name": "c", `,
		`"_files": {"/etc/c": {"content": "\u00fcn\u00efcode"}}`,
		`"configSets": {"_deque: special_serialization: not_regular_json_": ["two"]}`,
	} {
		if !strings.Contains(string(data), want) {
			t.Errorf("no %s in\n%s", want, data)
		}
	}
	wantMode(t, root+"/var/lib/cfn-init", 0o700)
	wantMode(t, root+"/var/lib/cfn-init/resume_db.json", 0o600)
}

func TestStateIsKeptForNoOneButItsOwner(t *testing.T) {
	root := stateRoot(t)
	if err := os.MkdirAll(root+"/var/lib/cfn-init", 0o755); err != nil {
		t.Fatal(err)
	}
	name := root + "/var/lib/cfn-init/resume_db.json"
	if err := os.WriteFile(name, []byte("{}"), 0o666); err != nil {
		t.Fatal(err)
	}
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.Symlink(outside, root+"/var/lib/cfn-init/data"); err != nil {
		t.Fatal(err)
	}
	if _, err := (&Runner{Root: root, KeepState: true}).Build(context.Background(), parse(t, `AWS::CloudFormation::Init: {config: {}}`), nil); err == nil {
		t.Error("the state's folder leads out of the root, and nothing was said")
	}
	if _, err := os.Stat(outside); err == nil {
		t.Error("a link of the instance led out of its root")
	}
	if err := os.Remove(root + "/var/lib/cfn-init/data"); err != nil {
		t.Fatal(err)
	}
	if _, err := (&Runner{Root: root, KeepState: true}).Build(context.Background(), parse(t, `AWS::CloudFormation::Init: {config: {}}`), nil); err != nil {
		t.Fatal(err)
	}
	wantMode(t, name, 0o600)
}

func TestWhatStandsInTheWayOfTheStateIsSaid(t *testing.T) {
	root := stateRoot(t)
	if err := os.MkdirAll(root+"/var/lib", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(root+"/var/lib/cfn-init", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	var errs bytes.Buffer
	r := &Runner{Root: root, KeepState: true}
	r.MakeState(&errs)
	if errs.String() != "Could not create /var/lib/cfn-init to store the work log\n" {
		t.Errorf("said %q", errs.String())
	}
	if _, err := r.Build(context.Background(), parse(t, `AWS::CloudFormation::Init: {config: {}}`), nil); err == nil {
		t.Error("the state could not be kept, and nothing was said")
	}
}

func TestLogsArePutAsideWhenTheyGrow(t *testing.T) {
	root := stateRoot(t)
	log := root + "/var/log/cfn-init.log"
	for name, text := range map[string]string{"": strings.Repeat("x", largestLog-100) + "\n", ".1": "one", ".4": "four", ".5": "five"} {
		if err := os.WriteFile(log+name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(log, 0o666); err != nil {
		t.Fatal(err)
	}
	r := &Runner{Root: root}
	closeAll := r.OpenLogs(os.Stderr, "cfn-init.log", "cfn-init-cmd.log")
	wantMode(t, log, 0o644)
	r.info("%s", strings.Repeat("y", 200))
	r.command("INFO", "a command")
	closeAll()
	for name, want := range map[string]string{"": "yyyy", ".1": "xxxx", ".2": "one", ".5": "four"} {
		data, err := os.ReadFile(log + name)
		if err != nil || !strings.Contains(string(data), want) {
			t.Errorf("cfn-init.log%s: %.60s, %v, want %s", name, data, err, want)
		}
	}
	if data, _ := os.ReadFile(root + "/var/log/cfn-init-cmd.log"); !strings.HasSuffix(string(data), " [INFO] a command\n") {
		t.Errorf("cfn-init-cmd.log: %s", data)
	}
}

func TestLogsThatCantBeOpenedGoToStandardError(t *testing.T) {
	root := stateRoot(t)
	if err := os.Mkdir(root+"/var/log/cfn-wire.log", 0o755); err != nil {
		t.Fatal(err)
	}
	var errs bytes.Buffer
	r := &Runner{Root: root}
	r.OpenLogs(&errs, "cfn-init.log", "cfn-wire.log", "cfn-init-cmd.log")()
	r.info("a line")
	r.command("INFO", "a command")
	if s := errs.String(); !strings.HasPrefix(s, "Could not open /var/log/cfn-init.log for logging.  Using stderr instead.\n") || !strings.HasSuffix(s, " [INFO] a line\n") {
		t.Errorf("said %q", s)
	}
}
