package source

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"beanpole/internal/fact"
)

// maxTextFile is the longest file that is looked into as one text.
const maxTextFile = 4 << 20

// NewText is a whole file as one text, of which PosAt knows every place: a
// script, an nginx file, a Procfile. It is nil for what is no text: bytes that
// are not UTF-8, a NUL byte, the runes of package fact, more than 4 MiB.
func NewText(file string, data []byte) *Node {
	if len(data) > maxTextFile || !utf8.Valid(data) || bytes.IndexByte(data, 0) >= 0 {
		return nil
	}
	text := strings.TrimPrefix(string(data), bom)
	skipped := len(data) - len(text)
	if fact.Clean(text) != text {
		return nil
	}
	n := &Node{Kind: String, Style: Literal, Text: text}
	line := 1
	for at := 0; ; line++ {
		n.segs = append(n.segs, seg{at: at, pos: Pos{File: file, Line: line, Col: 1, Offset: at + skipped}})
		end := strings.IndexByte(text[at:], '\n')
		if end < 0 {
			break
		}
		at += end + 1
	}
	n.Pos, n.End = n.PosAt(0), n.PosAt(len(text))
	return n
}
