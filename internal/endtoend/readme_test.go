package endtoend

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// varying are the parts of a transcript that differ from run to run.
var varying = regexp.MustCompile(`awseb-e-[^ ]+|i-[0-9a-f]{17}|\d+ (seconds?|minutes?)( and took)?`)

// likeReadme compares a run's events with those of the transcript in README.md
// behind the mark "<!-- up -->": part 0 is the failing run, part 1 the good one.
func likeReadme(t *testing.T, part int, out string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, marked := strings.Cut(string(data), "<!-- up -->\n```\n")
	transcript, _, closed := strings.Cut(rest, "\n```")
	runs := strings.Split(transcript, "$ beanpole up ")
	if !marked || !closed || len(runs) != 3 {
		t.Fatal("README.md has no transcript of two runs behind <!-- up -->")
	}
	var want []string
	for _, e := range events(runs[part+1]) {
		want = append(want, varying.ReplaceAllString(e, "*"))
	}
	if len(want) < 5 {
		t.Fatalf("the transcript in README.md has %d events", len(want))
	}
	wantEvents(t, out, want...)
}
