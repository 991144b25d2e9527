package cfninit

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// tarOf packs members: "name=content", "name/", "name->target" a symbolic
// link, "name=>target" a hard link, "name|" a FIFO.
func tarOf(t *testing.T, members ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, m := range members {
		h := &tar.Header{Mode: 0o644, ModTime: time.Unix(1420070400, 0), Uid: os.Getuid(), Gid: os.Getgid()}
		content := ""
		if name, target, ok := strings.Cut(m, "->"); ok {
			h.Typeflag, h.Name, h.Linkname = tar.TypeSymlink, name, target
		} else if name, target, ok := strings.Cut(m, "=>"); ok {
			h.Typeflag, h.Name, h.Linkname = tar.TypeLink, name, target
		} else if name, ok := strings.CutSuffix(m, "|"); ok {
			h.Typeflag, h.Name = tar.TypeFifo, name
		} else if strings.HasSuffix(m, "/") {
			h.Typeflag, h.Name, h.Mode = tar.TypeDir, m, 0o755
		} else {
			h.Name, content, _ = strings.Cut(m, "=")
			h.Size = int64(len(content))
		}
		must(t, w.WriteHeader(h))
		_, err := w.Write([]byte(content))
		must(t, err)
	}
	must(t, w.Close())
	return b.Bytes()
}

// unpackInto runs `sources` with one local archive on a new root, with /etc
// and the target /srv/app.
func unpackInto(t *testing.T, data []byte, before func(root string)) (root, log string, err error) {
	t.Helper()
	root = t.TempDir()
	for _, dir := range []string{"etc", "tmp", "opt", "srv/app"} {
		must(t, os.MkdirAll(filepath.Join(root, dir), 0o755))
	}
	must(t, os.WriteFile(root+"/etc/secret", []byte("secret"), 0o600))
	must(t, os.WriteFile(root+"/opt/a", data, 0o644))
	if before != nil {
		before(root)
	}
	var out bytes.Buffer
	_, err = (&Runner{Root: root, Log: &out}).Build(context.Background(), parse(t, `AWS::CloudFormation::Init: {config: {sources: {/srv/app: /opt/a}}}`), nil)
	return root, out.String(), err
}

func TestAnArchiveCannotLeaveItsDirectory(t *testing.T) {
	const refused = " is not a sub-path of /srv/app"
	for _, c := range []struct {
		name    string
		members []string
		err     string
	}{
		{"climbs", []string{"../../etc/evil=x"}, "../../etc/evil" + refused},
		{"absolute", []string{"/etc/evil=x"}, "/etc/evil" + refused},
		{"a sibling whose name begins alike", []string{"../app-evil/f=x"}, "../app-evil/f" + refused},
		{"through a link", []string{"out->/etc", "out/evil=x"}, "out/evil" + refused},
		{"through a relative link", []string{"out->../../etc", "out/evil=x"}, "out/evil" + refused},
		{"through two links", []string{"a->b", "b->/etc", "a/evil=x"}, "a/evil" + refused},
		{"through a link below a folder", []string{"d/", "d/out->../../../etc", "d/out/evil=x"}, "d/out/evil" + refused},
		{"a file at a link", []string{"f->/etc/secret", "f=x"}, "f" + refused},
		{"a folder at a link", []string{"d->/etc", "d/"}, "d" + refused},
		{"a folder through a link", []string{"out->/", "out/etc/new/f=x"}, "out/etc/new" + refused},
		{"a hard link to an absolute path", []string{"f=>/etc/secret"}, "f" + refused},
		{"a hard link that climbs", []string{"f=>../../etc/secret"}, "f" + refused},
		{"a hard link through a link", []string{"out->/etc", "f=>out/secret"}, "out/secret" + refused},
		{"a file at a FIFO", []string{"p|", "p=x"}, "/srv/app/p exists and is no file"},
		{"links in a ring", []string{"a->b", "b->a", "a/f=x"}, "[Errno 17] File exists: '/srv/app/a'"},
	} {
		t.Run(c.name, func(t *testing.T) {
			root, log, err := unpackInto(t, tarOf(t, c.members...), nil)
			if got := errorText(err); got != c.err {
				t.Errorf("error  %q\nwanted %q\n%s", got, c.err, log)
			}
			if got := entries(t, root+"/etc"); got != `secret "secret" 0600` {
				t.Errorf("/etc is now %q", got)
			}
			if _, err := os.Stat(root + "/srv/app-evil"); err == nil {
				t.Error("there is a /srv/app-evil")
			}
			if left, _ := os.ReadDir(root + "/tmp"); len(left) > 0 {
				t.Errorf("left in /tmp: %v", left)
			}
		})
	}
}

