package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// runMark stands on a line of its own before a fence of README.md whose
// commands are run: lines "$ beanpole …", each followed by what it prints, and
// "$ cd FOLDER"; each fence begins in the repository's root.
const runMark = "<!-- run -->"

// TestReadmeShowsWhatTheCommandsPrint runs the marked commands of README.md,
// in its order, in a copy of the repository's examples. With -update it writes
// what they print into README.md.
func TestReadmeShowsWhatTheCommandsPrint(t *testing.T) {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(root, "README.md")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Skipf("there is no README.md: %v", err)
	}
	work := t.TempDir()
	if err := copyTree(filepath.Join(work, "examples"), filepath.Join(root, "examples")); err != nil {
		t.Fatal(err)
	}
	t.Chdir(work)
	got, commands, err := rerun(string(data))
	if err != nil {
		t.Fatal(err)
	}
	if commands == 0 {
		t.Skip("README.md marks no example with " + runMark)
	}
	if got == string(data) {
		return
	}
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("README.md does not show what the commands print (go test ./internal/cli -run Readme -update mends it):\n%s", firstDifference(string(data), got))
}

// rerun is a README with the output of its marked commands as it is now.
func rerun(text string) (out string, commands int, err error) {
	var b strings.Builder
	marked, running, began := false, false, false
	home, err := os.Getwd()
	if err != nil {
		return "", 0, err
	}
	defer os.Chdir(home)
	for line := range strings.Lines(text) {
		bare := strings.TrimRight(line, "\n")
		command, isCommand := strings.CutPrefix(bare, "$ ")
		switch {
		case running && strings.HasPrefix(bare, "```"):
			running = false
		case running && isCommand:
			shown, err := shownBy(command)
			if err != nil {
				return "", commands, err
			}
			commands++
			began = true
			line += shown
		case running:
			if !began {
				return "", commands, fmt.Errorf("a marked example of README.md begins with %q, not with a command", bare)
			}
			continue // what it printed when README.md was written
		case marked && strings.HasPrefix(bare, "```"):
			running, marked, began = true, false, false
			if err := os.Chdir(home); err != nil {
				return "", commands, err
			}
		case bare == runMark:
			marked = true
		case marked && bare != "":
			return "", commands, fmt.Errorf("%s stands before %q, not before a fence", runMark, bare)
		}
		b.WriteString(line)
	}
	if marked || running {
		return "", commands, fmt.Errorf("README.md ends within a marked example")
	}
	return b.String(), commands, nil
}

var quotedWord = regexp.MustCompile(`'[^']*'|"[^"]*"|\S+`)

// shownBy is what a command line prints, standard output and error together.
// Only beanpole's commands that make nothing outside the copy are run.
func shownBy(line string) (string, error) {
	var words []string
	for _, w := range quotedWord.FindAllString(line, -1) {
		if len(w) > 1 && (w[0] == '\'' || w[0] == '"') {
			w = w[1 : len(w)-1]
		}
		words = append(words, w)
	}
	if len(words) == 2 && words[0] == "cd" && filepath.IsLocal(words[1]) {
		return "", os.Chdir(words[1])
	}
	if len(words) < 2 || words[0] != "beanpole" {
		return "", fmt.Errorf("%q is no command of beanpole", line)
	}
	switch words[1] {
	case "check", "fix", "explain", "diagnose", "version":
	default:
		return "", fmt.Errorf("%q cannot be run by this test", line)
	}
	var out bytes.Buffer
	if status := Main(words[1:], strings.NewReader(""), &out, &out); status > exitFindings {
		return "", fmt.Errorf("%s: status %d: %s", line, status, out.String())
	}
	return out.String(), nil
}

func firstDifference(a, b string) string {
	as, bs := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(as), len(bs)) {
		if as[i] != bs[i] {
			return fmt.Sprintf("line %d shows\n  %s\nand not\n  %s", i+1, as[i], bs[i])
		}
	}
	return "one is longer than the other"
}

func TestReadmeExamplesAreRunWhereTheyAreMarked(t *testing.T) {
	t.Chdir(t.TempDir())
	const before = "# x\n```\n$ beanpole nothing\n```\n<!-- run -->\n\n```console\n$ beanpole version\nold\nlines\n$ beanpole explain nope-\n```\nend\n"
	if _, _, err := rerun(before); err == nil || !strings.Contains(err.Error(), "status 2") {
		t.Errorf("a command that is refused goes unseen: %v", err)
	}
	got, n, err := rerun(strings.Replace(before, "$ beanpole explain nope-\n", "", 1))
	want := "# x\n```\n$ beanpole nothing\n```\n<!-- run -->\n\n```console\n$ beanpole version\n" + versionLine() + "\n```\nend\n"
	if err != nil || n != 1 || got != want {
		t.Errorf("%v, %d commands:\n%s\nwant:\n%s", err, n, got, want)
	}
	for _, bad := range []string{
		"<!-- run -->\ntext\n", "<!-- run -->\n", "<!-- run -->\n```\n$ rm -rf x\n```\n",
		"<!-- run -->\n```\n$ beanpole up\n```\n", "<!-- run -->\n```\ntext\n```\n", "<!-- run -->\n```\n$ beanpole version\n",
	} {
		if _, _, err := rerun(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func versionLine() string {
	var out bytes.Buffer
	Main([]string{"version"}, strings.NewReader(""), &out, &out)
	return strings.TrimSpace(out.String())
}
