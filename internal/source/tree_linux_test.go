package source

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"golang.org/x/sys/unix"
)

// TestTreeIsAsRoot: the short way through the system lists what os.Root lists,
// and leads out of the folder as little.
func TestTreeIsAsRoot(t *testing.T) {
	dir := folder(t, map[string]string{
		"a": "1", "d/b": "22", "d/e/c": "", "in": "-> d/b", "folder": "-> d", "out": "-> ../../../etc/passwd", "nowhere": "-> x", "up": "-> d/../../x",
	})
	outside := filepath.Join(filepath.Dir(dir), "x")
	if err := os.WriteFile(outside, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(unix.Mkfifo(filepath.Join(dir, "pipe"), 0o600), os.Chmod(filepath.Join(dir, "a"), 0o755|os.ModeSetuid), os.Chmod(filepath.Join(dir, "d"), 0o755|os.ModeSticky)); err != nil {
		t.Fatal(err)
	}
	short, err := openTree(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer short.close()
	long := &rooted{path: dir}
	defer long.close()
	for _, at := range []string{".", "d", "d/e", "folder", "out", "up", "a", "none"} {
		got, err1 := short.list(at)
		want, err2 := long.list(at)
		if !reflect.DeepEqual(got, want) || (err1 == nil) != (err2 == nil) {
			t.Errorf("%s: %v (%v), os.Root: %v (%v)", at, got, err1, want, err2)
		}
	}
	for _, name := range []string{"a", "d/b", "in", "folder/b", "out", "up", "nowhere", "../x", outside} {
		got, err1 := readAll(short.open(name))
		want, err2 := readAll(long.open(name))
		if string(got) != string(want) || (err1 == nil) != (err2 == nil) {
			t.Errorf("%s: %q (%v), os.Root: %q (%v)", name, got, err1, want, err2)
		}
	}
}
