package endtoend

import (
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

var (
	every = flag.Int("public-every", 8, "every how many public files one is deployed; 1: all of them")
	only  = flag.String("public-only", "", "of the public files deploy those whose path contains this")
	shown = flag.String("public-shown", "", "write what came of each public file into this folder")
)

// public is a folder of public configuration files beside the repository.
const public = "../../../shared/corpus/files"

// deployments at a time: an instance waits more than it works.
const atOnce = 3

// TestPublicFilesDeployAsPredicted deploys configuration files that somebody
// once deployed, each alone, to a local environment with a real instance. On
// it package managers answer that all went well, names of the internet lead to
// a server that has a harmless answer for everything, and what the file
// fetches from S3 is there. Nothing of ours may crash, and nothing may be left
// on the machine.
//
// What is compared: whether the deployment is refused, fails or succeeds, and
// of a fetch that is predicted to fail the text. A prediction is an error of
// check; a warning that says "may" allows both. Of a command check tells
// nothing but what Elastic Beanstalk does with it; one that fails for lack of
// the application's other files, or of what the stubs did not install, is a
// line of testdata/public-differences.tsv with that reason.
func TestPublicFilesDeployAsPredicted(t *testing.T) {
	skipWithoutInstances(t)
	files := filesIn(t, public)
	if len(files) == 0 {
		t.Skip("no folder of public files beside the repository")
	}
	var chosen []string
	for i, f := range files {
		if i%*every == 0 && strings.Contains(f, *only) {
			chosen = append(chosen, f)
		}
	}
	deployAll(t, public, chosen, func(*deployed, string) {})
}

// TestSampleFilesDeployAsPredicted does the same with files of this repository.
// The first line of each says what it comes to.
func TestSampleFilesDeployAsPredicted(t *testing.T) {
	skipWithoutInstances(t)
	const dir = "testdata/public"
	deployAll(t, dir, filesIn(t, dir), func(d *deployed, text string) {
		want, _, _ := strings.Cut(strings.TrimPrefix(text, "# "), "\n")
		if got := d.outcome(); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q, not %q", d.name, got, want)
		}
	})
}

// filesIn are the files of a folder that are for Linux, in order.
func filesIn(t *testing.T, dir string) (out []string) {
	t.Helper()
	if _, err := os.Stat(dir); err != nil {
		return nil
	}
	err := filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			out = append(out, p)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// windows tells a file for Windows Server, by the paths it writes.
func windows(text string) bool {
	return strings.Contains(text, `C:\`) || strings.Contains(text, "C:/") || strings.Contains(text, "powershell")
}

// deployAll deploys files and holds what comes of each against its prediction;
// then more is asked of it.
func deployAll(t *testing.T, dir string, files []string, more func(d *deployed, text string)) {
	known := differences(t)
	work := make(chan string)
	var wait sync.WaitGroup
	for range atOnce {
		wait.Go(func() {
			for f := range work {
				if d, text := deployOne(t, dir, f, known); d != nil {
					more(d, text)
				}
			}
		})
	}
	for _, f := range files {
		work <- f
	}
	close(work)
	wait.Wait()
}

// deployOne is nil for a file that is not deployed.
func deployOne(t *testing.T, dir, file string, known map[string][2]string) (*deployed, string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Error(err)
		return nil, ""
	}
	name, err := filepath.Rel(dir, file)
	if err != nil || windows(string(text)) {
		return nil, ""
	}
	d, err := play(t.Context(), filepath.ToSlash(name), string(text))
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return nil, ""
	}
	d.judge(t, known)
	if *shown != "" {
		if err := os.WriteFile(filepath.Join(*shown, strings.ReplaceAll(name, "/", "~")), []byte(d.String()), 0o644); err != nil {
			t.Error(err)
		}
	}
	return d, string(text)
}
