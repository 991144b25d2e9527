package source

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"sort"
	"strings"
	"time"

	"beanpole/internal/fact"
)

// Limits on a bundle. AWS takes a ZIP or WAR of up to 512 MB
// [EB:applications-sourcebundle]; the rest keeps a hostile one from filling
// the machine.
const (
	maxZip      = 512 << 20
	maxUnpacked = 2 << 30
	maxEntries  = 500_000
	maxRatio    = 200      // unpacked bytes per packed byte, of a bundle
	ratioFrom   = 64 << 20 // that unpacks to more than this
	maxLinkHops = 40
)

// Bundle is an opened source bundle: what a folder holds, or a zip. Every
// name in it is relative, with slashes, and leads nowhere else.
//
// A symbolic link whose target is a file of the bundle is a file of its own
// here, with the target's content and mode; WriteZip keeps it a link, as the
// EB CLI does. Links to folders, or to nothing, show up in WriteZip alone.
type Bundle struct {
	path    string
	names   []string
	entries map[string]*entry
	dirs    map[string]fs.FileMode
	zip     io.ReaderAt // the zip itself, nil for a folder
	broken  []string    // links to nothing
	ignored []Ignored
	folders map[string]bool // filled by holds
	kept    int             // bytes of all entries' data
	shut    func() error
}

// entry is a file or a symbolic link.
type entry struct {
	mode fs.FileMode
	link string // target, of a link
	open func() (io.ReadCloser, error)
	size int64
	data []byte // what Read has read of a small file
}

// OpenBundle opens a folder or a zip. What it refuses, it refuses with a
// *Problem. From a folder the files of .ebignore are left out, and .git,
// .elasticbeanstalk and .beanpole, which never belong to a bundle.
func OpenBundle(name string) (*Bundle, error) {
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &Problem{Pos: Pos{File: name}, What: "there is no such file or folder", Remedy: "name the folder of your application, or its source bundle (a zip)"}
	case err != nil:
		return nil, unopenable(name, err)
	case !info.IsDir() && !info.Mode().IsRegular():
		return nil, &Problem{Pos: Pos{File: name}, What: "a bundle is a folder or a zip file, and this is neither"}
	}
	b := &Bundle{path: name, entries: map[string]*entry{}, dirs: map[string]fs.FileMode{}, shut: func() error { return nil }}
	if info.IsDir() {
		err = b.readFolder()
	} else {
		err = b.readZip(info.Size())
	}
	return b.opened(err)
}

// OpenZip is OpenBundle for a zip of size bytes that is open already. Closing the
// bundle closes it; where it is refused, it is closed.
func OpenZip(name string, z Zip, size int64) (*Bundle, error) {
	b := &Bundle{path: name, entries: map[string]*entry{}, dirs: map[string]fs.FileMode{}, zip: z, shut: z.Close}
	return b.opened(b.readZip(size))
}

// Zip is an open zip file.
type Zip interface {
	io.ReaderAt
	io.Closer
}

