package image

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Bounds of one image. Amazon Linux has some 20,000 files in 500 MB.
const (
	mostFiles = 2_000_000
	mostBytes = 32 << 30
)

// unpacking writes layers over each other. Everything goes through os.Root,
// which no name and no link of the image leaves.
type unpacking struct {
	root  *os.Root
	plain bool // an ordinary archive: no whiteouts, no owners, no links
	files int
	bytes int64
	mine  map[string]bool // what the layer itself has written, and the folders on the way
}

// all unpacks an image's layers, and holds each against its digest.
func (u *unpacking) all(img v1.Image) error {
	layers, err := img.Layers()
	if err != nil {
		return err
	}
	for n, l := range layers {
		want, err := l.DiffID()
		if err != nil {
			return err
		}
		r, err := l.Uncompressed()
		if err != nil {
			return fmt.Errorf("layer %d: %w", n+1, err)
		}
		sum := sha256.New()
		from := io.TeeReader(r, sum)
		err = u.layer(from)
		if err == nil {
			_, err = io.Copy(io.Discard, from) // what pads the archive
		}
		r.Close()
		if err != nil {
			return fmt.Errorf("layer %d: %w", n+1, err)
		}
		if got := hex.EncodeToString(sum.Sum(nil)); want.Algorithm != "sha256" || got != want.Hex {
			return fmt.Errorf("layer %d: its digest is sha256:%s and should be %s", n+1, got, want)
		}
	}
	return nil
}

// layer unpacks one archive.
func (u *unpacking) layer(r io.Reader) error {
	u.mine = map[string]bool{}
	for t := tar.NewReader(r); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if u.files++; u.files > mostFiles {
			return fmt.Errorf("it holds more than %d files", mostFiles)
		}
		if err := u.entry(h, t); err != nil {
			return fmt.Errorf("%q: %w", h.Name, err)
		}
	}
}

const (
	whiteout = ".wh."
	opaque   = ".wh..wh..opq"
)

// entry unpacks one file. [OCI image specification: layer.md]
func (u *unpacking) entry(h *tar.Header, content io.Reader) error {
	for _, part := range strings.Split(h.Name, "/") {
		if part == ".." {
			return errors.New("its name climbs out of the image")
		}
	}
	p := strings.TrimPrefix(path.Clean("/"+h.Name), "/")
	if p == "" {
		p = "."
	}
	dir, base := path.Split(p)
	dir = path.Clean(dir)
	switch {
	case !u.plain && base == opaque:
		return u.empty(dir)
	case !u.plain && strings.HasPrefix(base, whiteout):
		return u.take(path.Join(dir, strings.TrimPrefix(base, whiteout)))
	}
	if dir != "." {
		if err := u.root.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	for d := p; d != "."; d = path.Dir(d) {
		u.mine[d] = true
	}
	return u.write(p, h, content)
}

// take removes what a lower layer has at p.
func (u *unpacking) take(p string) error {
	if u.mine[p] {
		return nil
	}
	return u.root.RemoveAll(p)
}

// empty removes what lower layers have in folder p.
func (u *unpacking) empty(p string) error {
	d, err := u.root.Open(p)
	if isNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	names, err := d.Readdirnames(-1)
	d.Close()
	if err != nil {
		return err
	}
	for _, n := range names {
		if err := u.take(path.Join(p, n)); err != nil {
			return err
		}
	}
	return nil
}

// write makes one file, in the place of what is there.
func (u *unpacking) write(p string, h *tar.Header, content io.Reader) error {
	there, err := u.root.Lstat(p)
	if err == nil && !(there.IsDir() && h.Typeflag == tar.TypeDir) {
		if p == "." {
			return errors.New("the root is no folder in it")
		}
		if err := u.root.RemoveAll(p); err != nil {
			return err
		}
		there = nil
	}
	if err != nil && !isNotExist(err) {
		return err
	}
	switch h.Typeflag {
	case tar.TypeDir:
		if there == nil || isNotExist(err) {
			if err := u.root.Mkdir(p, 0o700); err != nil {
				return err
			}
		}
	case tar.TypeReg:
		if err := u.content(p, content); err != nil {
			return err
		}
	case tar.TypeSymlink:
		if u.plain {
			return errors.New("it is a link")
		}
		if err := u.root.Symlink(h.Linkname, p); err != nil {
			return err
		}
		return u.root.Lchown(p, h.Uid, h.Gid)
	case tar.TypeLink:
		if u.plain {
			return errors.New("it is a link")
		}
		return u.root.Link(strings.TrimPrefix(path.Clean("/"+h.Linkname), "/"), p)
	default: // devices and pipes: an instance has those of its runtime
		return nil
	}
	if u.plain {
		return nil
	}
	return u.owned(p, h)
}

// content writes a file's bytes.
func (u *unpacking) content(p string, from io.Reader) error {
	f, err := u.root.OpenFile(p, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	n, err := io.Copy(f, io.LimitReader(from, mostBytes-u.bytes+1))
	u.bytes += n
	if err == nil && u.bytes > mostBytes {
		err = fmt.Errorf("the image is larger than %d GiB", mostBytes>>30)
	}
	return errors.Join(err, f.Close())
}

// owned sets owner and mode; the owner first, for it takes the set-ID bits.
func (u *unpacking) owned(p string, h *tar.Header) error {
	if err := u.root.Lchown(p, h.Uid, h.Gid); err != nil {
		return err
	}
	mode := fs.FileMode(h.Mode & 0o777)
	for bit, m := range map[int64]fs.FileMode{0o4000: fs.ModeSetuid, 0o2000: fs.ModeSetgid, 0o1000: fs.ModeSticky} {
		if h.Mode&bit != 0 {
			mode |= m
		}
	}
	return u.root.Chmod(p, mode)
}
