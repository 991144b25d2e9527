package cfninit

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"math"
	"strconv"
)

// tarEnd finds where a tar ends as Python's tarfile does, which reads all
// headers before anything is unpacked: at what is no header, or only part of
// one, an archive ends; data that breaks off is an error. [CPython 2.7: tarfile.py]
func tarEnd(r io.Reader) (end int64, err error) {
	block := make([]byte, tarBlock)
	var at int64
	announces := false // the last header was one about the next
	for {
		n, err := io.ReadFull(r, block)
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			return 0, unreadable(err)
		}
		size, kind, ok := tarHeader(block[:n])
		if !ok {
			if announces {
				return 0, &BuildError{Text: "missing or bad subsequent header"}
			}
			return at, nil
		}
		at += tarBlock
		announces = bytes.IndexByte([]byte("xXgLK"), kind) >= 0
		if kind == 'S' || announces && size > 1<<20 {
			return math.MaxInt64, nil // sparse files have a layout of their own
		}
		if !announces && bytes.IndexByte([]byte("123456"), kind) >= 0 {
			continue
		}
		data := (size + tarBlock - 1) / tarBlock * tarBlock
		var head bytes.Buffer
		got, err := io.CopyN(io.MultiWriter(&limited{&head, 1 << 20}), r, data)
		switch {
		case err != nil && err != io.EOF && err != io.ErrUnexpectedEOF:
			return 0, unreadable(err)
		case got < data && !announces:
			return 0, errEnd
		case kind == 'x' && bytes.Contains(head.Bytes(), []byte(" size=")):
			return math.MaxInt64, nil
		}
		at += data
	}
}

// limited keeps the beginning of what is written to it.
type limited struct {
	to   *bytes.Buffer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	n := min(len(p), l.left)
	l.to.Write(p[:n])
	l.left -= n
	return len(p), nil
}

// tarHeader reads size and kind of a header; one of a folder in the oldest
// form, a file whose name ends in a slash, is of kind '5'. ok is false for what
// is no header.
func tarHeader(b []byte) (size int64, kind byte, ok bool) {
	if len(b) < tarBlock {
		return 0, 0, false
	}
	sum, signed := int64(8*' '), int64(8*' ')
	for i, c := range b {
		if i < 148 || i >= 156 {
			sum += int64(c)
			signed += int64(int8(c))
		}
	}
	want, ok := tarNumber(b[148:156])
	if !ok || want != sum && want != signed {
		return 0, 0, false
	}
	if size, ok = tarNumber(b[124:136]); !ok || size < 0 {
		return 0, 0, false
	}
	kind = b[156]
	if name, _, _ := bytes.Cut(b[:100], []byte{0}); kind == 0 && bytes.HasSuffix(name, []byte("/")) {
		kind = '5'
	}
	return size, kind, true
}

// tarNumber is a number of a header: octal, or binary after a byte of 0x80.
func tarNumber(b []byte) (int64, bool) {
	if b[0] == 0x80 {
		var n int64
		for _, c := range b[1:] {
			n = n<<8 | int64(c)
		}
		return n, true
	}
	text, _, _ := bytes.Cut(b, []byte{0})
	text = bytes.TrimSpace(text)
	if len(text) == 0 {
		return 0, true
	}
	n, err := strconv.ParseInt(string(text), 8, 64)
	return n, err == nil
}

// smallGzip is how many bytes Python reads of a gzip before it looks at the
// first header: one that ends in them is checked whole by then.
const smallGzip = 1024 // bytes

var errChecksum = &BuildError{Text: "CRC check failed"}

// errCut: a gzip breaks off in the middle of its data.
var errCut = errors.New("cut off")

// gzipFault reads the first stream of a gzip to its end, as Python does for the
// sake of its checksum; what stands behind it is of no interest. It is nil for
// what is no gzip.
func gzipFault(file io.ReadSeeker) error {
	const enough = 7 // bytes; the checksum and the length that end a stream have 8
	read := func(more int) error {
		if _, err := file.Seek(0, io.SeekStart); err != nil {
			return err
		}
		r, err := gzip.NewReader(io.MultiReader(file, bytes.NewReader(make([]byte, more))))
		if err != nil {
			return nil
		}
		r.Multistream(false)
		_, err = io.Copy(io.Discard, io.LimitReader(r, freeSize))
		return err
	}
	err := read(0)
	if errors.Is(err, gzip.ErrChecksum) {
		return errChecksum
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	if err := read(enough); err == nil || errors.Is(err, gzip.ErrChecksum) { // part of the end is there
		return &BuildError{Text: "unpack requires a string argument of length 4"}
	}
	return errCut
}