// opened is the bundle when all of it could be read.
func (b *Bundle) opened(err error) (*Bundle, error) {
	if err == nil {
		err = b.settle()
	}
	if err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

// NoBundle stands for an application that is not there: it holds no file. path
// is what it is called.
func NoBundle(path string) *Bundle {
	return &Bundle{path: path, entries: map[string]*entry{}, dirs: map[string]fs.FileMode{}, shut: func() error { return nil }}
}

// unopenable is the problem of a file that the system does not hand out.
func unopenable(name string, err error) *Problem {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	p := &Problem{Pos: Pos{File: name}, What: "cannot be read: " + err.Error()}
	switch {
	case errors.Is(err, fs.ErrPermission):
		p.Remedy = "run beanpole as a user who may read it"
	case errors.Is(err, zip.ErrChecksum), errors.Is(err, zip.ErrFormat):
		p.Remedy = "the zip is damaged: make it anew"
	}
	return p
}

// refuse is a problem of one entry of the bundle.
func (b *Bundle) refuse(name, format string, args ...any) *Problem {
	p := &Problem{Pos: Pos{File: b.path}, What: fmt.Sprintf("%q ", name) + fmt.Sprintf(format, args...), Remedy: "remove it, or name it in .ebignore"}
	if b.zip != nil {
		p.Remedy = "make the zip anew without it"
	}
	return p
}

// checkName refuses names that no honest bundle holds.
func (b *Bundle) checkName(name string) error {
	switch {
	case strings.HasPrefix(name, "/"):
		return b.refuse(name, "is an absolute name")
	case strings.IndexFunc(name, func(r rune) bool { return r < ' ' || r == 0x7F }) >= 0:
		return b.refuse(name, "has a control character in its name")
	case fact.Clean(name) != name:
		return b.refuse(name, "has a private-use character in its name")
	}
	for _, part := range strings.Split(name, "/") {
		if part == ".." {
			return b.refuse(name, "leads out of the bundle")
		}
	}
	return nil
}

// add takes one entry; dup names and files that are folders too are refused.
func (b *Bundle) add(name string, e *entry) error {
	if b.entries[name] != nil {
		return b.refuse(name, "is in the bundle twice")
	}
	if len(b.entries) >= maxEntries {
		return &Problem{Pos: Pos{File: b.path}, What: fmt.Sprintf("the bundle has more than %d files", maxEntries)}
	}
	b.entries[name] = e
	return nil
}

// settle checks the links and makes the sorted list of files.
func (b *Bundle) settle() error {
	for name, e := range b.entries {
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			if b.entries[dir] != nil {
				return b.refuse(dir, "is both a file and a folder")
			}
		}
		if _, isDir := b.dirs[name]; isDir {
			return b.refuse(name, "is both a file and a folder")
		}
		file, err := b.resolve(name)
		if err != nil {
			return err
		}
		if _, isDir := b.dirs[file]; b.entries[file] == nil && !isDir && file != "" && !b.holds(file) {
			b.broken = append(b.broken, name)
		}
		if t := b.entries[file]; t != nil && t.link == "" {
			b.names = append(b.names, name)
			if e.link != "" {
				e.open, e.size, e.mode = t.open, t.size, t.mode
			}
		}
	}
	sort.Strings(b.names)
	sort.Strings(b.broken)
	return nil
}

// holds: the folder is in the bundle, if only as part of a file's name.
func (b *Bundle) holds(folder string) bool {
	if b.folders == nil {
		b.folders = map[string]bool{}
		for name := range b.entries {
			for dir := path.Dir(name); dir != "." && !b.folders[dir]; dir = path.Dir(dir) {
				b.folders[dir] = true
			}
		}
	}
	return b.folders[folder]
}

// resolve follows the links on the way of name, as the system would with the
// bundle as its root folder, and refuses to leave it.
func (b *Bundle) resolve(name string) (string, error) {
	todo := strings.Split(name, "/")
	var at []string
	for hops := 0; len(todo) > 0; {
		part := todo[0]
		todo = todo[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			if len(at) == 0 {
				return "", b.refuse(name, "is a link that leads out of the bundle")
			}
			at = at[:len(at)-1]
			continue
		}
		at = append(at, part)
		e := b.entries[strings.Join(at, "/")]
		if e == nil || e.link == "" {
			continue
		}
		if strings.HasPrefix(e.link, "/") {
			return "", b.refuse(name, "is a link to %q, outside the bundle", e.link)
		}
		if hops++; hops > maxLinkHops {
			return "", b.refuse(name, "is a link that leads in a circle")
		}
		at = at[:len(at)-1]
		todo = append(strings.Split(e.link, "/"), todo...)
	}
	return strings.Join(at, "/"), nil
}

// Broken are the symbolic links that lead to nothing, sorted.
func (b *Bundle) Broken() []string { return b.broken }

// IsZip reports whether the bundle is an archive, and no folder that would
// still be packed.
func (b *Bundle) IsZip() bool { return b.zip != nil }

// Ignored is what .ebignore leaves out of a folder, and the line of it that
// decides.
type Ignored struct {
	Name string
	Line int // from 1
}

// Ignored are configuration files, platform hooks and the like that .ebignore
// leaves out; what else it leaves out is not listed.
func (b *Bundle) Ignored() []Ignored { return b.ignored }

// Path is the bundle's path as it was given.
func (b *Bundle) Path() string { return b.path }

// Names lists the files, sorted, with slashes.
func (b *Bundle) Names() []string { return append([]string(nil), b.names...) }

// Has reports whether name is a file of the bundle.
func (b *Bundle) Has(name string) bool {
	i := sort.SearchStrings(b.names, name)
	return i < len(b.names) && b.names[i] == name
}

// Mode is a file's permissions, 0 when there is none of that name.
func (b *Bundle) Mode(name string) fs.FileMode {
	if !b.Has(name) {
		return 0
	}
	return b.entries[name].mode.Perm()
}

