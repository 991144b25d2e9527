package diagnose

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"beanpole/internal/logs"
)

func reading(t *testing.T, name, text string) *logs.Reading {
	t.Helper()
	r := &logs.Reader{Words: Words()}
	if err := r.Read(name, strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	return r.Reading()
}

// A section of testdata/*.txtar is a log that is named by the cause that must
// be found in it, with a question mark when the text does not prove it; "none"
// stands for no failure, "unknown" for one without a cause, "untold" for text
// that says nothing of a deployment.
func TestEachLogGivesItsCause(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no test data", err)
	}
	seen := map[string]bool{}
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range a.Files {
			want, _, _ := strings.Cut(f.Name, "/")
			t.Run(f.Name, func(t *testing.T) {
				d := Logs(reading(t, f.Name, string(f.Data)))
				if got := answerOf(d); got != want {
					t.Errorf("found %s, want %s\n%s", got, want, describe(d))
				}
			})
			seen[strings.TrimSuffix(want, "?")] = true
		}
	}
	for _, c := range Causes() {
		if !seen[c.Slug] {
			t.Errorf("no log in testdata shows the cause %s", c.Slug)
		}
	}
}

func answerOf(d *Diagnosis) string {
	switch {
	case d.Cause != nil && d.Certain:
		return d.Cause.Slug
	case d.Cause != nil:
		return d.Cause.Slug + "?"
	case d.First != nil:
		return "unknown"
	case len(d.Quiet) > 0:
		return d.Quiet[0].Slug
	case len(d.Perhaps) > 0:
		return "perhaps-" + d.Perhaps[0].Slug
	case d.Outcome == NotShown:
		return "untold"
	}
	return "none"
}

func describe(d *Diagnosis) string {
	e := &Explained{Diagnosis: d}
	var b strings.Builder
	fmt.Fprintln(&b, d.Outcome, e.Headline())
	for _, n := range e.Notes() {
		fmt.Fprintln(&b, " ", n.Label, n.Text, n.At)
	}
	return b.String()
}
