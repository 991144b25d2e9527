package source

import (
	"bytes"
	"strings"
)

// quick reads the YAML that nearly all configuration files and templates are
// written in, several times faster than the library does: ASCII text; block
// maps and lists; values on one line, plain, in quotes without escapes, or in
// brackets; block scalars with | and |-; short tags. It makes the very tree
// that comes of the library's reading. At the first thing that is anything
// else, or wrong, it gives up, and the library reads the file from the start.
type quick struct {
	file  string
	d     []byte
	text  string // d, of which all texts are parts
	o     int
	line  int // of o, from 0
	start int // offset of that line
	depth int
	x     *index
	doc   *document
	slabs
}

const (
	quickDepth = 100
	quickKey   = 1000 // bytes; the library takes keys of up to 1,024
)

// slabs are nodes, fields and segs made many at a time.
type slabs struct {
	nodes  []Node
	fields []Field
	segs   []seg
	count  int // of nodes, most at most
	most   int
	left   int // bytes of the file that are still to be read: a measure for how many
}

// room is how many of something to make at a time.
func (s *slabs) room() int { return min(max(s.left/24, 4), 256) }

func (s *slabs) node() *Node {
	if len(s.nodes) == 0 {
		s.nodes = make([]Node, s.room())
	}
	s.count++
	n := &s.nodes[0]
	s.nodes = s.nodes[1:]
	return n
}

func (s *slabs) full() bool { return s.count > s.most }

func (s *slabs) field() *Field {
	if len(s.fields) == 0 {
		s.fields = make([]Field, s.room()/2+1)
	}
	f := &s.fields[0]
	s.fields = s.fields[1:]
	return f
}

func (s *slabs) seg(at Pos) []seg {
	if len(s.segs) == 0 {
		s.segs = make([]seg, s.room())
	}
	s.segs[0].pos = at
	out := s.segs[:1:1]
	s.segs = s.segs[1:]
	return out
}

// readQuickly is the tree of a file; ok is false where the library has to read
// it. Enough: it has more than so many keys and values, and the rest of it was
// not read.
func readQuickly(file string, data []byte, x *index, most int) (root *Node, enough, ok bool) {
	for _, c := range data {
		if c < ' ' && c != '\n' || c > '~' {
			return nil, false, false
		}
	}
	q := &quick{file: file, d: data, text: string(data), x: x, doc: &document{}, slabs: slabs{left: len(data), most: most}}
	if q.next(); q.o == len(q.d) {
		return nil, false, false
	}
	root, ok = q.block(-1)
	if q.full() {
		return nil, true, false
	}
	if !ok {
		return nil, false, false
	}
	if q.next(); q.o < len(q.d) {
		return nil, false, false
	}
	q.doc.root = root
	return root, false, true
}

func (q *quick) peek() byte {
	if q.o < len(q.d) {
		return q.d[q.o]
	}
	return '\n'
}

func (q *quick) after() byte {
	if q.o+1 < len(q.d) {
		return q.d[q.o+1]
	}
	return '\n'
}

// col is the column of o, from 0.
func (q *quick) col() int { return q.o - q.start }

func (q *quick) pos() Pos {
	return Pos{File: q.file, Line: q.line + 1, Col: q.col() + 1, Offset: q.o}
}

func (q *quick) blanks() {
	for q.o < len(q.d) && q.d[q.o] == ' ' {
		q.o++
	}
}

// next goes on to what follows blanks, comments and line ends. It stands at
// the beginning of a line, or behind a value.
func (q *quick) next() {
	for q.o < len(q.d) {
		switch c := q.d[q.o]; {
		case c == ' ':
			q.o++
		case c == '\n':
			q.o++
			q.line++
			q.start = q.o
		case c == '#' && (q.o == q.start || q.d[q.o-1] == ' '):
			if i := bytes.IndexByte(q.d[q.o:], '\n'); i >= 0 {
				q.o += i
			} else {
				q.o = len(q.d)
			}
		default:
			return
		}
	}
}

// ended goes to the next line, if nothing but a comment follows on this one.
func (q *quick) ended() bool {
	line := q.line
	q.next()
	return q.line > line || q.o == len(q.d)
}

// block reads the value at o, which begins a line, or follows the "- " of a
// list; what belongs to it stands further right than outer. o ends up at what
// follows.
func (q *quick) block(outer int) (*Node, bool) {
	if q.depth++; q.depth > quickDepth || q.full() || q.marker() {
		return nil, false
	}
	defer func() { q.depth-- }()
	q.left = len(q.d) - q.o
	if q.peek() == '-' && (q.after() == ' ' || q.after() == '\n') {
		return q.list()
	}
	if q.peek() == '!' || q.peek() == '{' || q.peek() == '[' || q.peek() == '|' {
		return q.value(outer)
	}
	at, line := q.o, q.pos()
	first, ok := q.scalar(false)
	if !ok {
		return nil, false
	}
	if q.peek() == ':' && (q.after() == ' ' || q.after() == '\n') {
		return q.mapping(at, line, first)
	}
	if !q.ended() || q.o < len(q.d) && q.col() > outer {
		return nil, false // the text goes on
	}
	return first, true
}

// marker: a line that begins or ends a document, or a directive.
func (q *quick) marker() bool {
	return q.col() == 0 && (strings.HasPrefix(q.text[q.o:], "---") || strings.HasPrefix(q.text[q.o:], "...") || q.peek() == '%')
}

// made begins a value.
func (q *quick) made(kind Kind, at Pos) *Node {
	n := q.node()
	n.Kind, n.Pos, n.body, n.of = kind, at, at.Offset, q.doc
	return n
}

