package source

import (
	"sort"
	"unicode/utf8"

	"beanpole/internal/fact"
)

// seg says where a stretch of a scalar's text stands in the file. From byte
// at on, text and file run side by side on one line until the next seg.
type seg struct {
	at   int // byte in Text
	pos  Pos
	held bool // the text stands for an escape: every byte of it is at pos
}

// PosAt is the place in the file of byte i of n.Text, also inside quoted and
// block text. Of a value that was not read from a file, or of which a
// function made the text, it is the value's own place.
func (n *Node) PosAt(i int) Pos {
	if n == nil {
		return Pos{}
	}
	i = max(0, min(i, len(n.Text)))
	for i > 0 && i < len(n.Text) && !utf8.RuneStart(n.Text[i]) {
		i--
	}
	k := sort.Search(len(n.segs), func(k int) bool { return n.segs[k].at > i }) - 1
	if k < 0 {
		return n.Pos
	}
	s := n.segs[k]
	if s.held {
		return s.pos
	}
	p := s.pos
	p.Offset += i - s.at
	p.Col += utf8.RuneCountInString(n.Text[s.at:i])
	return p
}

// cleanText drops the runes of symbols (package fact) from the text, and
// keeps the places of what remains.
func (n *Node) cleanText() {
	clean := fact.Clean(n.Text)
	if len(clean) == len(n.Text) {
		return
	}
	var segs []seg
	removed := 0
	for i, r := range n.Text {
		gone := fact.Clean(string(r)) == ""
		if at := i - removed; !gone && n.startsSeg(i, removed, segs) {
			s := seg{at: at, pos: n.PosAt(i)}
			if k := sort.Search(len(n.segs), func(k int) bool { return n.segs[k].at > i }) - 1; k >= 0 {
				s.held = n.segs[k].held
			}
			segs = append(segs, s)
		}
		if gone {
			removed += utf8.RuneLen(r)
		}
	}
	n.Text, n.segs = clean, segs
}

// startsSeg reports whether byte i of the text needs a seg of its own: an old
// one starts there, or runes before it went away since the last new one.
func (n *Node) startsSeg(i, removed int, done []seg) bool {
	k := sort.Search(len(n.segs), func(k int) bool { return n.segs[k].at >= i })
	if k < len(n.segs) && n.segs[k].at == i || len(done) == 0 {
		return true
	}
	last := done[len(done)-1]
	return !last.held && last.pos.Offset+(i-removed-last.at) != n.PosAt(i).Offset
}