// A file of at most keptFile bytes is read once, of a bundle keptFiles of such
// bytes at most.
const (
	keptFile  = 256 << 10
	keptFiles = 4 << 20
)

// Read is a file's content, which nobody may change. A name that the bundle has
// not: fs.ErrNotExist.
func (b *Bundle) Read(name string) ([]byte, error) {
	if !b.Has(name) {
		return nil, fmt.Errorf("read %q in bundle %q: %w", name, b.path, fs.ErrNotExist)
	}
	e := b.entries[name]
	if e.data != nil {
		return e.data, nil
	}
	r, err := e.open()
	if err != nil {
		return nil, unopenable(path.Join(b.path, name), err)
	}
	defer r.Close()
	// One byte more than declared shows up an archive that lies.
	data := make([]byte, 0, 512)
	if e.size < keptFile {
		data = make([]byte, 0, e.size+1)
	}
	data, err = appendAll(data, io.LimitReader(r, e.size+1))
	switch {
	case err != nil:
		return nil, unopenable(path.Join(b.path, name), err)
	case int64(len(data)) > e.size:
		return nil, b.refuse(name, "is longer than the bundle says")
	}
	if n := len(data); n > 0 && n <= keptFile && b.kept+n <= keptFiles {
		e.data, b.kept = data[:n:n], b.kept+n
	}
	return data, nil
}

// appendAll reads to the end, behind what data holds.
func appendAll(data []byte, r io.Reader) ([]byte, error) {
	for {
		n, err := r.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		switch {
		case err == io.EOF:
			return data, nil
		case err != nil:
			return data, err
		case len(data) == cap(data):
			data = append(data, 0)[:len(data)]
		}
	}
}

// Close lets go of the folder or zip.
func (b *Bundle) Close() error { return b.shut() }

// zipTime is the time of every entry that WriteZip writes: the earliest that
// a zip can hold, so that the same bundle is the same bytes.
var zipTime = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// storedZip is the size of a bundle up to which WriteZip does not compress:
// on one machine that costs far more time than it saves.
const storedZip = 128 << 20

// WriteZip writes the bundle as a zip. A bundle that is a zip is copied as it
// is. From a folder the bytes depend on nothing but names, modes and contents.
func (b *Bundle) WriteZip(w io.Writer) error {
	if b.zip != nil {
		if _, err := io.Copy(w, io.NewSectionReader(b.zip, 0, 1<<62)); err != nil {
			return fmt.Errorf("copy bundle %q: %w", b.path, err)
		}
		return nil
	}
	if buffer, ok := w.(*bytes.Buffer); ok && b.size() <= storedZip {
		buffer.Grow(int(b.size()) + 512*(len(b.entries)+len(b.dirs))) // once, and not as it fills
	}
	z := zip.NewWriter(w)
	names := make([]string, 0, len(b.entries)+len(b.dirs))
	for n := range b.entries {
		names = append(names, n)
	}
	for n := range b.dirs {
		names = append(names, n+"/")
	}
	sort.Strings(names)
	method := zip.Store
	if b.size() > storedZip {
		method = zip.Deflate
	}
	for _, n := range names {
		var problem *Problem
		if err := b.writeEntry(z, n, method); errors.As(err, &problem) {
			return problem
		} else if err != nil {
			return fmt.Errorf("zip %q of bundle %q: %w", n, b.path, err)
		}
	}
	return z.Close()
}

// size is that of all files.
func (b *Bundle) size() (total int64) {
	for _, e := range b.entries {
		if e.link == "" {
			total += e.size
		}
	}
	return total
}

func (b *Bundle) writeEntry(z *zip.Writer, name string, method uint16) error {
	h := &zip.FileHeader{Name: name, Modified: zipTime}
	e := b.entries[name]
	switch {
	case e == nil:
		h.SetMode(fs.ModeDir | b.dirs[strings.TrimSuffix(name, "/")].Perm())
	case e.link != "":
		h.SetMode(fs.ModeSymlink | 0o777)
	default:
		h.Method = method
		h.SetMode(e.mode.Perm())
	}
	w, err := z.CreateHeader(h)
	if err != nil || e == nil {
		return err
	}
	if e.link != "" {
		_, err = io.WriteString(w, e.link)
		return err
	}
	r, err := e.open()
	if err != nil {
		return unopenable(path.Join(b.path, name), err)
	}
	defer r.Close()
	_, err = io.Copy(w, r)
	return err
}