// mapping reads a block map whose first key has been read.
func (q *quick) mapping(at int, place Pos, key *Node) (*Node, bool) {
	n := q.made(Map, place)
	col := place.Col - 1
	fields := make([]*Field, 0, 4)
	for {
		if q.o-at > quickKey || key.Text == "<<" {
			return nil, false
		}
		q.o++ // the colon
		f := q.field()
		f.Key = key
		var ok bool
		if f.Value, ok = q.fieldValue(col); !ok {
			return nil, false
		}
		fields = append(fields, f)
		n.End = f.Value.End
		if q.o == len(q.d) || q.col() < col {
			n.Fields = fields
			return n, true
		}
		if q.col() > col || q.marker() {
			return nil, false
		}
		at = q.o
		if key, ok = q.scalar(false); !ok || q.peek() != ':' || q.after() != ' ' && q.after() != '\n' {
			return nil, false
		}
	}
}

// fieldValue reads what follows a key's colon, on this line or below it.
func (q *quick) fieldValue(col int) (*Node, bool) {
	q.blanks()
	if c := q.peek(); c != '\n' && c != '#' {
		return q.value(col)
	}
	if !q.ended() || q.o == len(q.d) {
		return nil, false
	}
	list := q.peek() == '-' && (q.after() == ' ' || q.after() == '\n')
	if q.col() > col || q.col() == col && list {
		return q.block(col)
	}
	return nil, false
}

// list reads a block list.
func (q *quick) list() (*Node, bool) {
	n := q.made(Seq, q.pos())
	col := q.col()
	for {
		q.o++ // the dash
		q.blanks()
		if c := q.peek(); c == '\n' || c == '#' {
			return nil, false
		}
		item, ok := q.block(col)
		if !ok {
			return nil, false
		}
		n.Items = append(n.Items, item)
		n.End = item.End
		if q.o == len(q.d) || q.col() < col {
			return n, true
		}
		if q.col() > col || q.marker() {
			return nil, false
		}
		if q.peek() != '-' || q.after() != ' ' {
			return n, true // the next key of a map whose value this is
		}
	}
}

// value reads a value that ends on this line, or a block scalar, which may have
// a tag. Its text stands further right than col.
func (q *quick) value(col int) (*Node, bool) {
	at, tag := q.pos(), ""
	if q.peek() == '!' {
		if tag = q.tag(); tag == "" || q.peek() == '\n' || q.peek() == '#' {
			return nil, false
		}
	}
	var n *Node
	ok := true
	switch q.peek() {
	case '{', '[':
		n, ok = q.flow()
	case '|':
		n, ok = q.literal(col)
	default:
		n, ok = q.scalar(false)
	}
	if !ok {
		return nil, false
	}
	if tag != "" {
		q.put(n, tag, at)
	}
	if n.Style != Literal && !q.ended() {
		return nil, false
	}
	if q.o < len(q.d) && q.col() > col {
		return nil, false // the text goes on
	}
	return n, true
}

// tag reads a short tag and the blanks behind it.
func (q *quick) tag() string {
	from := q.o
	q.o++
	for c := q.peek(); 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'; c = q.peek() {
		q.o++
	}
	tag := q.text[from:q.o]
	if len(tag) == 1 || q.peek() != ' ' {
		return ""
	}
	q.blanks()
	return tag
}

// put gives a value its tag, which makes a text of a scalar.
func (q *quick) put(n *Node, tag string, at Pos) {
	n.Tag, n.Pos = tag, at
	if n.Kind < Seq && n.Text != "" {
		n.Kind = String
	}
}

// flow reads a map or list in brackets, on one line.
func (q *quick) flow() (*Node, bool) {
	if q.depth++; q.depth > quickDepth || q.full() {
		return nil, false
	}
	defer func() { q.depth-- }()
	n, shut := q.made(Map, q.pos()), byte('}')
	if q.peek() == '[' {
		n.Kind, shut = Seq, ']'
	}
	n.flow, n.last = true, n.body
	q.o++
	for first := true; ; first = false {
		q.blanks()
		switch c := q.peek(); {
		case c == shut && (first || n.last > n.body):
			q.o++
			n.End = q.pos()
			return n, true
		case first:
		case c == ',':
			q.o++
			if q.blanks(); q.peek() == shut {
				return nil, false
			}
		default:
			return nil, false
		}
		if !q.entry(n) {
			return nil, false
		}
	}
}

// entry reads one entry of a map in brackets, or one item of a list.
func (q *quick) entry(n *Node) bool {
	var f *Field
	if n.Kind == Map {
		f = q.field()
		at, ok := q.o, true
		if f.Key, ok = q.scalar(true); !ok || q.peek() != ':' || q.after() != ' ' || f.Key.Text == "<<" || q.o-at > quickKey {
			return false
		}
		q.o++
		q.blanks()
	}
	at, tag := q.pos(), ""
	if q.peek() == '!' {
		if tag = q.tag(); tag == "" {
			return false
		}
	}
	var v *Node
	ok := true
	if c := q.peek(); c == '{' || c == '[' {
		v, ok = q.flow()
	} else {
		v, ok = q.scalar(true)
	}
	if !ok || q.peek() == ':' {
		return false
	}
	if tag != "" {
		q.put(v, tag, at)
	}
	n.last = v.End.Offset
	if f == nil {
		n.Items = append(n.Items, v)
		return true
	}
	f.Value = v
	n.Fields = append(n.Fields, f)
	return true
}
