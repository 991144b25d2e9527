package logs

import (
	"bytes"
	"fmt"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// Reader reads sources one after the other into one Reading.
type Reader struct {
	// Words are what to look for in sources that are too long to be kept whole,
	// exactly as written.
	Words []string

	finder *finder
	out    Reading
	kept   int64 // bytes of text in records
}

// Read reads one source to its end: text, or an archive of texts (zip, gzip).
// Its error is r's own; everything odd about the content is said in Unread.
func (x *Reader) Read(name string, r io.Reader) error {
	head, short, err := begin(r)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	switch {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")), bytes.HasPrefix(head, []byte("PK\x05\x06")):
		return x.archive(name, head, r, short)
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return x.packed(name, io.MultiReader(bytes.NewReader(head), r))
	}
	return x.text(name, head, r, short)
}

// begin reads as much of a source as is kept whole; short: that is all of it.
func begin(r io.Reader) (head []byte, short bool, err error) {
	head, err = io.ReadAll(io.LimitReader(r, whole))
	return head, len(head) < whole, err
}

// Reading is what was read so far.
func (x *Reader) Reading() *Reading { return &x.out }

func (x *Reader) unread(format string, args ...any) {
	x.out.Unread = append(x.out.Unread, fmt.Sprintf(format, args...))
}

func (x *Reader) text(name string, head []byte, r io.Reader, short bool) error {
	if binary(head) {
		x.out.Bytes += int64(len(head))
		x.unread("%s is no text", name)
		return nil
	}
	if x.kept > maxKept {
		x.out.Bytes += int64(len(head))
		x.unread("%s was left out: the files before it hold more about failures than is kept", name)
		return nil
	}
	if short && x.kept+int64(len(head)) <= keepWhole {
		x.kept += int64(len(head))
		x.out.Bytes += int64(len(head))
		text := decode(head)
		x.out.Lines += int64(bytes.Count(text, []byte{'\n'}))
		x.parse(name, []stretch{{1, text}})
		return nil
	}
	if utf16Text(head) {
		x.unread("%s is UTF-16 and longer than %d MB; save it as UTF-8", name, whole>>20)
		return nil
	}
	return x.long(name, head, r)
}

// long reads a source that is not kept whole.
func (x *Reader) long(name string, head []byte, r io.Reader) error {
	if x.finder == nil {
		x.finder = newFinder(x.Words)
	}
	s := &scanner{finder: x.finder}
	n, err := s.scan(r, head)
	x.out.Bytes += n
	x.out.Lines += s.line - 1
	if s.dropped > 0 {
		x.unread("%s has more lines about failures than are kept; %d stretches in its middle were left out", name, s.dropped)
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	kept := int64(0)
	all := append(s.first, s.last...)
	for i := range all {
		kept += int64(bytes.Count(all[i].text, []byte{'\n'}))
		x.kept += int64(len(all[i].text))
		all[i].text = decode(all[i].text)
	}
	x.out.Skipped += s.line - 1 - kept
	x.parse(name, all)
	return nil
}

// binary tells content that is no text in any encoding: many control bytes.
func binary(head []byte) bool {
	if utf16Text(head) {
		return false
	}
	sample := head[:min(len(head), 64<<10)]
	odd := 0
	for _, c := range sample {
		if c < 0x20 && c != '\n' && c != '\r' && c != '\t' && c != 0x1b && c != 0 {
			odd++
		}
	}
	return odd*20 > len(sample) || bytes.Count(sample, []byte{0})*2 > len(sample) && len(sample) > 0 && !utf16Text(head)
}

// utf16Text tells text in UTF-16: a byte order mark, or every second byte zero.
func utf16Text(b []byte) bool {
	if len(b) < 2 {
		return false
	}
	if b[0] == 0xff && b[1] == 0xfe || b[0] == 0xfe && b[1] == 0xff {
		return true
	}
	sample := b[:min(len(b), 4096)&^1]
	even, odd := 0, 0
	for i := 0; i < len(sample); i += 2 {
		if sample[i] == 0 {
			even++
		}
		if sample[i+1] == 0 {
			odd++
		}
	}
	half := len(sample) / 2
	return half > 8 && (even*10 > half*9 && odd*10 < half || odd*10 > half*9 && even*10 < half)
}

// decode is b as UTF-8 with plain line ends, without byte order marks, NULs and
// what colours a terminal.
func decode(b []byte) []byte {
	if utf16Text(b) {
		b = fromUTF16(b)
	}
	b = bytes.TrimPrefix(b, []byte("\ufeff"))
	if bytes.IndexByte(b, 0) >= 0 {
		b = bytes.ReplaceAll(b, []byte{0}, nil)
	}
	if bytes.IndexByte(b, '\r') >= 0 {
		b = bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n"))
		b = bytes.ReplaceAll(b, []byte("\r"), []byte("\n"))
	}
	if bytes.IndexByte(b, 0x1b) >= 0 {
		b = withoutEscapes(b)
	}
	b = fromPage(b)
	if !utf8.Valid(b) {
		b = bytes.ToValidUTF8(b, []byte("\ufffd"))
	}
	return b
}

func fromUTF16(b []byte) []byte {
	little := b[0] == 0xff || b[0] != 0 && b[0] != 0xfe
	units := make([]uint16, 0, len(b)/2)
	for i := 0; i+1 < len(b); i += 2 {
		u := uint16(b[i])<<8 | uint16(b[i+1])
		if little {
			u = uint16(b[i]) | uint16(b[i+1])<<8
		}
		if u != 0xfeff {
			units = append(units, u)
		}
	}
	return []byte(string(utf16.Decode(units)))
}

// withoutEscapes takes out the sequences of ECMA-48 that begin with ESC [.
func withoutEscapes(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] != 0x1b || i+1 >= len(b) || b[i+1] != '[' {
			out = append(out, b[i])
			continue
		}
		for i += 2; i < len(b) && (b[i] < 0x40 || b[i] > 0x7e); i++ {
		}
	}
	return out
}
