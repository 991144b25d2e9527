package image

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"beanpole/internal/source"
)

func file(name, text string) tar.Header {
	return tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Linkname: text}
}
func folder(name string) tar.Header {
	return tar.Header{Name: name, Typeflag: tar.TypeDir, Mode: 0o755}
}
func link(name, to string) tar.Header {
	return tar.Header{Name: name, Typeflag: tar.TypeSymlink, Linkname: to}
}

// archive is a tar of these; a plain file's text stands in its Linkname.
func archive(t *testing.T, headers ...tar.Header) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, h := range headers {
		text := ""
		if h.Typeflag == tar.TypeReg {
			text, h.Linkname = h.Linkname, ""
			h.Size = int64(len(text))
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, text)
	}
	w.Close()
	return out.Bytes()
}

// build makes an image for this machine of layers.
func build(t *testing.T, layers ...[]byte) v1.Image {
	t.Helper()
	img := v1.Image(empty.Image)
	for _, data := range layers {
		l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil })
		if err != nil {
			t.Fatal(err)
		}
		if img, err = mutate.AppendLayers(img, l); err != nil {
			t.Fatal(err)
		}
	}
	c, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	c = c.DeepCopy()
	c.OS, c.Architecture = "linux", runtime.GOARCH
	if img, err = mutate.ConfigFile(img, c); err != nil {
		t.Fatal(err)
	}
	return img
}

// lay writes an image as a layout folder.
func lay(t *testing.T, img v1.Image) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "layout")
	p, err := layout.Write(dir, empty.Index)
	if err == nil {
		err = p.AppendImage(img)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("owners can be set by root alone")
	}
}

