package cfninit

import (
	"context"
	"errors"
	"io"
	"os"
	"path"
	"strings"

	"beanpole/internal/lazyregexp"

	"golang.org/x/sys/unix"
)

// githubPattern are the addresses whose archives lose their single top folder
// [cb:sources_tool.py].
var githubPattern = lazyregexp.New(`^https?://github.com/.*?/(zipball|tarball)/.*\n?$`)

// source unpacks one entry of `sources` [cb:sources_tool.py, cb-run]. It is
// done on every run, whether or not anything changed.
func (b *build) source(ctx context.Context, s *Source) error {
	f, err := b.archiveFile(ctx, s)
	if err != nil {
		return err
	}
	defer f.Close()
	a := openArchive(f)
	if a == nil {
		return tool("Unsupported source file (not zip or tarball): %s", hideURL(s.From))
	}
	b.debug("Treating %s as a %s", hideURL(s.From), a.what())
	x, err := b.newUnpacking(a, f, s.Dir)
	if err != nil {
		return err
	}
	b.debug("Checking to ensure that all archive members fall under path %s", s.Dir)
	if err := x.check(); err != nil {
		return err
	}
	if githubPattern.MatchString(strings.ToLower(s.From)) {
		if err := x.stripTop(); err != nil {
			return err
		}
	}
	b.debug("Expanding %s into %s", hideURL(s.From), s.Dir)
	if err := x.unpack(ctx); err != nil {
		return err
	}
	b.Unpacked = append(b.Unpacked, s.Dir)
	return nil
}

// archiveFile is the archive, opened: the file that the source names, or what
// was fetched, in a file without a name.
func (b *build) archiveFile(ctx context.Context, s *Source) (*os.File, error) {
	if s.Fetch == nil {
		st, err := b.root.stat(s.From)
		if s.From == "" || err != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
			return nil, tool("%s does not exist", s.From)
		}
		fd, err := b.root.open(s.From, unix.O_RDONLY|unix.O_NONBLOCK, 0)
		if err != nil {
			return nil, osError(err, quote(s.From, true))
		}
		return os.NewFile(uintptr(fd), s.From), nil
	}
	f, err := b.scratch()
	if err != nil {
		return nil, err
	}
	if err := b.download(ctx, s.Fetch, f, nil); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// scratch is a new file that nothing else can open and that is gone once it
// is closed, also when the agent dies.
func (b *build) scratch() (*os.File, error) {
	var last error
	for _, dir := range []string{lookUpEnv(b.env(), "TMPDIR"), "/tmp", "/var/tmp", "/usr/tmp"} {
		if dir == "" {
			continue
		}
		fd, err := b.root.open(dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_EXCL, 0o600)
		if err == nil {
			return os.NewFile(uintptr(fd), dir), nil
		}
		last = err
	}
	return nil, osError(last, "")
}

// check sees that every member stays below the target, before anything is
// written. AWS's agent compares the beginnings of the two texts, so that a
// tar may climb into a sibling whose name begins alike; beanpole refuses that.
func (x *unpacking) check() error {
	members := 0
	var refused error // but a name that is no text comes first, wherever it stands
	err := x.archive.each(func(m *archived) error {
		if err := notUTF8([]byte(m.name)); err != nil {
			return err
		}
		if members++; members > mostMembers {
			return tool("the archive for %s holds more than %d entries; beanpole does not unpack it", x.dir, mostMembers)
		}
		full := path.Clean(path.Join(x.lexical, m.name))
		if path.IsAbs(m.name) {
			full = path.Clean(m.name)
			if strings.HasPrefix(m.name, "//") && !strings.HasPrefix(m.name, "///") {
				full = "/" + full // two slashes are a place of their own for Python
			}
		}
		switch {
		case refused != nil:
		case !strings.HasPrefix(full, x.lexical):
			refused = tool("%s is not a sub-path of %s", m.name, x.dir)
		case !below(full, x.lexical) && x.archive.climbs():
			x.warn("AWS's agent would unpack " + m.name + " outside of " + x.dir + "; beanpole does not")
			refused = tool("%s is not a sub-path of %s", m.name, x.dir)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return refused
}

// below tells whether a clean path is dir or lies in it.
func below(name, dir string) bool {
	return name == dir || strings.HasPrefix(name, strings.TrimSuffix(dir, "/")+"/")
}

// stripTop leaves out the single top folder of an archive of GitHub's. With
// more than one entry at the top it stays.
func (x *unpacking) stripTop() error {
	tops, folder := map[string]bool{}, false
	err := x.archive.each(func(m *archived) error {
		top, rest, _ := strings.Cut(inside(m.name), "/")
		if top != "" {
			tops[top] = true
			folder = folder || rest != "" || m.kind == aFolder
		}
		return nil
	})
	if err != nil || len(tops) != 1 {
		return err
	}
	for top := range tops {
		if !folder {
			// the agent lists what it takes for a folder of a copy of its own
			return osError(unix.ENOTDIR, quote("/tmp/tmpXXXXXX/"+top, false))
		}
		x.top = top
	}
	return nil
}

// inside is a member's name as a path below a folder.
func inside(name string) string { return strings.TrimPrefix(path.Clean("/"+name), "/") }

// openArchive finds out what a file is: a tar, as it is or compressed with
// gzip or bzip2, else a zip; nil for anything else [cb:sources_tool.py].
func openArchive(f *os.File) archive {
	for _, decompress := range decompressions {
		t := &tarArchive{file: f, decompress: decompress}
		if t.fits() {
			return t
		}
	}
	if z := openZip(f); z != nil {
		return z
	}
	return nil
}

// archive is a file of members.
type archive interface {
	// each calls visit for the members in order, until it returns an error.
	each(visit func(*archived) error) error
	// climbs tells whether unpacking follows a "..", or an absolute name, in
	// the name of a member.
	climbs() bool
	// what is its kind in the agent's words.
	what() string
}

type kindOf uint8

const (
	aFile kindOf = iota
	aFolder
	aLink     // symbolic
	aHardLink // to a member, by its name
	aFIFO
	aCharDevice
	aBlockDevice
)

// archived is one entry of an archive.
type archived struct {
	name string
	kind kindOf
	mode uint32 // permissions, with set-user-ID and its kin
	tar  *owned // nil in a zip
	// content is valid until the next member; only files have one.
	content func() (io.ReadCloser, error)
}

var errEnd = &BuildError{Text: "unexpected end of data"}

// unreadable words an archive that breaks off or is damaged.
func unreadable(err error) error {
	var fault *BuildError
	switch {
	case errors.As(err, &fault):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errEnd
	}
	return &BuildError{Text: err.Error()}
}
