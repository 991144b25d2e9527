package source

import (
	"archive/zip"
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// folder makes a folder; a content that begins with "-> " makes a link.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		full := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		target, link := strings.CutPrefix(content, "-> ")
		var err error
		if link {
			err = os.Symlink(target, full)
		} else {
			err = os.WriteFile(full, []byte(content), 0o640)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

type zipped struct{ name, content string }

func zipFile(t *testing.T, files ...zipped) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range files {
		h := &zip.FileHeader{Name: f.name, Method: zip.Deflate}
		target, link := strings.CutPrefix(f.content, "-> ")
		h.SetMode(0o755)
		if link {
			h.SetMode(fs.ModeSymlink | 0o777)
		}
		w, err := z.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(target)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "app.zip")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func open(t *testing.T, path string) *Bundle {
	t.Helper()
	b, err := OpenBundle(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

func TestAFolderAndItsZipAreTheSameBundle(t *testing.T) {
	dir := folder(t, map[string]string{
		".ebextensions/a.config": "files:\n", "app/main.go": "package main", "app/link": "-> ../Procfile", "Procfile": "web: x",
		"dirlink": "-> app", "dangling": "-> nowhere", ".git/config": "x", ".elasticbeanstalk/config.yml": "x", "sub/.beanpole/x": "x",
	})
	b := open(t, dir)
	const want = ".ebextensions/a.config Procfile app/link app/main.go"
	if got := strings.Join(b.Names(), " "); got != want {
		t.Fatalf("names are %q, want %q", got, want)
	}
	var one, two bytes.Buffer
	if err := b.WriteZip(&one); err != nil {
		t.Fatal(err)
	}
	if err := open(t, dir).WriteZip(&two); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(one.Bytes(), two.Bytes()) {
		t.Error("two zips of one folder differ")
	}
	path := filepath.Join(t.TempDir(), "b.zip")
	if err := os.WriteFile(path, one.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	z := open(t, path)
	if got := strings.Join(z.Names(), " "); got != want {
		t.Errorf("names in the zip are %q, want %q", got, want)
	}
	for _, name := range b.Names() {
		x, err := b.Read(name)
		if err != nil {
			t.Fatal(err)
		}
		y, err := z.Read(name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(x, y) || b.Mode(name) != z.Mode(name) || b.Mode(name) != 0o640 {
			t.Errorf("%s is %q %v in the folder, %q %v in the zip", name, x, b.Mode(name), y, z.Mode(name))
		}
	}
	if z.entries["dirlink"].link != "app" || z.entries["dangling"].link != "nowhere" {
		t.Error("links to folders and to nothing are lost in the zip")
	}
	var copied bytes.Buffer
	if err := z.WriteZip(&copied); err != nil || !bytes.Equal(copied.Bytes(), one.Bytes()) {
		t.Errorf("a zip is not copied as it is: %v", err)
	}
	if _, err := b.Read("nowhere"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("reading a file that is not there: %v", err)
	}
}

func TestHostileBundlesAreRefused(t *testing.T) {
	outside := folder(t, map[string]string{"secret": "s"})
	zeros := strings.Repeat("\x00", 70<<20)
	for name, c := range map[string]struct{ path, want string }{
		"missing":         {filepath.Join(outside, "none"), "there is no such file or folder"},
		"not_a_zip":       {filepath.Join(outside, "secret"), "neither a folder nor a zip file"},
		"device":          {os.DevNull, "neither"},
		"dot_dot":         {zipFile(t, zipped{"a/../../b", "x"}), "leads out of the bundle"},
		"absolute":        {zipFile(t, zipped{"/etc/passwd", "x"}), "absolute name"},
		"newline":         {zipFile(t, zipped{"a\nb", "x"}), "control character"},
		"nul":             {zipFile(t, zipped{"a\x00b", "x"}), "control character"},
		"twice":           {zipFile(t, zipped{"a", "x"}, zipped{"a", "y"}), "in the bundle twice"},
		"twice_by_dot":    {zipFile(t, zipped{"a", "x"}, zipped{"./a", "y"}), "in the bundle twice"},
		"through_link":    {zipFile(t, zipped{"d", "-> sub"}, zipped{"d/x", "y"}), "both a file and a folder"},
		"link_out":        {zipFile(t, zipped{"d", "-> ../x"}), "leads out of the bundle"},
		"link_absolute":   {zipFile(t, zipped{"d", "-> /etc/passwd"}), "outside the bundle"},
		"link_chain_out":  {zipFile(t, zipped{"p/q/d", "-> ../.."}, zipped{"p/q/e", "-> d/../x"}), "leads out of the bundle"},
		"link_circle":     {zipFile(t, zipped{"a", "-> b"}, zipped{"b", "-> a"}), "in a circle"},
		"bomb":            {zipFile(t, zipped{"zeros", zeros}), "unpacks to"},
		"folder_link_out": {folder(t, map[string]string{"a": "-> " + filepath.Join(outside, "secret")}), "outside the bundle"},
		"folder_link_up":  {folder(t, map[string]string{"s/a": "-> ../../secret"}), "leads out of the bundle"},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := OpenBundle(c.path)
			var p *Problem
			if !errors.As(err, &p) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Fatalf("OpenBundle: %v, %v; want one line with %q", b, err, c.want)
			}
		})
	}
}

func TestEbignoreLeavesFilesOut(t *testing.T) {
	dir := folder(t, map[string]string{
		".ebignore": "# comment\n*.log\n!keep.log\n/top\nbuild/\nsrc/**/gen\n!build/wanted\n[a-c].txt\n",
		"x.log":     "", "sub/y.log": "", "sub/keep.log": "", "top": "", "sub/top": "", "build/o": "", "build/wanted": "",
		"sub/build": "", "src/gen": "", "src/a/b/gen/x": "", "a.txt": "", "d.txt": "",
	})
	const want = ".ebignore build/wanted d.txt sub/build sub/keep.log sub/top"
	if got := strings.Join(open(t, dir).Names(), " "); got != want {
		t.Errorf("names are %q, want %q", got, want)
	}
}
