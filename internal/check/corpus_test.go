package check

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"beanpole/internal/finding"
	"beanpole/internal/source"
)

var printCorpus = flag.Bool("corpus-print", false, "print what is found in public files (those of TestPublicFiles… that are chosen with -run)")

// corpus is a folder of public configuration files beside the repository; the
// tests that read it are skipped where it is missing.
const corpus = "../../../shared/corpus"

// public is one bundle of public files: those of a repository's newest
// version together, each older one alone.
type public struct {
	name  string
	files map[string]string // name in the bundle → path below corpus
}

// tsv reads a table without its first line.
func tsv(t *testing.T, file string) [][]string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out [][]string
	for _, line := range strings.Split(strings.TrimRight(string(data), "\n"), "\n")[1:] {
		out = append(out, strings.Split(line, "\t"))
	}
	return out
}

func needCorpus(t *testing.T) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(corpus, "INDEX.tsv")); err != nil {
		t.Skip("no folder of public files beside the repository")
	}
}

// publicBundles are all bundles, those of newest versions first.
func publicBundles(t *testing.T) (newest, older []public) {
	index := map[string]int{}
	for _, row := range tsv(t, filepath.Join(corpus, "INDEX.tsv")) {
		repo, file, origin := strings.Replace(row[0], "/", "__", 1), row[1], row[6]
		at := path.Join("files", repo, file)
		if origin == "old-version" && !strings.Contains(file, "@") {
			at = path.Join("files", repo, strings.TrimSuffix(file, ".config")+"@"+row[2][:10]+".config")
		}
		inside := file
		if i := strings.LastIndex(file, ".ebextensions/"); i >= 0 {
			inside = file[i:]
		}
		if origin != "HEAD" {
			older = append(older, public{at, map[string]string{inside: at}})
			continue
		}
		name := path.Dir(at)
		if _, ok := index[name]; !ok {
			index[name] = len(newest)
			newest = append(newest, public{name, map[string]string{}})
		}
		newest[index[name]].files[inside] = at
	}
	return newest, older
}

// checkPublic checks one bundle and returns its findings; nil with a word when
// it is the user's problem as a whole.
func checkPublic(t *testing.T, p public) ([]*finding.Finding, string) {
	t.Helper()
	dir := t.TempDir()
	for inside, at := range p.files {
		data, err := os.ReadFile(filepath.Join(corpus, filepath.FromSlash(at)))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(inside)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, inside), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := source.OpenBundle(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	r, err := Run(&Input{Bundle: b})
	var problem *source.Problem
	if errors.As(err, &problem) {
		return nil, problem.Error()
	}
	if err != nil {
		t.Errorf("%s: not the user's problem: %v", p.name, err)
		return nil, ""
	}
	read := func(file string) []byte {
		data, err := b.Read(file)
		if err != nil {
			return nil
		}
		return data
	}
	var w io.Writer = io.Discard
	if *printCorpus {
		w = os.Stdout
		fmt.Fprintf(w, "\n##### %s\n", p.name)
	}
	finding.Text(w, r.Findings, finding.TextOptions{Read: read, Width: 100})
	for _, f := range r.Findings {
		if f.Message == "" || f.Pos.File == "" {
			t.Errorf("%s: a finding without message or place: %+v", p.name, f)
		}
	}
	return r.Findings, ""
}

// TestPublicFilesThatWorkRaiseNoError: what deployed for months raises no
// error. testdata/public-errors.tsv lists the ones that are right all the
// same, each with its reason.
func TestPublicFilesThatWorkRaiseNoError(t *testing.T) {
	needCorpus(t)
	allowed := map[string]bool{} // whether it was found
	for _, row := range tsv(t, "testdata/public-errors.tsv") {
		if len(row) != 3 || row[2] == "" {
			t.Fatalf("testdata/public-errors.tsv: %q is not file, slug, reason", row)
		}
		allowed[row[0]+"\t"+row[1]] = false
	}
	rules := map[string]int{}
	newest, _ := publicBundles(t)
	for _, p := range newest {
		fs, problem := checkPublic(t, p)
		if problem != "" {
			t.Errorf("%s: %s", p.name, problem)
		}
		for _, f := range fs {
			rules[string(f.Severity)+" "+f.Rule]++
			if f.Severity != finding.Error {
				continue
			}
			key := p.files[f.Pos.File] + "\t" + f.Rule
			if _, ok := allowed[key]; !ok {
				t.Errorf("%s:%d: %s [%s]", p.files[f.Pos.File], f.Pos.Line, finding.Clean(f.Message), f.Rule)
				continue
			}
			allowed[key] = true
		}
	}
	for key, found := range allowed {
		if !found {
			t.Errorf("testdata/public-errors.tsv lists what is no longer found: %s", key)
		}
	}
	tally(t, rules)
}

func tally(t *testing.T, rules map[string]int) {
	var names []string
	for name := range rules {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		t.Logf("%4d %s", rules[name], name)
	}
}

// TestOlderPublicFilesAreRead: whatever they hold, the outcome is a report or
// the user's problem.
func TestOlderPublicFilesAreRead(t *testing.T) {
	needCorpus(t)
	rules := map[string]int{}
	_, older := publicBundles(t)
	for _, p := range older {
		fs, problem := checkPublic(t, p)
		if problem != "" {
			rules["problem"]++
		}
		for _, f := range fs {
			rules[string(f.Severity)+" "+f.Rule]++
		}
	}
	tally(t, rules)
}

// TestPublicRepairs: what a commit mended is found before it and not after.
// testdata/public-repairs.tsv says by which rule; "-" with a reason where a
// file alone cannot tell.
func TestPublicRepairs(t *testing.T) {
	needCorpus(t)
	want := map[string][]string{}
	for _, row := range tsv(t, "testdata/public-repairs.tsv") {
		if len(row) != 3 || row[1] == "-" && row[2] == "" {
			t.Fatalf("testdata/public-repairs.tsv: %q is not folder, slugs, reason", row)
		}
		want[row[0]] = strings.Fields(row[1])
	}
	before, err := filepath.Glob(filepath.Join(corpus, "fixes", "*", "*", "*", "before.config"))
	if err != nil || len(before) == 0 {
		t.Fatalf("no repairs: %v", err)
	}
	for _, file := range before {
		rel, _ := filepath.Rel(corpus, filepath.Dir(file))
		name := strings.TrimPrefix(filepath.ToSlash(rel), "fixes/")
		inside := ".ebextensions/" + path.Base(name) + ".config"
		slugs := func(which string) map[string]bool {
			out := map[string]bool{}
			fs, _ := checkPublic(t, public{name + " " + which, map[string]string{inside: path.Join("fixes", name, which+".config")}})
			for _, f := range fs {
				out[f.Rule] = true
			}
			return out
		}
		old, now := slugs("before"), slugs("after")
		expected, listed := want[name]
		if !listed {
			t.Errorf("%s: not in testdata/public-repairs.tsv; found before: %v, after: %v", name, keys(old), keys(now))
			continue
		}
		for _, slug := range expected {
			switch {
			case slug == "-":
			case !old[slug]:
				t.Errorf("%s: %s is not found before the repair; found: %v", name, slug, keys(old))
			case now[slug]:
				t.Errorf("%s: %s is still found after the repair", name, slug)
			}
		}
	}
}

func keys(m map[string]bool) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}
