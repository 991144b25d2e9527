package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"beanpole/internal/source"
)

func readYAML(t *testing.T, name string) *source.Node {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", name))
	if err != nil {
		t.Fatal(err)
	}
	n, err := source.ParseYAML(name, data)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestActionRunsCheck runs the action's last step as a runner would, with a
// program in beanpole's place that says what it was called with.
func TestActionRunsCheck(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash here, which the action's steps are written for")
	}
	steps := readYAML(t, "action.yml").At("runs", "steps").Items
	last := steps[len(steps)-1]
	dir := t.TempDir()
	fake := "#!/bin/sh\nprintf '%s|' \"$@\" >> " + filepath.Join(dir, "calls") + "\necho >> " + filepath.Join(dir, "calls") + "\nexit ${STATUS:-0}\n"
	if err := os.WriteFile(filepath.Join(dir, "beanpole"), []byte(fake), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		env    []string
		want   string
		status int
	}{
		{[]string{"BUNDLES=.", "ARGUMENTS=", "SARIF="}, "check|--format|github|--|.|\n", 0},
		{[]string{"BUNDLES=services/* b", "ARGUMENTS=--strict --region eu-west-1", "SARIF=", "STATUS=1"}, "check|--strict|--region|eu-west-1|--format|github|--|services/*|b|\n", 1},
		{[]string{"BUNDLES=.", "ARGUMENTS=", "SARIF=x.sarif", "STATUS=1"}, "check|--format|sarif|--output|x.sarif|--|.|\ncheck|--format|github|--|.|\n", 1},
		{[]string{"BUNDLES=.", "ARGUMENTS=", "SARIF=x.sarif", "STATUS=3"}, "check|--format|sarif|--output|x.sarif|--|.|\n", 1},
	} {
		os.Remove(filepath.Join(dir, "calls"))
		cmd := exec.Command(bash, "-e", "-o", "pipefail", "-c", last.Get("run").Text) // as runners call it
		cmd.Env = append(append(os.Environ(), "RUNNER_TEMP="+dir), c.env...)
		out, err := cmd.CombinedOutput()
		calls, _ := os.ReadFile(filepath.Join(dir, "calls"))
		if string(calls) != c.want || cmd.ProcessState.ExitCode() != c.status {
			t.Errorf("%v: called %q, status %d, want %q, %d (%v: %s)", c.env, calls, cmd.ProcessState.ExitCode(), c.want, c.status, err, out)
		}
	}
}

// TestActionAndHookNameWhatThereIs: every input is used, and the hook calls a
// command of ours.
func TestActionAndHookNameWhatThereIs(t *testing.T) {
	action, _ := os.ReadFile(filepath.Join("..", "..", "action.yml"))
	for _, in := range readYAML(t, "action.yml").Get("inputs").Fields {
		if !strings.Contains(string(action), "${{ inputs."+in.Key.Text+" }}") {
			t.Errorf("action.yml does not use its input %s", in.Key.Text)
		}
	}
	hook := readYAML(t, ".pre-commit-hooks.yaml").Items[0]
	if hook.Get("entry").TextOr("") != "beanpole check" || hook.Get("id").TextOr("") == "" {
		t.Errorf("the hook runs %q", hook.Get("entry").TextOr(""))
	}
}