func TestLinksThatStayInsideAreFollowed(t *testing.T) {
	data := tarOf(t, "real/", "cur->real", "cur/f=x", "g=>real/f", "abs->/etc/secret", "new\nline=y")
	root, log, err := unpackInto(t, data, nil)
	if err != nil {
		t.Fatal(err, log)
	}
	got := entries(t, root+"/srv/app")
	for _, want := range []string{"cur -> real", `real/f "x" 0644`, `g "x" 0644`, "abs -> /etc/secret", "new\nline \"y\" 0644"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
}

// A link that was there before is the machine's own layout.
func TestLinksOfTheMachineAreFollowed(t *testing.T) {
	root, _, err := unpackInto(t, tarOf(t, "logs/f=x"), func(root string) {
		must(t, os.MkdirAll(root+"/var/log/app", 0o755))
		must(t, os.Symlink("/var/log/app", root+"/srv/app/logs"))
	})
	if data, _ := os.ReadFile(root + "/var/log/app/f"); err != nil || string(data) != "x" {
		t.Errorf("got %q, %v", data, err)
	}
}

func TestAnArchiveDoesNotWriteIntoADevice(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root: a device is made")
	}
	root, _, err := unpackInto(t, tarOf(t, "null=x"), func(root string) {
		must(t, syscall.Mknod(root+"/srv/app/null", syscall.S_IFCHR|0o666, int(unix.Mkdev(1, 3))))
	})
	if got := errorText(err); got != "/srv/app/null exists and is no file" {
		t.Errorf("error %q", got)
	}
	if st, err := os.Stat(root + "/srv/app/null"); err != nil || st.Mode()&os.ModeCharDevice == 0 {
		t.Errorf("the device is now %v, %v", st, err)
	}
}

func TestAnArchiveThatGrowsWithoutMeasureIsStopped(t *testing.T) {
	dir := t.TempDir()
	data := tarOf(t, "f="+strings.Repeat("0", 100_000))
	must(t, os.WriteFile(dir+"/a", data, 0o644))
	tree, err := openRoot(dir)
	must(t, err)
	defer tree.close()
	f, err := os.Open(dir + "/a")
	must(t, err)
	defer f.Close()
	b := &build{Runner: &Runner{}, Result: &Result{}, root: tree, made: map[linkID]bool{}}
	x, err := b.newUnpacking(openArchive(f), f, "/out")
	must(t, err)
	if want := int64(freeSize); x.left != want {
		t.Errorf("a small archive may grow to %d bytes, wanted %d", x.left, want)
	}
	x.left = 50_000
	if got := errorText(x.unpack(context.Background())); got != "the archive for /out grows to more than 100 times its size; beanpole does not unpack it" {
		t.Errorf("error %q", got)
	}
}

func TestATargetMayBeRelative(t *testing.T) {
	root := t.TempDir()
	must(t, os.Mkdir(root+"/opt", 0o755))
	must(t, os.WriteFile(root+"/opt/a", tarOf(t, "d/", "d/f=x"), 0o644))
	_, err := (&Runner{Root: root}).Build(t.Context(), parse(t, `AWS::CloudFormation::Init: {config: {sources: {app: /opt/a}}}`), nil)
	must(t, err)
	if data, err := os.ReadFile(root + "/app/d/f"); err != nil || string(data) != "x" {
		t.Errorf("the member holds %q: %v", data, err)
	}
}

