package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"beanpole/internal/source"
)

// write makes files below dir; a name that ends in a slash is a folder.
func write(t *testing.T, dir string, names ...string) {
	t.Helper()
	for _, n := range names {
		at := filepath.Join(dir, n)
		if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(n, "/") {
			if err := os.MkdirAll(at, 0o700); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.WriteFile(at, []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDownRemovesNothingThatIsNotBeanpoles(t *testing.T) {
	for name, files := range map[string][]string{
		"some other folder":               {"thesis.tex", "src/main.go"},
		"a state folder with other files": {"serve.lock", "state.db", "objects/", "thesis.tex"},
		"a folder with one like ours":     {"objects/photo.jpg", "cache/x"},
	} {
		dir := t.TempDir()
		write(t, dir, files...)
		status, out, errs := command(t, t.TempDir(), "down", "--state", dir)
		if name == "a state folder with other files" && (status != exitUsage || !strings.Contains(errs, "thesis.tex")) {
			t.Errorf("%s: status %d, %s%s", name, status, out, errs)
		}
		for _, f := range files {
			if _, err := os.Lstat(filepath.Join(dir, f)); err != nil {
				t.Errorf("%s: %s is gone", name, f)
			}
		}
		if _, err := os.Lstat(filepath.Join(dir, "serve.lock")); name == "some other folder" && err == nil {
			t.Errorf("%s: down left a lock there", name)
		}
	}
}

func TestDownRemovesAWholeStateFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	write(t, dir, "serve.lock", "serve.json.new", "serve.log", "state.db", "credentials", "credentials-123", "authority/ca.pem",
		"cache/go-build/00/x", "instances/.lock", "objects/writing-1")
	if status, out, errs := command(t, t.TempDir(), "down", "--state", dir); status != exitClean {
		t.Fatalf("status %d, %s%s", status, out, errs)
	}
	if _, err := os.Lstat(dir); !os.IsNotExist(err) {
		t.Errorf("the folder is still there: %v", err)
	}
}

// A repository may come with a .beanpole of its own. Root would write through
// its links, and share with the instances what they lead to.
func TestPreparedStateFolderIsRefused(t *testing.T) {
	for _, link := range []string{".", "serve.json.new", "serve.log", "serve.lock", "state.db", "cache", "cache/go-build", "instances/i-1", "objects/x", "authority/key.pem"} {
		here, outside := t.TempDir(), t.TempDir()
		at := filepath.Join(here, stateName, link)
		if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(outside, at); err != nil {
			t.Fatal(err)
		}
		status, out, errs := command(t, here, "serve", "--port", "1")
		if status != exitUsage || !strings.Contains(errs, stateName) {
			t.Errorf("link at %s: status %d, %s%s", link, status, out, errs)
		}
		if entries, _ := os.ReadDir(outside); len(entries) > 0 {
			t.Errorf("link at %s: %v was written outside", link, entries)
		}
	}
}

func TestStateFolderOfAnotherUserIsRefused(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to give a folder to somebody else")
	}
	here := t.TempDir()
	dir := filepath.Join(here, stateName)
	write(t, dir, "serve.lock")
	if err := os.Chown(dir, 12345, 12345); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"serve", "--port", "1"}, {"down"}, {"status"}, {"down", "--state", dir}} {
		if status, out, errs := command(t, here, args...); status != exitUsage || !strings.Contains(errs, "another user") {
			t.Errorf("%v: status %d, %s%s", args, status, out, errs)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "serve.lock")); err != nil {
		t.Error(err)
	}
}

// Instances leave programs with set-user-ID root in it: whoever reaches them
// is root on the machine.
func TestStateFolderIsClosedToOthersEvenWhenTheUserMadeIt(t *testing.T) {
	dir := filepath.Join(t.TempDir(), stateName)
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	p := &project{dir}
	lock, err := p.lock()
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if fi, err := os.Stat(dir); err != nil || fi.Mode().Perm() != 0o700 {
		t.Errorf("mode %v, %v", fi.Mode(), err)
	}
}

func TestStateFolderIsNoPartOfTheBundle(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "app/Procfile", "app/.beanpole/credentials")
	if err := os.Symlink(filepath.Join(dir, "app"), filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for state, refused := range map[string]bool{"app/.beanpole": false, "app/state": true, "app/deep/state": true, "link/state": true, "app": true, "state": false} {
		for _, bundle := range []string{"app", "link"} {
			err := (&project{filepath.Join(dir, state)}).apart(filepath.Join(dir, bundle))
			if (err != nil) != refused {
				t.Errorf("state %s, bundle %s: %v", state, bundle, err)
			}
		}
	}
	b, err := source.OpenBundle(filepath.Join(dir, "app"))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if names := b.Names(); len(names) != 1 {
		t.Errorf("the bundle holds %v", names)
	}
}

func TestDownWaitsForALocalAWSThatIsJustEnding(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	p := &project{dir}
	lock, err := p.lock()
	if err != nil {
		t.Fatal(err)
	}
	// It has taken its address away, but clears up instances that do not answer.
	time.AfterFunc(300*time.Millisecond, func() { lock.Close() })
	if status, out, errs := command(t, t.TempDir(), "down", "--state", dir); status != exitClean {
		t.Errorf("status %d, %s%s", status, out, errs)
	}
	if _, err := os.Lstat(dir); !os.IsNotExist(err) {
		t.Errorf("the folder is still there: %v", err)
	}
}

func TestALookAtTheLockKeepsNobodyFromTakingIt(t *testing.T) {
	p := &project{filepath.Join(t.TempDir(), "state")}
	if err := p.make(); err != nil {
		t.Fatal(err)
	}
	look, err := p.openOwn("serve.lock", os.O_CREATE|os.O_RDWR)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Flock(int(look.Fd()), unix.LOCK_SH); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(30*time.Millisecond, func() { look.Close() })
	lock, err := p.lock()
	if err != nil {
		t.Fatal(err)
	}
	lock.Close()
}
