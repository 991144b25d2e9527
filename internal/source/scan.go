package source

import (
	"strings"
	"unicode/utf8"
)

// scan walks over a scalar in the file side by side with the text that the
// YAML library read from it, and notes which byte came from where. It trusts
// the library's text: a disagreement can blur a place, never a value.
type scan struct {
	x    *index
	d    []byte
	o    int // in the file
	text string
	i    int // in text
	segs []seg
}

func (s *scan) mark(held bool) {
	if k := len(s.segs) - 1; k >= 0 && s.segs[k].at == s.i {
		s.segs = s.segs[:k]
	}
	s.segs = append(s.segs, seg{at: s.i, pos: s.x.pos(s.o), held: held})
}

func blank(c byte) bool { return c == ' ' || c == '\t' }

// gap measures the blanks and line ends at o: how many line ends, and where
// the text goes on.
func (s *scan) gap() (breaks, next int) {
	o := s.o
	for o < len(s.d) {
		if w := breakLen(s.d, o); w > 0 {
			breaks++
			o += w
		} else if blank(s.d[o]) {
			o++
		} else {
			break
		}
	}
	return breaks, o
}

// fold passes over blanks and line ends: one line end is a blank in the text,
// n are n-1 line feeds; the line ends of YAML 1.1 alone stay as they are. It
// reports whether there was a line end.
func (s *scan) fold() bool {
	breaks, next := s.gap()
	if breaks == 0 {
		return false
	}
	s.mark(true)
	if s.i < len(s.text) && s.text[s.i] == ' ' {
		s.i++
		breaks = 0
	} else if breakLen([]byte(s.text[s.i:min(len(s.text), s.i+3)]), 0) == 1 {
		breaks = max(1, breaks-1)
	}
	for ; breaks > 0; breaks-- {
		s.i += breakLen([]byte(s.text[s.i:min(len(s.text), s.i+3)]), 0)
	}
	s.o = next
	s.mark(false)
	return true
}

// rest gives what is left of the text the place where the walk ended.
func (s *scan) rest() {
	if s.i < len(s.text) {
		s.mark(true)
	}
}

// plain walks a plain scalar and leaves o behind its last byte.
func (s *scan) plain() {
	s.mark(false)
	for s.i < len(s.text) && s.o < len(s.d) {
		if breakLen(s.d, s.o) > 0 || blank(s.d[s.o]) {
			if s.fold() {
				continue
			}
		}
		s.i++
		s.o++
	}
}

// single walks a single-quoted scalar from its quote on.
func (s *scan) single() {
	s.o++
	s.mark(false)
	for s.o < len(s.d) {
		c := s.d[s.o]
		switch {
		case c == '\'' && s.o+1 < len(s.d) && s.d[s.o+1] == '\'':
			s.step(2, 1)
		case c == '\'':
			s.o++
			return
		case (blank(c) || breakLen(s.d, s.o) > 0) && s.fold():
		default:
			s.o++
			s.i = min(len(s.text), s.i+1)
		}
	}
}

// step passes over an escape: raw bytes in the file, cooked in the text.
func (s *scan) step(raw, cooked int) {
	s.mark(true)
	s.o = min(len(s.d), s.o+raw)
	s.i = min(len(s.text), s.i+cooked)
	s.mark(false)
}

// double walks a double-quoted scalar from its quote on.
func (s *scan) double() {
	s.o++
	s.mark(false)
	for s.o < len(s.d) {
		c := s.d[s.o]
		switch {
		case c == '"':
			s.o++
			return
		case c == '\\' && breakLen(s.d, s.o+1) > 0:
			s.joinLines()
		case c == '\\':
			_, w := utf8.DecodeRuneInString(s.text[s.i:])
			s.step(escapeLen(s.d, s.o), w)
		case (blank(c) || breakLen(s.d, s.o) > 0) && s.fold():
		default:
			s.o++
			s.i = min(len(s.text), s.i+1)
		}
	}
}

// joinLines passes over an escaped line end: it leaves nothing in the text,
// empty lines behind it one line feed each.
func (s *scan) joinLines() {
	s.o++
	breaks, next := s.gap()
	s.o = next
	s.i = min(len(s.text), s.i+max(0, breaks-1))
	s.mark(false)
}

func escapeLen(d []byte, o int) int {
	if o+1 < len(d) {
		switch d[o+1] {
		case 'x':
			return 4
		case 'u':
			return 6
		case 'U':
			return 10
		}
		_, w := utf8.DecodeRune(d[o+1:])
		return 1 + w
	}
	return 1
}

// block walks a literal or folded scalar from its indicator on and leaves o
// behind the last byte of its last line that is not empty.
func (s *scan) block() {
	for s.o < len(s.d) && breakLen(s.d, s.o) == 0 {
		s.o++
	}
	end := s.o
	for end > 0 && blank(s.d[end-1]) {
		end--
	}
	indent := -1
	s.segs = make([]seg, 0, 2*strings.Count(s.text, "\n")+4)
	for s.o < len(s.d) && s.i < len(s.text) {
		s.o += breakLen(s.d, s.o) // the line end before this line
		lead := s.o
		for lead < len(s.d) && s.d[lead] == ' ' && (indent < 0 || lead-s.o < indent) {
			lead++
		}
		empty := lead == len(s.d) || breakLen(s.d, lead) > 0
		if empty {
			s.o = lead
			if s.i < len(s.text) && s.text[s.i] == '\n' {
				s.mark(true)
				s.i++
			}
			continue
		}
		if indent < 0 {
			indent = lead - s.o
			for k := s.i; k < len(s.text) && s.text[k] == ' ' && indent > 0; k++ {
				indent-- // an indentation indicator: the rest is text
			}
			lead = s.o + indent
		}
		s.o = lead
		for s.i < len(s.text) && s.text[s.i] == '\n' {
			s.i++ // a line begins with no line feed: find the way back
		}
		s.mark(false)
		for s.o < len(s.d) && s.i < len(s.text) && breakLen(s.d, s.o) == 0 {
			s.o++
			s.i++
		}
		end = s.o
		s.lineEnd()
	}
	s.o = end
}

// lineEnd passes over what a line end of a block scalar left in the text: a
// line feed, a blank (folded), or nothing when empty lines follow.
func (s *scan) lineEnd() {
	if s.i >= len(s.text) || s.o >= len(s.d) {
		return
	}
	switch s.text[s.i] {
	case ' ':
		s.mark(true)
		s.i++
	case '\n':
		if breaks, _ := s.gap(); breaks > 1 && s.folds(breaks) {
			return // the empty lines bring the line feeds
		}
		s.mark(true)
		s.i++
	}
}

// folds reports whether the text holds one line feed less than the file, as
// between two lines of a folded scalar.
func (s *scan) folds(breaks int) bool {
	n := 0
	for k := s.i; k < len(s.text) && s.text[k] == '\n'; k++ {
		n++
	}
	return n < breaks && s.i+n < len(s.text)
}