// Where an archive ends, and what is wrong with it, is as Python sees it.
func TestArchivesThatBreakOff(t *testing.T) {
	whole := tarOf(t, "d/", "d/f=hello", "g=x") // headers at 0, 512, 1536
	zipped := func(data []byte) []byte {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, err := w.Write(data)
		must(t, err)
		must(t, w.Close())
		return b.Bytes()
	}
	gz := zipped(whole)
	badSum := bytes.Clone(whole)
	badSum[1536+148] ^= 1
	badCRC := bytes.Clone(gz)
	badCRC[len(badCRC)-6] ^= 1
	const none, short = "Unsupported source file (not zip or tarball): /opt/a", "unexpected end of data"
	for _, c := range []struct {
		name string
		data []byte
		err  string
		g    bool // the last member is there
	}{
		{"whole", whole, "", true},
		{"no end", whole[:1536+1024], "", true},
		{"cut in the first header", whole[:511], none, false},
		{"cut in the second header", whole[:700], "", false},
		{"cut in data", whole[:1100], short, false},
		{"cut in the padding of data", whole[:1500], short, false},
		{"third header damaged", badSum, "", false},
		{"something behind", append(bytes.Clone(whole), "more"...), "", true},
		{"a folder that climbs and stays inside", tarOf(t, "n/../d/", "g=x"), "[Errno 17] File exists: '/srv/app/n/..'", false},
		{"a name that is no UTF-8", tarOf(t, "../x=1", "gr\xfc=1"), "'utf8' codec can't decode byte 0xfc in position 2: invalid start byte", false},
		{"gzip", gz, "", true},
		{"gzip with a wrong checksum", badCRC, none, false},
		{"gzip without all of its checksum", gz[:len(gz)-5], "unpack requires a string argument of length 4", false},
		{"gzip without the last byte", gz[:len(gz)-1], "unpack requires a string argument of length 4", false},
		{"gzip without any of its checksum", gz[:len(gz)-8], "", true},
		{"gzip with something behind", append(bytes.Clone(gz), "xx"...), "", true},
		{"two gzips", append(zipped(whole[:900]), zipped(whole[900:])...), "", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			root, _, err := unpackInto(t, c.data, nil)
			if got := errorText(err); got != c.err {
				t.Errorf("error  %q\nwanted %q", got, c.err)
			}
			if _, err := os.Stat(root + "/srv/app/g"); (err == nil) != c.g {
				t.Errorf("the last member: %v", err)
			}
		})
	}
}

func TestDamagedArchives(t *testing.T) {
	whole := tarOf(t, "a=x", "b="+strings.Repeat("y", 2000))
	var zipped bytes.Buffer
	z := zip.NewWriter(&zipped)
	f, err := z.CreateHeader(&zip.FileHeader{Name: "f", Method: zip.Store})
	must(t, err)
	fmt.Fprint(f, "good content")
	must(t, z.Close())
	for _, c := range []struct {
		name string
		data []byte
		err  string
	}{
		{"cut in a member", whole[:2000], "unexpected end of data"},
		{"empty", nil, "Unsupported source file (not zip or tarball): /opt/a"},
		{"half a header", whole[:300], "Unsupported source file (not zip or tarball): /opt/a"},
		{"rubbish behind the first member", append(append([]byte{}, whole[:1024]...), bytes.Repeat([]byte("x"), 1024)...), ""},
		{"checksum", bytes.Replace(zipped.Bytes(), []byte("good"), []byte("evil"), 1), "Bad CRC-32 for file u'f'"},
		{"zip without an end", zipped.Bytes()[:zipped.Len()-30], "Unsupported source file (not zip or tarball): /opt/a"},
		{"xz", []byte("\xfd7zXZ\x00" + strings.Repeat("x", 1000)), "Unsupported source file (not zip or tarball): /opt/a"},
		{"zstandard", []byte("\x28\xb5\x2f\xfd" + strings.Repeat("x", 1000)), "Unsupported source file (not zip or tarball): /opt/a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := unpackInto(t, c.data, nil)
			if got := errorText(err); got != c.err {
				t.Errorf("error  %q\nwanted %q", got, c.err)
			}
		})
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add([]byte("PK\x05\x06" + strings.Repeat("\x00", 18)))
	f.Add(make([]byte, 1024))
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	w.WriteHeader(&tar.Header{Name: "a/../b", Linkname: "/etc", Typeflag: tar.TypeSymlink})
	w.WriteHeader(&tar.Header{Name: "b/x", Size: 1})
	w.Write([]byte("x"))
	w.Close()
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		root, _, _ := unpackInto(t, data, nil)
		if got := entries(t, root+"/etc"); got != `secret "secret" 0600` {
			t.Errorf("/etc is now %q", got)
		}
	})
}
