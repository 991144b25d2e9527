package source

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// ParseJSON reads one JSON value. Repeated keys are kept. The node is nil for
// an empty document; the error is a *Problem.
func ParseJSON(file string, data []byte) (*Node, error) {
	return parseJSONFile(file, data, maxBytes, maxValues)
}

// ParseLargeJSON is ParseJSON for files that programs write, up to limit bytes.
func ParseLargeJSON(file string, data []byte, limit int) (*Node, error) {
	return parseJSONFile(file, data, limit, math.MaxInt)
}

// parseJSONFile reads a file of at most limit bytes and most keys and values.
func parseJSONFile(file string, data []byte, limit, most int) (*Node, error) {
	if p := tooLarge(file, data, limit); p != nil {
		return nil, p
	}
	if p := noText(file, data); p != nil {
		return nil, p
	}
	x := newIndex(file, data, false)
	return parseJSON(&jsonReader{d: data, o: x.starts[0], at: x.pos, left: most})
}

// ParseJSON reads JSON that stands in bytes from to to of n's text; its
// places are those in n's file.
func (n *Node) ParseJSON(from, to int) (*Node, error) {
	return parseJSON(&jsonReader{d: []byte(n.Text[from:to]), at: func(i int) Pos { return n.PosAt(from + i) }, left: maxValues})
}

func parseJSON(r *jsonReader) (n *Node, err error) {
	r.doc = &document{}
	r.space()
	if r.o == len(r.d) {
		return nil, nil
	}
	n, err = r.value(0)
	if err != nil {
		return nil, err
	}
	if r.space(); r.o < len(r.d) {
		return nil, r.fail(r.o, "more text follows the value", "")
	}
	r.doc.root = n
	return n, nil
}

type jsonReader struct {
	d    []byte
	o    int
	at   func(int) Pos
	doc  *document
	left int // keys and values that may still come
}

func (r *jsonReader) fail(o int, what, remedy string) error {
	return &Problem{Pos: r.at(o), What: "this is not JSON: " + what, Remedy: remedy}
}

func (r *jsonReader) space() {
	for r.o < len(r.d) && strings.IndexByte(" \t\r\n", r.d[r.o]) >= 0 {
		r.o++
	}
}

func (r *jsonReader) peek() byte {
	if r.o < len(r.d) {
		return r.d[r.o]
	}
	return 0
}

// wrong reports what stands at the place where something else was expected.
func (r *jsonReader) wrong(expected string) error {
	if r.o >= len(r.d) {
		return r.fail(r.o, "the text ends where "+expected+" is expected", "")
	}
	c, _ := utf8.DecodeRune(r.d[r.o:])
	remedy := ""
	switch {
	case c == '\'' || c == '“' || c == '”':
		remedy = `JSON takes only straight double quotes: "`
	case c == '/' || c == '#':
		remedy = "JSON knows no comments: remove it"
	case c == '}' || c == ']':
		remedy = "remove the comma before it"
	case strings.HasPrefix(expected, "a comma"):
		remedy = "put a comma behind the entry before it"
	}
	return r.fail(r.o, fmt.Sprintf("%q stands where %s is expected", c, expected), remedy)
}

func (r *jsonReader) value(depth int) (*Node, error) {
	if depth > maxDepth {
		return nil, r.fail(r.o, fmt.Sprintf("values are nested more than %d deep", maxDepth), "")
	}
	if r.left--; r.left < 0 {
		return nil, &Problem{Pos: r.at(r.o), What: "here the file has more keys and values than beanpole reads", limit: true}
	}
	n := &Node{Style: JSON, Pos: r.at(r.o), body: r.o, of: r.doc}
	var err error
	switch c := r.peek(); {
	case c == '{':
		err = r.object(n, depth)
	case c == '[':
		err = r.array(n, depth)
	case c == '"':
		err = r.string(n)
	case c == '-' || c >= '0' && c <= '9':
		err = r.number(n)
	default:
		err = r.word(n)
	}
	if err != nil {
		return nil, err
	}
	n.End = r.at(r.o)
	n.settle()
	return n, nil
}

func (r *jsonReader) object(n *Node, depth int) error {
	n.Kind, n.flow = Map, true
	r.o++
	for r.space(); r.peek() != '}'; {
		if r.peek() != '"' {
			return r.wrong("a key in double quotes")
		}
		k, err := r.value(depth + 1)
		if err != nil {
			return err
		}
		if r.space(); r.peek() != ':' {
			return r.wrong("a colon")
		}
		r.o++
		r.space()
		v, err := r.value(depth + 1)
		if err != nil {
			return err
		}
		n.Fields = append(n.Fields, &Field{Key: k, Value: v})
		n.last = r.o
		r.space()
		if r.peek() == '}' {
			break
		}
		if r.peek() != ',' {
			return r.wrong("a comma or }")
		}
		r.o++
		if r.space(); r.peek() == '}' {
			return r.wrong("a key in double quotes")
		}
	}
	r.o++
	return nil
}

