package source

import (
	"bytes"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"
)

// index turns byte offsets of one file into places and back, in time that
// does not grow with the length of a line.
type index struct {
	file   string
	data   []byte
	starts []int // byte offset of each line
	runes  []int // count of runes before each block of runeBlock bytes
	ascii  bool  // every byte is a rune, so nothing need be counted
}

const runeBlock = 256

const bom = "\uFEFF"

// newIndex indexes data. Lines end with LF, CRLF or a lone CR; with yaml set
// also with the three other line ends of YAML 1.1.
func newIndex(file string, data []byte, yaml bool) *index {
	x := &index{file: file, data: data, starts: []int{0}}
	if strings.HasPrefix(string(data[:min(len(data), len(bom))]), bom) {
		x.starts[0] = len(bom)
	}
	if x.ascii = isASCII(data); x.ascii && bytes.IndexByte(data, '\r') < 0 {
		x.starts = slices.Grow(x.starts, bytes.Count(data, []byte{'\n'}))
		for at := 0; ; {
			i := bytes.IndexByte(data[at:], '\n')
			if i < 0 {
				return x
			}
			at += i + 1
			x.starts = append(x.starts, at)
		}
	}
	x.countRunes()
	for i := x.starts[0]; i < len(data); {
		w := breakLen(data, i)
		if w == 0 || !yaml && w > 1 && data[i] != '\r' {
			i++
			continue
		}
		i += w
		x.starts = append(x.starts, i)
	}
	return x
}

func isASCII(data []byte) bool {
	for _, c := range data {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func (x *index) countRunes() {
	n := 0
	for i, c := range x.data {
		if i%runeBlock == 0 {
			x.runes = append(x.runes, n)
		}
		if utf8.RuneStart(c) {
			n++
		}
	}
}

// breakLen is the length in bytes of the YAML 1.1 line end at i, 0 if none
// stands there.
func breakLen(d []byte, i int) int {
	switch {
	case i >= len(d):
		return 0
	case d[i] == '\n':
		return 1
	case d[i] == '\r':
		if i+1 < len(d) && d[i+1] == '\n' {
			return 2
		}
		return 1
	case d[i] == 0xC2 && i+1 < len(d) && d[i+1] == 0x85: // NEL
		return 2
	case d[i] == 0xE2 && i+2 < len(d) && d[i+1] == 0x80 && d[i+2]&0xFE == 0xA8: // LS, PS
		return 3
	}
	return 0
}

// before counts the runes that start before off.
func (x *index) before(off int) int {
	if x.ascii {
		return off
	}
	b := min(off/runeBlock, len(x.runes)-1)
	n := x.runes[b]
	for _, c := range x.data[b*runeBlock : off] {
		if utf8.RuneStart(c) {
			n++
		}
	}
	return n
}

// line is the number, from 0, of the line that off stands in.
func (x *index) line(off int) int {
	return max(0, sort.SearchInts(x.starts, off+1)-1)
}

// pos is the place of a byte offset.
func (x *index) pos(off int) Pos {
	off = max(0, min(off, len(x.data)))
	l := x.line(off)
	col := 1
	if off > x.starts[l] {
		col += x.before(off) - x.before(x.starts[l])
	}
	return Pos{File: x.file, Line: l + 1, Col: col, Offset: off}
}

// offset is the byte offset of a line and column, both from 1, column in
// runes; a place behind the file is its end.
func (x *index) offset(line, col int) int {
	if line < 1 || line > len(x.starts) {
		if line < 1 {
			return x.starts[0]
		}
		return len(x.data)
	}
	at := x.starts[line-1]
	if x.ascii {
		return min(at+max(col, 1)-1, len(x.data))
	}
	want := x.before(at) + col - 1
	b := sort.SearchInts(x.runes, want+1) - 1
	if b*runeBlock < at {
		b = at / runeBlock
	}
	i, n := b*runeBlock, 0
	if b < len(x.runes) && b >= 0 {
		n = x.runes[b]
	}
	for ; i < len(x.data); i++ {
		if utf8.RuneStart(x.data[i]) {
			if n >= want && i >= at {
				return i
			}
			n++
		}
	}
	return len(x.data)
}
