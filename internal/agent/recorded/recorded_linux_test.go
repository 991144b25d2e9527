package recorded

import (
	"os"
	"path/filepath"
	"testing"
)

func TestRunsAsTheRecordedAgentDid(t *testing.T) {
	dir := shared(filepath.Join("cases", "cfn-init"))
	if dir == "" {
		t.Skip("recorded runs are not here: they stand beside the repository, in shared/cases/cfn-init")
	}
	if os.Getuid() != 0 {
		t.Skip("needs root: files get owners, and commands run by chroot")
	}
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	names, err := Names(dir)
	if err != nil {
		t.Fatal(err)
	}
	base, err := ReadBase(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer base.Close()
	known := Differences()
	agreed, total := map[string]int{}, map[string]int{}
	for _, name := range names {
		c, err := Read(dir, name)
		if err != nil {
			t.Fatal(err)
		}
		total[c.Area]++
		differ, err := base.Run(c)
		reason, listed := known[c.Name]
		switch {
		case err != nil:
			t.Errorf("%s: %v", c.Name, err)
		case len(differ) == 0 && listed:
			t.Errorf("%s agrees now; take it out of differences.tsv", c.Name)
		case len(differ) == 0:
			agreed[c.Area]++
		case !listed:
			t.Errorf("%s: %v", c.Name, differ)
		case reason == "":
			t.Errorf("%s is listed without a reason", c.Name)
		}
	}
	for area, n := range total {
		t.Logf("%-10s %3d of %3d agree (%.0f %%)", area, agreed[area], n, 100*float64(agreed[area])/float64(n))
	}
}

// shared finds a folder of shared/, which stands beside the repository, or
// further up when this is a worktree of it; "" when it is missing.
func shared(name string) string {
	dir, err := filepath.Abs(filepath.Join("..", "..", ".."))
	for err == nil && dir != "/" {
		dir = filepath.Dir(dir)
		at := filepath.Join(dir, "shared", name)
		if _, err := os.Stat(at); err == nil {
			return at
		}
	}
	return ""
}
