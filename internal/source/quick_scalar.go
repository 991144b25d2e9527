package source

import (
	"bytes"
	"strings"
)

// scalar reads a plain or quoted scalar that stands on one line, and stops
// behind it; behind a plain one, behind its blanks.
func (q *quick) scalar(flow bool) (*Node, bool) {
	if q.full() {
		return nil, false
	}
	switch c := q.peek(); c {
	case '"', '\'':
		return q.quoted(c)
	}
	return q.plain(flow)
}

// quoted reads a scalar in quotes without any escape.
func (q *quick) quoted(quote byte) (*Node, bool) {
	n := q.made(String, q.pos())
	n.Style = SingleQuoted
	if quote == '"' {
		n.Style = DoubleQuoted
	}
	q.o++
	rest := q.d[q.o:]
	i := bytes.IndexByte(rest, quote)
	if i < 0 {
		return nil, false
	}
	if bytes.IndexByte(rest[:i], '\n') >= 0 || quote == '"' && bytes.IndexByte(rest[:i], '\\') >= 0 ||
		quote == '\'' && i+1 < len(rest) && rest[i+1] == '\'' {
		return nil, false
	}
	n.Text, n.segs = q.text[q.o:q.o+i], q.seg(q.pos())
	q.o += i + 1
	n.End = q.pos()
	if len(n.Text) > segRun {
		n.settle()
	}
	q.blanks()
	if c := q.peek(); c == '#' && q.d[q.o-1] != ' ' {
		return nil, false
	}
	return n, true
}

// beginsPlain are the characters that a plain scalar may begin with here.
var beginsPlain = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._$()~^+;<=\\")

func set(chars string) (out [256]bool) {
	for _, c := range []byte(chars) {
		out[c] = true
	}
	return out
}

// plain reads a plain scalar up to the end of its line, a comment, or what ends
// it in brackets.
func (q *quick) plain(flow bool) (*Node, bool) {
	if c := q.peek(); !beginsPlain[c] && (c != '-' || !beginsPlain[q.after()]) {
		return nil, false
	}
	from := q.o
	end := q.plainEnd(flow)
	if end < 0 {
		return nil, false
	}
	n := q.made(String, q.pos())
	n.Text, n.segs = strings.TrimRight(q.text[from:end], " "), q.seg(n.Pos)
	q.o = from + len(n.Text)
	n.End = q.pos()
	q.o = end
	n.Kind = plainKind(n.Text)
	if len(n.Text) > segRun {
		n.settle()
	}
	return n, true
}

// plainEnd is the offset at which a plain scalar ends, blanks included; -1
// where that is not sure.
func (q *quick) plainEnd(flow bool) int {
	for i := q.o; i < len(q.d); i++ {
		switch c := q.d[i]; {
		case c == '\n', c == '#' && q.d[i-1] == ' ':
			return i
		case c == ':':
			if i+1 == len(q.d) || q.d[i+1] == ' ' || q.d[i+1] == '\n' {
				return i
			}
			if flow && !beginsPlain[q.d[i+1]] && q.d[i+1] != '*' && q.d[i+1] != ':' {
				return -1
			}
		case !flow:
		case c == ',' || c == ']' || c == '}':
			return i
		case c == '{' || c == '[' || c == '?':
			return -1
		}
	}
	return len(q.d)
}

// literal reads a block scalar with | or |-, and goes on to what follows.
func (q *quick) literal(col int) (*Node, bool) {
	n := q.made(String, q.pos())
	n.Style = Literal
	q.o++
	strip := q.peek() == '-'
	if strip {
		q.o++
	}
	if q.peek() != '\n' || q.o == len(q.d) || q.d[len(q.d)-1] != '\n' {
		return nil, false
	}
	q.o++
	indent := len(q.d[q.o:]) - len(bytes.TrimLeft(q.d[q.o:], " "))
	if indent <= max(col, 0) || q.o+indent >= len(q.d) || q.d[q.o+indent] == '\n' {
		return nil, false // empty, or it begins with an empty line
	}
	q.line, q.start = q.line+1, q.o
	text, ok := q.lines(indent)
	if !ok {
		return nil, false
	}
	if !strip {
		text += "\n"
	}
	n.Text = text
	s := &scan{x: q.x, d: q.d, o: n.body, text: text}
	s.block()
	s.rest()
	n.segs, n.End = s.segs, q.x.pos(s.o)
	n.settle()
	q.next()
	return n, true
}

// lines reads the lines of a block scalar, and stops at the beginning of the
// first line behind it.
func (q *quick) lines(indent int) (string, bool) {
	var b strings.Builder
	empty := 0
	for q.o < len(q.d) {
		length := bytes.IndexByte(q.d[q.o:], '\n')
		line := q.text[q.o : q.o+length]
		lead := len(line) - len(strings.TrimLeft(line, " "))
		switch {
		case lead == len(line) && lead > indent:
			return "", false // blanks that are text
		case lead == len(line):
			empty++
		case lead < indent:
			return b.String(), true
		default:
			if b.Len() > 0 {
				empty++
			}
			for ; empty > 0; empty-- {
				b.WriteByte('\n')
			}
			b.WriteString(line[indent:])
		}
		q.o += length + 1
		q.line, q.start = q.line+1, q.o
	}
	return b.String(), true
}
