package check

import (
	"archive/zip"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"beanpole/internal/account"
	"beanpole/internal/cfn"
	"beanpole/internal/ebext"
	"beanpole/internal/finding"
	"beanpole/internal/source"
)

var update = flag.Bool("update", false, "rewrite the expected output of the rules' cases")

// TestRules runs testdata/rules/<slug>/*.txtar: a bundle below app/, further
// inputs named in the comment, and the findings in want.txt. What a fix makes
// of the files stands beside it, see checkFixes.
func TestRules(t *testing.T) {
	cases, err := filepath.Glob(filepath.Join("testdata", "rules", "*", "*.txtar"))
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, path := range cases {
		t.Run(strings.TrimSuffix(filepath.ToSlash(path)[len("testdata/rules/"):], ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			c := newCase(t, a)
			got, report := c.check(t)
			c.expect(t, "want.txt", got)
			slug := filepath.Base(filepath.Dir(path))
			if strings.HasPrefix(filepath.Base(path), "silent") {
				for _, f := range report.Findings {
					if f.Rule == slug {
						t.Errorf("a silent case has a finding of the rule")
					}
				}
			}
			c.checkFixes(t, slug, report)
			if *update {
				if err := os.WriteFile(path, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// TestEveryRuleHasASilentCase keeps false alarms from going unseen.
func TestEveryRuleHasASilentCase(t *testing.T) {
	for _, r := range Rules() {
		if r.Slug == "fetch-fails" {
			continue // claims what others leave over; see the other rules' cases
		}
		for _, kind := range []string{"silent", "found"} {
			found, _ := filepath.Glob(filepath.Join("testdata", "rules", r.Slug, kind+"*.txtar"))
			if len(found) == 0 {
				t.Errorf("rule %s has no case testdata/rules/%s/%s*.txtar", r.Slug, r.Slug, kind)
			}
		}
	}
}

type ruleCase struct {
	archive  *txtar.Archive
	settings map[string][]string // of the comment, key: value
	dir      string
	template []byte
}

func newCase(t *testing.T, a *txtar.Archive) *ruleCase {
	c := &ruleCase{archive: a, settings: map[string][]string{}, dir: t.TempDir()}
	for _, line := range strings.Split(string(a.Comment), "\n") {
		if k, v, ok := strings.Cut(line, ": "); ok && !strings.HasPrefix(line, "#") {
			c.settings[k] = append(c.settings[k], v)
		}
	}
	for _, f := range a.Files {
		path := filepath.Join(c.dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c.template = c.file(c.one("template"))
	c.shape(t)
	return c
}

// shape does to the bundle what a txtar cannot say: "chmod: 755 NAME",
// "link: NAME TARGET", "zip: NAME" packs it.
func (c *ruleCase) shape(t *testing.T) {
	t.Helper()
	fail := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range c.settings["chmod"] {
		mode, name, _ := strings.Cut(s, " ")
		bits, err := strconv.ParseUint(mode, 8, 32)
		fail(err)
		fail(os.Chmod(filepath.Join(c.dir, "app", name), os.FileMode(bits)))
	}
	for _, s := range c.settings["link"] {
		name, target, _ := strings.Cut(s, " ")
		fail(os.Symlink(target, filepath.Join(c.dir, "app", name)))
	}
	if name := c.one("zip"); name != "" {
		f, err := os.Create(filepath.Join(c.dir, name))
		fail(err)
		z := zip.NewWriter(f)
		fail(z.AddFS(os.DirFS(filepath.Join(c.dir, "app"))))
		fail(z.Close())
		fail(f.Close())
	}
}

func (c *ruleCase) one(key string) string {
	if v := c.settings[key]; len(v) > 0 {
		return v[0]
	}
	return ""
}

func (c *ruleCase) file(name string) []byte {
	for _, f := range c.archive.Files {
		if f.Name == name {
			return f.Data
		}
	}
	return nil
}

func (c *ruleCase) input(t *testing.T) *Input {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(c.dir, "app"), 0o755); err != nil {
		t.Fatal(err)
	}
	bundle := "app"
	if c.one("zip") != "" {
		bundle = c.one("zip")
	}
	b, err := source.OpenBundle(filepath.Join(c.dir, bundle))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	in := &Input{
		Bundle: b, Platform: c.one("platform"), Environment: c.one("environment"), Read: c.read, Strict: c.one("strict") != "",
		Env: &cfn.Env{StackName: c.one("stack"), Region: c.one("region"), AccountID: c.one("account"), Parameters: map[string]string{}},
	}
	if now := c.one("now"); now != "" {
		if in.Now, err = time.Parse(time.DateOnly, now); err != nil {
			t.Fatal(err)
		}
	}
	for _, o := range c.settings["option"] {
		name, value, _ := strings.Cut(o, "=")
		i := strings.LastIndex(name, ":")
		in.Given = append(in.Given, ebext.Setting{Namespace: name[:i], Option: name[i+1:], Level: ebext.Direct,
			Value: source.NewString(value, source.Pos{})})
	}
	if objects, ok := c.settings["objects"]; ok {
		in.Objects = func(bucket string) (map[string]*account.Object, bool) {
			out := map[string]*account.Object{}
			for _, o := range strings.Fields(strings.Join(objects, " ")) {
				if key, ok := strings.CutPrefix(o, bucket+"/"); ok {
					out[key] = &account.Object{}
				}
			}
			return out, true
		}
	}
	if c.template != nil {
		if in.Template, err = cfn.Parse(c.one("template"), c.template); err != nil {
			t.Fatal(err)
		}
	}
	return in
}

func (c *ruleCase) read(file string) []byte {
	if file == c.one("template") {
		return c.template
	}
	return c.file("app/" + file)
}

func (c *ruleCase) check(t *testing.T) (string, *Report) {
	t.Helper()
	r, err := Run(c.input(t))
	if err != nil {
		return "problem: " + err.Error() + "\n", &Report{}
	}
	for _, f := range r.Findings { // before lines are wrapped: the folder's name has no fixed length
		f.Pos.File = strings.ReplaceAll(f.Pos.File, c.dir, "DIR")
	}
	var b strings.Builder
	finding.Text(&b, r.Findings, finding.TextOptions{Read: c.read, Width: 100})
	finding.Text(&b, r.Unsettled, finding.TextOptions{Width: 100})
	for _, s := range r.Suppressed {
		b.WriteString("silenced: " + s.Pos.String() + ": " + s.Rule + ": " + s.Reason + "\n")
	}
	for _, s := range r.NotKnown {
		b.WriteString("not known: " + finding.Clean(s) + "\n")
	}
	return strings.ReplaceAll(b.String(), c.dir, "DIR"), r
}

// checkFixes carries out each way to mend what the rule finds, and checks
// again: what it mends is gone, and the files read as expected. The template
// after the first way is want.yaml, a file of the bundle want/NAME; after a
// further way they are want-WAY.yaml and want-WAY/NAME.
func (c *ruleCase) checkFixes(t *testing.T, slug string, r *Report) {
	t.Helper()
	var ways []string
	for _, f := range r.Findings {
		for _, fix := range f.Fixes {
			if f.Rule == slug && len(fix.Edits) > 0 && !slices.Contains(ways, fix.Name) {
				ways = append(ways, fix.Name)
			}
		}
	}
	for i, way := range ways {
		want := "want-" + way
		if i == 0 {
			want = "want"
		}
		c.checkWay(t, slug, way, want, r)
	}
	if len(ways) == 0 && slices.ContainsFunc(c.archive.Files, func(f txtar.File) bool {
		return f.Name == "want.yaml" || strings.HasPrefix(f.Name, "want/")
	}) {
		t.Error("no fix is offered")
	}
}

func (c *ruleCase) checkWay(t *testing.T, slug, way, want string, r *Report) {
	t.Helper()
	var fixes []*finding.Fix
	left := 0 // findings that this way does not mend
	for _, f := range r.Findings {
		i := slices.IndexFunc(f.Fixes, func(x finding.Fix) bool { return x.Name == way })
		switch {
		case f.Rule != slug:
		case i < 0:
			left++
		default:
			fixes = append(fixes, &f.Fixes[i])
		}
	}
	edits, taken := finding.Merge(fixes)
	for _, ok := range taken {
		if !ok {
			left++ // until the next run
		}
	}
	mended := &ruleCase{archive: c.archive, settings: c.settings, dir: t.TempDir(), template: c.template}
	if err := os.CopyFS(mended.dir, os.DirFS(c.dir)); err != nil {
		t.Fatal(err)
	}
	for file, es := range edits {
		data, err := source.Apply(c.read(file), es)
		if err != nil {
			t.Fatal(err)
		}
		if file == c.one("template") {
			mended.template = data
			c.expect(t, want+".yaml", string(data))
			continue
		}
		if err := os.WriteFile(filepath.Join(mended.dir, "app", filepath.FromSlash(file)), data, 0o644); err != nil {
			t.Fatal(err)
		}
		c.expect(t, want+"/"+file, string(data))
	}
	_, again := mended.check(t)
	for _, f := range again.Findings {
		if f.Rule == slug {
			left--
		}
		if f.Rule == Unreadable || left < 0 {
			t.Errorf("way %s does not mend it: %s: %s", way, f.Pos, f.Message)
		}
	}
}

func (c *ruleCase) expect(t *testing.T, name, got string) {
	t.Helper()
	for i := range c.archive.Files {
		f := &c.archive.Files[i]
		if f.Name != name {
			continue
		}
		if string(f.Data) != got && !*update {
			t.Errorf("%s: got:\n%s\nwant:\n%s", name, got, f.Data)
		}
		f.Data = []byte(got)
		return
	}
	if *update {
		c.archive.Files = append(c.archive.Files, txtar.File{Name: name, Data: []byte(got)})
		return
	}
	if name == "want.txt" || got != "" {
		t.Errorf("the case has no %s; got:\n%s", name, got)
	}
}
