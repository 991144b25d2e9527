package logs

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
)

// Limits on archives, against those made to fill a machine.
const (
	maxPacked   = 1 << 30  // bytes of an archive itself
	maxUnpacked = 4 << 30  // bytes that all archives of a reading may hold
	maxFiles    = 20000    // files in one
	maxRatio    = 1000     // unpacked to packed, beyond the first
	freely      = 64 << 20 // bytes, which no ratio bounds
)

var errTooMuch = errors.New("unpacks to far more than log files do")

// archive reads the texts of a zip, for instance the bundle of all logs.
func (x *Reader) archive(name string, head []byte, r io.Reader, short bool) error {
	var at io.ReaderAt = bytes.NewReader(head)
	size := int64(len(head))
	if !short {
		f, n, err := spooled(head, r)
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		defer f.Close()
		at, size = f, n
		if n > maxPacked {
			x.unread("%s is longer than %d MB", name, maxPacked>>20)
			return nil
		}
	}
	z, err := zip.NewReader(at, size)
	if err != nil {
		before := len(x.out.Unread)
		found, failed := x.salvage(name, at, size)
		x.out.Unread = slices.Insert(x.out.Unread, before, fmt.Sprintf("%s is a zip file that is damaged or cut off (%v); %d files were found in what there is of it", name, err, found))
		return failed
	}
	for i, f := range z.File {
		if i == maxFiles {
			x.unread("%s holds more than %d files", name, maxFiles)
			return nil
		}
		if f.FileInfo().IsDir() || f.Flags&1 != 0 {
			if f.Flags&1 != 0 {
				x.unread("%s in %s is encrypted", f.Name, name)
			}
			continue
		}
		if err := x.entry(name+"!"+f.Name, f); err != nil {
			return err
		}
	}
	return nil
}

func (x *Reader) entry(name string, f *zip.File) error {
	r, err := f.Open()
	if err != nil {
		x.unread("%s: %v", name, err)
		return nil
	}
	defer r.Close()
	err = x.member(name, x.bounded(r, int64(f.CompressedSize64)))
	var bad *os.PathError
	if err != nil && !errors.As(err, &bad) {
		x.unread("%v", err)
		err = nil
	}
	return err
}

// member reads a text inside an archive, which may be packed itself once more.
func (x *Reader) member(name string, r io.Reader) error {
	head, short, err := begin(r)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	if bytes.HasPrefix(head, []byte{0x1f, 0x8b}) && path.Ext(name) == ".gz" {
		return x.packed(strings.TrimSuffix(name, ".gz"), io.MultiReader(bytes.NewReader(head), r))
	}
	return x.text(name, head, r, short)
}

func (x *Reader) packed(name string, r io.Reader) error {
	counted := &counter{r: r}
	z, err := gzip.NewReader(counted)
	if err != nil {
		x.unread("%s: %v", name, err)
		return nil
	}
	defer z.Close()
	limit := &bound{r: z, used: &x.out.Bytes, packed: func() int64 { return counted.n }}
	head, short, err := begin(limit)
	if err != nil {
		x.unread("%s: %v", name, err) // what came before it is still read
	}
	if err := x.text(name, head, limit, short || err != nil); err != nil {
		x.unread("%v", err)
	}
	return nil
}

func (x *Reader) bounded(r io.Reader, packed int64) io.Reader {
	return &bound{r: r, used: &x.out.Bytes, packed: func() int64 { return packed }}
}

// bound ends with an error where an archive unpacks to too much.
type bound struct {
	r      io.Reader
	n      int64
	used   *int64 // bytes of the whole reading before this file
	packed func() int64
}

func (b *bound) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	b.n += int64(n)
	if *b.used+b.n > maxUnpacked || b.n > freely && b.n > maxRatio*max(b.packed(), 1) {
		return 0, errTooMuch
	}
	return n, err
}

type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// spooled is a long archive as a file that nobody else sees.
func spooled(head []byte, r io.Reader) (*os.File, int64, error) {
	f, err := os.CreateTemp("", "beanpole-logs-")
	if err != nil {
		return nil, 0, err
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, 0, err
	}
	n, err := io.Copy(f, io.MultiReader(bytes.NewReader(head), io.LimitReader(r, maxPacked)))
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, n, nil
}
