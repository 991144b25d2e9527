// Package testimage makes small images for tests, of files of the machine that
// the tests run on: nobody is asked for them.
package testimage

import (
	"archive/tar"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// Root makes a folder with programs of this machine, the libraries that they
// are linked with, and accounts: root, and app with the numbers 1000 and 1000.
func Root(t testing.TB, programs ...string) string {
	t.Helper()
	dir := t.TempDir()
	for p, text := range map[string]string{
		"etc/passwd": "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n",
		"etc/group":  "root:x:0:\napp:x:1000:\n",
	} {
		write(t, filepath.Join(dir, p), []byte(text), 0o644)
	}
	for _, p := range []string{"tmp", "home/app", "root", "proc", "dev", "sys"} {
		if err := os.MkdirAll(filepath.Join(dir, p), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range programs {
		at, err := exec.LookPath(p)
		if err != nil {
			t.Skipf("no %s here", p)
		}
		data, err := os.ReadFile(at)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, "bin", filepath.Base(p)), data, 0o755)
		out, _ := exec.Command("ldd", at).Output() // it fails for what is linked statically
		for _, word := range strings.Fields(string(out)) {
			if !filepath.IsAbs(word) {
				continue
			}
			data, err := os.ReadFile(word)
			if err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(dir, word), data, 0o755)
		}
	}
	return dir
}

func write(t testing.TB, at string, data []byte, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at, data, mode); err != nil {
		t.Fatal(err)
	}
}

// Image makes an image of a folder; all files are root's.
func Image(t testing.TB, root string, c v1.Config) v1.Image {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	err := filepath.WalkDir(root, func(p string, e os.DirEntry, err error) error {
		if err != nil || p == root {
			return err
		}
		fi, err := e.Info()
		if err != nil {
			return err
		}
		h, err := tar.FileInfoHeader(fi, "")
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, p)
		h.Name, h.Uid, h.Gid, h.Uname, h.Gname = path.Clean(rel), 0, 0, "", ""
		if err := w.WriteHeader(h); err != nil || fi.IsDir() {
			return err
		}
		data, err := os.ReadFile(p)
		if err == nil {
			_, err = w.Write(data)
		}
		return err
	})
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil })
	if err != nil {
		t.Fatal(err)
	}
	img, err := mutate.AppendLayers(empty.Image, layer)
	if err == nil {
		img, err = mutate.Config(img, c)
	}
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// Save writes an image to a file, as "docker save" does.
func Save(t testing.TB, img v1.Image, named string) string {
	t.Helper()
	ref, err := name.NewTag(named)
	if err != nil {
		t.Fatal(err)
	}
	at := filepath.Join(t.TempDir(), strings.ReplaceAll(path.Base(named), ":", "-")+".tar")
	if err := tarball.WriteToFile(at, ref, img); err != nil {
		t.Fatal(err)
	}
	return at
}
