package cli

import (
	"bytes"
	"strings"
	"testing"
)

// helpOf is what --help prints of a command.
func helpOf(t *testing.T, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	if status := Main(append(args, "--help"), strings.NewReader(""), &out, &errs); status != exitClean || errs.Len() > 0 {
		t.Fatalf("%v --help: status %d, %s", args, status, errs.String())
	}
	return out.String()
}

func TestHelpOfEveryCommandHasExamplesAndFitsEightyColumns(t *testing.T) {
	for _, c := range commands() {
		if c.Hidden {
			continue
		}
		help := helpOf(t, c.Name())
		if !strings.Contains(help, "\nExamples:\n  beanpole "+c.Name()) {
			t.Errorf("%s --help has no example of its own:\n%s", c.Name(), help)
		}
		fits(t, c.Name(), help)
	}
	fits(t, "beanpole", helpOf(t))
}

func fits(t *testing.T, name, help string) {
	t.Helper()
	for line := range strings.Lines(help) {
		if n := len([]rune(strings.TrimRight(line, "\n"))); n > 80 {
			t.Errorf("%s --help: %d columns: %s", name, n, line)
		}
	}
}

func TestHelpNamesTheExitStatuses(t *testing.T) {
	for _, args := range [][]string{nil, {"check"}, {"fix"}} {
		if help := helpOf(t, args...); !strings.Contains(help, "Exit status: 0") {
			t.Errorf("%v --help lacks the exit statuses", args)
		}
	}
}