// tree is what a root holds, a line a file.
func tree(t *testing.T, root string) string {
	t.Helper()
	var out strings.Builder
	err := filepath.Walk(root, func(p string, fi os.FileInfo, err error) error {
		if err != nil || p == root {
			return err
		}
		st := fi.Sys().(*syscall.Stat_t)
		fmt.Fprintf(&out, "%s %o %d:%d", strings.TrimPrefix(p, root), st.Mode&0o7777, st.Uid, st.Gid)
		switch {
		case fi.Mode().IsRegular():
			data, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			fmt.Fprintf(&out, " %q", data)
		case fi.Mode()&os.ModeSymlink != 0:
			to, _ := os.Readlink(p)
			out.WriteString(" -> " + to)
		}
		out.WriteString("\n")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestLayersAreLaidOverEachOther(t *testing.T) {
	needRoot(t)
	owned := tar.Header{Name: "usr/bin/su", Typeflag: tar.TypeReg, Mode: 0o4755, Linkname: "su", Uid: 0, Gid: 12}
	below := archive(t, folder("./"), folder("usr/"), folder("usr/bin/"), owned, link("bin", "usr/bin"), link("var/run", "/run"),
		file("etc/gone", "1"), file("etc/kept", "1"), file("opt/app/old", "1"), file("srv/a", "1"), file("tmp/x/y", "1"))
	above := archive(t, file("etc/.wh.gone", ""), file("etc/kept", "2"), file("opt/app/new", "2"), file("opt/app/.wh..wh..opq", ""),
		tar.Header{Name: "srv/b", Typeflag: tar.TypeLink, Linkname: "srv/a"}, file("tmp/x", "now a file"),
		tar.Header{Name: "dev/sda", Typeflag: tar.TypeBlock, Devmajor: 8}, tar.Header{Name: "home/webapp/", Typeflag: tar.TypeDir, Mode: 0o700, Uid: 900, Gid: 901})
	dir := t.TempDir()
	i, err := Unpack(t.Context(), dir, lay(t, build(t, below, above)))
	if err != nil {
		t.Fatal(err)
	}
	want := `/bin 777 0:0 -> usr/bin
/dev 755 0:0
/etc 755 0:0
/etc/kept 644 0:0 "2"
/home 755 0:0
/home/webapp 700 900:901
/opt 755 0:0
/opt/app 755 0:0
/opt/app/new 644 0:0 "2"
/srv 755 0:0
/srv/a 644 0:0 "1"
/srv/b 644 0:0 "1"
/tmp 755 0:0
/tmp/x 644 0:0 "now a file"
/usr 755 0:0
/usr/bin 755 0:0
/usr/bin/su 4755 0:12 "su"
/var 755 0:0
/var/run 777 0:0 -> /run
`
	if got := tree(t, i.Root); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestNothingIsWrittenOutsideTheImage(t *testing.T) {
	needRoot(t)
	outside := t.TempDir()
	victim := filepath.Join(outside, "victim")
	if err := os.WriteFile(victim, []byte("whole"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, headers := range map[string][]tar.Header{
		"a name that climbs":             {file("../../../../../../.."+victim, "x")},
		"a link out, and through it":     {link("a", outside), file("a/victim", "x")},
		"a climbing link":                {link("a", "../../../../../../../.."+outside), file("a/victim", "x")},
		"links through links":            {link("a", "b"), link("b", outside), file("a/victim", "x")},
		"a hard link to a file outside":  {{Name: "a", Typeflag: tar.TypeLink, Linkname: victim}, file("a", "x")},
		"a hard link through a link":     {link("d", outside), {Name: "a", Typeflag: tar.TypeLink, Linkname: "d/victim"}},
		"a whiteout through a link":      {link("a", outside), file("a/.wh.victim", "")},
		"an opaque folder that's a link": {link("a", outside), file("a/.wh..wh..opq", "")},
		"the parent whited out":          {file(".wh...", "")},
		"itself whited out":              {file(".wh..", "")},
		"an owner through a link":        {link("a", victim), {Name: "a/", Typeflag: tar.TypeDir, Mode: 0o777, Uid: 7}},
	} {
		dir := filepath.Join(t.TempDir(), "images")
		i, err := Unpack(t.Context(), dir, lay(t, build(t, archive(t, headers...))))
		var problem *source.Problem
		if err != nil && !errors.As(err, &problem) {
			t.Errorf("%s: not the user's to mend: %v", name, err)
		}
		data, readErr := os.ReadFile(victim)
		fi, statErr := os.Stat(victim)
		if readErr != nil || statErr != nil || string(data) != "whole" || fi.Mode().Perm() != 0o600 || fi.Sys().(*syscall.Stat_t).Nlink != 1 {
			t.Fatalf("%s: the file outside: %q, %v (%v)", name, data, readErr, err)
		}
		if entries, _ := os.ReadDir(outside); len(entries) != 1 {
			t.Errorf("%s: outside there are %v", name, entries)
		}
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			if e.Name() != ".lock" && (i == nil || filepath.Join(dir, e.Name()) != i.Root) {
				t.Errorf("%s: left: %s", name, e.Name())
			}
		}
	}
}

func TestAnImageIsUnpackedOnce(t *testing.T) {
	needRoot(t)
	dir, img := t.TempDir(), lay(t, build(t, archive(t, file("a", "1"))))
	if err := os.MkdirAll(filepath.Join(dir, partial+"killed", "root"), 0o700); err != nil {
		t.Fatal(err)
	}
	first, err := Unpack(t.Context(), dir, img)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Unpack(t.Context(), dir, img)
	if err != nil {
		t.Fatal(err)
	}
	if !first.Fresh || again.Fresh || first.Root != again.Root || !strings.HasPrefix(first.Digest, "sha256:") {
		t.Errorf("first %+v, then %+v", first, again)
	}
	if _, err := os.Stat(filepath.Join(dir, partial+"killed")); err == nil {
		t.Error("what a killed process left is still there")
	}
}

func TestEveryFormOfAnImageIsRead(t *testing.T) {
	needRoot(t)
	img := build(t, archive(t, file("etc/os-release", "ID=test\n")))
	saved := filepath.Join(t.TempDir(), "saved.tar")
	tag, err := name.NewTag("shop/app:1")
	if err != nil {
		t.Fatal(err)
	}
	if err := tarball.WriteToFile(saved, tag, img); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(registry.New())
	defer server.Close()
	ref := strings.TrimPrefix(server.URL, "http://") + "/shop/app:1"
	to, err := name.ParseReference(ref)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(to, img); err != nil {
		t.Fatal(err)
	}
	folder := lay(t, img)
	for what, named := range map[string]string{"a layout": folder, "a layout in a tar": tarOf(t, folder), "what docker save writes": saved, "a registry": ref} {
		i, err := Unpack(t.Context(), t.TempDir(), named)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if data, err := os.ReadFile(filepath.Join(i.Root, "etc/os-release")); err != nil || string(data) != "ID=test\n" {
			t.Errorf("%s: %q, %v", what, data, err)
		}
	}
}

// tarOf is a folder as a tar file.
func tarOf(t *testing.T, dir string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "layout.tar")
	f, err := os.Create(out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := tar.NewWriter(f)
	defer w.Close()
	if err := w.AddFS(os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestWhatIsNoImageOfThisMachineIsTheUsersMistake(t *testing.T) {
	needRoot(t)
	other, err := build(t, archive(t, file("a", "1"))).ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	other = other.DeepCopy()
	other.Architecture = "s390x"
	foreign, err := mutate.ConfigFile(build(t, archive(t, file("a", "1"))), other)
	if err != nil {
		t.Fatal(err)
	}
	damaged := lay(t, build(t, archive(t, file("a", strings.Repeat("text", 1000)))))
	blobs, _ := filepath.Glob(filepath.Join(damaged, "blobs/sha256/*"))
	for _, b := range blobs { // cut the layer short
		if data, _ := os.ReadFile(b); len(data) > 2 && data[0] == 0x1f {
			os.WriteFile(b, data[:len(data)/2], 0o644)
		}
	}
	text := filepath.Join(t.TempDir(), "text.tar")
	os.WriteFile(text, []byte("no tar at all"), 0o644)
	bare := filepath.Join(t.TempDir(), "bare.tar")
	os.WriteFile(bare, archive(t, file("etc/passwd", "")), 0o644)
	for named, want := range map[string]string{
		lay(t, foreign):     "is for linux/s390x",
		damaged:             "unexpected EOF",
		t.TempDir():         "no OCI layout",
		text:                "no tar file",
		bare:                "holds no image",
		"./not-there.tar":   "no such file",
		"Not A Reference":   "neither a file or folder nor an image's reference",
		"127.0.0.1:1/app:1": "cannot get image",
	} {
		_, err := Unpack(t.Context(), t.TempDir(), named)
		var problem *source.Problem
		if !errors.As(err, &problem) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", named, err, want)
		}
	}
}
