package check

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestRulePagesAreUpToDate holds docs/rules equal to what the rules say; with
// -update it writes the pages (make docs).
func TestRulePagesAreUpToDate(t *testing.T) {
	dir := filepath.Join("..", "..", "docs", "rules")
	if *update {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	names := []string{"README.md"}
	index := "# Rules\n\nWhat `beanpole check` finds. These pages are made from the rules themselves.\n"
	for _, g := range Groups() {
		index += "\n## " + g.Title + "\n\n| rule | what it finds |\n|---|---|\n"
		for _, r := range g.Rules {
			names = append(names, r.Slug+".md")
			index += "| [" + r.Slug + "](" + r.Slug + ".md) | " + strings.ReplaceAll(r.Title, "|", `\|`) + " |\n"
			same(t, filepath.Join(dir, r.Slug+".md"), r.Markdown())
		}
	}
	same(t, filepath.Join(dir, "README.md"), index)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if slices.Contains(names, e.Name()) {
			continue
		}
		if *update {
			if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
				t.Fatal(err)
			}
			continue
		}
		t.Errorf("docs/rules/%s is about no rule (make docs)", e.Name())
	}
}

// TestEveryRuleIsInOneGroup: lists and pages are whole.
func TestEveryRuleIsInOneGroup(t *testing.T) {
	seen := map[string]int{}
	for _, g := range Groups() {
		for _, r := range g.Rules {
			seen[r.Slug]++
			if n := len(fmt.Sprintf("%-24s %s", r.Slug, r.Title)); n > 80 {
				t.Errorf("rule %s has a line of %d columns in the list of explain", r.Slug, n)
			}
			if r.Title == "" || r.Why == "" || r.Before == "" || r.After == "" || r.Since == "" {
				t.Errorf("rule %s is not documented whole", r.Slug)
			}
		}
	}
	for _, r := range Rules() {
		if seen[r.Slug] != 1 {
			t.Errorf("rule %s is in %d groups", r.Slug, seen[r.Slug])
		}
	}
}

func same(t *testing.T, file, want string) {
	t.Helper()
	got, err := os.ReadFile(file)
	if string(got) == want {
		return
	}
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("%s does not say what the rule says (make docs): %v", filepath.Base(file), err)
}
