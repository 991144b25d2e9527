package check

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"beanpole/internal/finding"
	"beanpole/internal/source"
)

// TestPublicBundlesAreCheckedWithoutFailure runs over real files when they
// lie beside the repository: whatever they hold, the outcome is a report or
// the user's problem, and a fetch that is broken is never left out.
func TestPublicBundlesAreCheckedWithoutFailure(t *testing.T) {
	root := filepath.Join("..", "..", "..", "shared", "corpus", "files")
	if _, err := os.Stat(root); err != nil {
		t.Skip("no corpus beside the repository")
	}
	bundles, fetches := 0, 0
	rules := map[string]int{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() || d.Name() != ".ebextensions" {
			return err
		}
		bundles++
		b, err := source.OpenBundle(filepath.Dir(path))
		if err != nil {
			t.Errorf("%s: %v", path, err)
			return nil
		}
		defer b.Close()
		r, err := Run(&Input{Bundle: b})
		var problem *source.Problem
		if err != nil {
			if !errors.As(err, &problem) {
				t.Errorf("%s: not the user's problem: %v", path, err)
			}
			return nil
		}
		read := func(file string) []byte {
			data, err := b.Read(file)
			if err != nil {
				return nil
			}
			return data
		}
		finding.Text(io.Discard, r.Findings, finding.TextOptions{Read: read, Width: 80})
		fetches += len(r.Chains)
		for _, f := range r.Findings {
			rules[f.Rule]++
			if f.Message == "" || f.Pos.File == "" {
				t.Errorf("%s: a finding without message or place: %+v", path, f)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bundles, %d fetches, findings by rule: %v", bundles, fetches, rules)
}
