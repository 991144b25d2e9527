package cfninit

import (
	"archive/tar"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"errors"
	"io"
	"os"
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
	_, err = tar.NewReader(io.MultiReader(bytes.NewReader(head), r)).Next()
	return err == nil
}

func (t *tarArchive) climbs() bool { return true }
func (t *tarArchive) what() string { return "tarball" }

func (t *tarArchive) each(visit func(*archived) error) error {
	r, err := t.reader()
	if err != nil {
		return unreadable(err)
	}
	in := tar.NewReader(r)
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
		m.kind = aFolder
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