func (r *jsonReader) array(n *Node, depth int) error {
	n.Kind, n.flow = Seq, true
	r.o++
	for r.space(); r.peek() != ']'; {
		v, err := r.value(depth + 1)
		if err != nil {
			return err
		}
		n.Items = append(n.Items, v)
		n.last = r.o
		r.space()
		if r.peek() == ']' {
			break
		}
		if r.peek() != ',' {
			return r.wrong("a comma or ]")
		}
		r.o++
		if r.space(); r.peek() == ']' {
			return r.wrong("a value")
		}
	}
	r.o++
	return nil
}

func (r *jsonReader) word(n *Node) error {
	for word, kind := range map[string]Kind{"true": Bool, "false": Bool, "null": Null} {
		if strings.HasPrefix(string(r.d[r.o:min(len(r.d), r.o+len(word))]), word) {
			n.Kind, n.Text = kind, word
			n.segs = []seg{{pos: n.Pos}}
			r.o += len(word)
			return nil
		}
	}
	return r.wrong("a value")
}

func (r *jsonReader) number(n *Node) error {
	start := r.o
	digits := func() bool {
		from := r.o
		for r.o < len(r.d) && r.d[r.o] >= '0' && r.d[r.o] <= '9' {
			r.o++
		}
		return r.o > from
	}
	n.Kind = Int
	if r.peek() == '-' {
		r.o++
	}
	zero := r.peek() == '0'
	first := r.o
	if !digits() {
		return r.wrong("a digit")
	}
	if zero && r.o > first+1 {
		return r.fail(start, "a number begins with 0", "put it in quotes if it is a text, such as a file mode")
	}
	if r.peek() == '.' {
		r.o++
		if n.Kind = Float; !digits() {
			return r.wrong("a digit")
		}
	}
	if c := r.peek(); c == 'e' || c == 'E' {
		r.o++
		if c := r.peek(); c == '+' || c == '-' {
			r.o++
		}
		if n.Kind = Float; !digits() {
			return r.wrong("a digit")
		}
	}
	n.Text = string(r.d[start:r.o])
	n.segs = []seg{{pos: n.Pos}}
	return nil
}

func (r *jsonReader) string(n *Node) error {
	n.Kind = String
	start := r.o
	r.o++
	var b strings.Builder
	n.segs = []seg{{pos: r.at(r.o)}}
	for {
		from := r.o
		for r.o < len(r.d) && r.d[r.o] != '"' && r.d[r.o] != '\\' && r.d[r.o] >= ' ' {
			r.o++
		}
		b.Write(r.d[from:r.o])
		switch c := r.peek(); {
		case r.o >= len(r.d):
			return r.fail(start, "a text has no closing quote", "")
		case c == '"':
			r.o++
			n.Text = b.String()
			return nil
		case c == '\\':
			esc := seg{at: b.Len(), pos: r.at(r.o), held: true}
			s, err := r.escape()
			if err != nil {
				return err
			}
			b.WriteString(s)
			n.segs = append(n.segs, esc, seg{at: b.Len(), pos: r.at(r.o)})
		default:
			return r.fail(r.o, "a line end or control character stands in a text", `write \n for a line end`)
		}
	}
}

// escape reads one escape, two when they are the halves of a surrogate pair.
func (r *jsonReader) escape() (string, error) {
	start := r.o
	r.o++
	c := r.peek()
	r.o++
	if i := strings.IndexByte(`"\/bfnrt`, c); i >= 0 && c != 0 {
		return "\"\\/\b\f\n\r\t"[i : i+1], nil
	}
	if c != 'u' {
		return "", r.fail(start, `unknown escape in a text`, `write \\ for a backslash`)
	}
	u, ok := r.hex4()
	if !ok {
		return "", r.fail(start, `\u is not followed by four hexadecimal digits`, "")
	}
	if utf16.IsSurrogate(u) {
		save := r.o
		if r.o+1 < len(r.d) && r.d[r.o] == '\\' && r.d[r.o+1] == 'u' {
			r.o += 2
			if low, ok := r.hex4(); ok {
				if full := utf16.DecodeRune(u, low); full != utf8.RuneError {
					return string(full), nil
				}
			}
		}
		r.o = save
		u = utf8.RuneError
	}
	return string(u), nil
}

func (r *jsonReader) hex4() (rune, bool) {
	if r.o+4 > len(r.d) {
		return 0, false
	}
	v, err := strconv.ParseUint(string(r.d[r.o:r.o+4]), 16, 32)
	if err != nil {
		return 0, false
	}
	r.o += 4
	return rune(v), true
}
