package logs

import (
	"bufio"
	"compress/flate"
	le "encoding/binary"
	"errors"
	"io"
	"strings"
)

// Parts of a zip file's local headers. Source: PKWARE's APPNOTE.TXT, 4.3.7.
const (
	localHeader   = 30 // bytes, before the name
	localMark     = "PK\x03\x04"
	flagEncrypted = 1
	flagLater     = 8 // sizes follow the data
	stored        = 0
	deflated      = 8
	maxName       = 4096 // bytes
	nextWithin    = 32   // bytes after an entry in which the next begins
)

// salvage reads the texts of a zip file whose end, with the list of its files,
// is missing: entry after entry from its beginning, as far as they go. It returns
// how many it found.
func (x *Reader) salvage(name string, at io.ReaderAt, size int64) (found int, err error) {
	for off := int64(0); found < maxFiles; found++ {
		head := make([]byte, localHeader)
		if _, err := at.ReadAt(head, off); err != nil || string(head[:4]) != localMark {
			break
		}
		flags, method := le.LittleEndian.Uint16(head[6:]), le.LittleEndian.Uint16(head[8:])
		packed := int64(le.LittleEndian.Uint32(head[18:]))
		names, extra := int64(le.LittleEndian.Uint16(head[26:])), int64(le.LittleEndian.Uint16(head[28:]))
		entry := make([]byte, min(names, maxName))
		if _, err := at.ReadAt(entry, off+localHeader); err != nil {
			break
		}
		body := off + localHeader + names + extra
		if flags&flagEncrypted != 0 || method != deflated && (method != stored || flags&flagLater != 0) {
			break
		}
		if method == stored {
			off = body + packed
			err = x.piece(name+"!"+string(entry), io.NewSectionReader(at, body, packed), func() int64 { return packed })
		} else {
			count := &counter{r: io.NewSectionReader(at, body, max(size-body, 0))}
			in := bufio.NewReader(count)
			r := flate.NewReader(in)
			err = x.piece(name+"!"+string(entry), r, func() int64 { return count.n })
			off = next(at, body+count.n-int64(in.Buffered()))
		}
		if err != nil {
			return found, err
		}
	}
	return found, nil
}

// piece reads one entry, also when it is cut off.
func (x *Reader) piece(name string, r io.Reader, packed func() int64) error {
	limit := &bound{r: &untilCut{r: r}, used: &x.out.Bytes, packed: packed}
	if strings.HasSuffix(name, "/") {
		return nil
	}
	err := x.member(name, limit)
	if _, left := io.Copy(io.Discard, limit); left != nil && err == nil {
		err = left
	}
	if errors.Is(err, errTooMuch) {
		x.unread("%s %v", name, err)
		return nil
	}
	return err
}

// next is where the next entry begins behind the data of one that ends at off.
func next(at io.ReaderAt, off int64) int64 {
	buf := make([]byte, nextWithin)
	n, _ := at.ReadAt(buf, off)
	if i := strings.Index(string(buf[:n]), localMark); i >= 0 {
		return off + int64(i)
	}
	return off
}

// untilCut ends where its data is cut off or damaged, as if that were the end.
type untilCut struct{ r io.Reader }

func (u *untilCut) Read(p []byte) (int, error) {
	n, err := u.r.Read(p)
	var damaged flate.CorruptInputError
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &damaged) {
		err = io.EOF
	}
	return n, err
}
