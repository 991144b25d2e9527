package cfninit

import (
	"archive/tar"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"strings"
	"time"
)

// decompressions are tried in this order. xz and zstandard are not among
// them: the agent refuses such archives.
var decompressions = []func(io.Reader) (io.Reader, error){
	func(r io.Reader) (io.Reader, error) { return r, nil },
	func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
	func(r io.Reader) (io.Reader, error) { return bzip2.NewReader(r), nil },
}

// owned is what a tar knows of a member and a zip does not.
type owned struct {
	user, group  string
	uid, gid     int
	modified     time.Time
	target       string // of links
	major, minor int64  // of devices
}

// tarArchive is a tar, read anew for each pass.
type tarArchive struct {
	file       *os.File
	decompress func(io.Reader) (io.Reader, error)
	scanned    bool
	end        int64 // bytes behind which nothing counts
	fault      error // of the whole archive
}

const tarBlock = 512 // bytes

func (t *tarArchive) reader() (io.Reader, error) {
	if _, err := t.file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	return t.decompress(t.file)
}

// fits tells whether this is a tar: its first block is a header, or the end.
func (t *tarArchive) fits() bool {
	r, err := t.reader()
	if err != nil {
		return false
	}
	head := make([]byte, tarBlock)
	if _, err := io.ReadFull(r, head); err != nil {
		return false
	}
	if len(bytes.Trim(head, "\x00")) == 0 {
		return true
	}
	if _, err = tar.NewReader(io.MultiReader(bytes.NewReader(head), r)).Next(); err != nil {
		return false
	}
	st, err := t.file.Stat()
	if err == nil && st.Size() < smallGzip {
		var fault *BuildError
		return !errors.As(t.scan(), &fault) || fault.Text != errChecksum.Text
	}
	return err == nil
}

// scan reads the whole archive once, for its end and for what is wrong with it.
func (t *tarArchive) scan() error {
	if t.scanned {
		return t.fault
	}
	t.scanned = true
	r, err := t.reader()
	if err != nil {
		t.fault = unreadable(err)
		return t.fault
	}
	t.end, t.fault = tarEnd(r)
	if t.fault != nil && !errors.Is(t.fault, errEnd) {
		return t.fault
	}
	switch fault := gzipFault(t.file); {
	case errors.Is(fault, errCut) && t.fault != nil:
		t.fault = errChecksum
	case fault != nil && !errors.Is(fault, errCut):
		t.fault = fault
	}
	return t.fault
}

func (t *tarArchive) climbs() bool { return true }
func (t *tarArchive) what() string { return "tarball" }

func (t *tarArchive) each(visit func(*archived) error) error {
	if err := t.scan(); err != nil {
		return err
	}
	r, err := t.reader()
	if err != nil {
		return unreadable(err)
	}
	in := tar.NewReader(io.MultiReader(io.LimitReader(r, t.end), bytes.NewReader(make([]byte, 2*tarBlock))))
	for first := true; ; first = false {
		h, err := in.Next()
		switch {
		case err == io.EOF, errors.Is(err, tar.ErrHeader) && !first:
			return nil // what is no header ends an archive
		case err != nil:
			return unreadable(err)
		case h.Typeflag == tar.TypeXGlobalHeader:
			continue
		}
		if err := visit(tarMember(h, in)); err != nil {
			return err
		}
	}
}

func tarMember(h *tar.Header, in io.Reader) *archived {
	m := &archived{
		name: h.Name, mode: uint32(h.Mode & 0o7777),
		tar: &owned{
			user: h.Uname, group: h.Gname, uid: h.Uid, gid: h.Gid, modified: h.ModTime,
			target: h.Linkname, major: h.Devmajor, minor: h.Devminor,
		},
		content: func() (io.ReadCloser, error) { return io.NopCloser(in), nil },
	}
	switch h.Typeflag {
	case tar.TypeDir:
		m.kind, m.name = aFolder, strings.TrimRight(h.Name, "/")
	case tar.TypeSymlink:
		m.kind = aLink
	case tar.TypeLink:
		m.kind = aHardLink
	case tar.TypeFifo:
		m.kind = aFIFO
	case tar.TypeChar:
		m.kind = aCharDevice
	case tar.TypeBlock:
		m.kind = aBlockDevice
	}
	return m
}
