package source

import (
	"sort"
	"strings"
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

// segRun is the most bytes of text that one seg covers, so that PosAt takes
// the same short time anywhere in a long line.
const segRun = 256

// settle drops the runes of symbols (package fact) from the text, and divides
// long runs of text, keeping the place of every byte.
func (n *Node) settle() {
	dirty := fact.Clean(n.Text) != n.Text
	if !dirty && len(n.Text) <= segRun || len(n.segs) == 0 {
		n.Text = fact.Clean(n.Text)
		return
	}
	segs := make([]seg, 0, len(n.segs)+len(n.Text)/segRun+2)
	var clean strings.Builder
	clean.Grow(len(n.Text))
	k, now := 0, n.segs[0] // the seg that byte i stands in, moved along to i
	fresh := true          // the next byte needs a seg of its own
	for i, r := range n.Text {
		for k+1 < len(n.segs) && n.segs[k+1].at <= i {
			k++
			now, fresh = n.segs[k], true
		}
		w := utf8.RuneLen(r)
		if gone := dirty && fact.Clean(string(r)) == ""; gone {
			fresh = true
		} else {
			if fresh || clean.Len()-segs[len(segs)-1].at >= segRun {
				segs = append(segs, seg{at: clean.Len(), pos: now.pos, held: now.held})
				fresh = false
			}
			clean.WriteRune(r)
		}
		if !now.held {
			now.pos.Offset += w
			now.pos.Col++
		}
	}
	n.Text, n.segs = clean.String(), segs
	if k := len(segs); k == 0 || !segs[k-1].held {
		n.segs = append(n.segs, seg{at: len(n.Text), pos: now.pos})
	}
}
