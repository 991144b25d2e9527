package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"beanpole/internal/fact"

	"go.yaml.in/yaml/v4"
)

// Limits on what a reader takes: bundles are hostile. The largest document
// that AWS takes is a template of 1 MB [CFN:cloudformation-limits].
const (
	maxBytes = 2 << 20
	maxDepth = 200
	maxAlias = 100_000 // values that all aliases of one file may stand for

	// Keys and values of one file. A configuration file of many has a few
	// hundred; a template of 1 MB less than this. What a value takes in memory
	// is far more than the two bytes that it may take in the file.
	maxValues       = 120_000
	maxConfigValues = 20_000
)

// Parse reads a file that is JSON when its first byte that is not blank is
// { or [, else YAML. As Elastic Beanstalk does, it tries YAML when such a file
// turns out not to be JSON. The node is nil for an empty document; the error
// is a *Problem.
func Parse(file string, data []byte) (*Node, error) {
	t := bytes.TrimLeft(bytes.TrimPrefix(data, []byte(bom)), " \t\r\n")
	if len(t) == 0 || t[0] != '{' && t[0] != '[' {
		return ParseYAML(file, data)
	}
	n, err := ParseJSON(file, data)
	var p *Problem
	if err != nil && !(errors.As(err, &p) && p.limit) {
		if y, yerr := ParseYAML(file, data); yerr == nil {
			return y, nil
		}
	}
	return n, err
}

// ParseYAML reads one YAML 1.1 document, typed as SnakeYAML does, which is
// what Elastic Beanstalk reads .ebextensions with [EB:ebextensions]. Aliases
// and merge keys are resolved. The node is nil for an empty document; the
// error is a *Problem.
func ParseYAML(file string, data []byte) (*Node, error) {
	return parseYAML(file, data, maxValues)
}

func parseYAML(file string, data []byte, most int) (*Node, error) {
	if p := unreadable(file, data); p != nil {
		return nil, p
	}
	x := newIndex(file, data, false)
	n, enough, ok := readQuickly(file, data, x, most)
	switch {
	case ok:
		return n, nil
	case enough:
		return nil, tooMany(file, most)
	}
	return readThoroughly(data, x, most)
}

// tooMany refuses a file with more keys and values than are read.
func tooMany(file string, most int) *Problem {
	return &Problem{Pos: Pos{File: file}, What: fmt.Sprintf("the file has more than %d keys and values; beanpole reads that many", most)}
}

// readThoroughly has the library read a file.
func readThoroughly(data []byte, x *index, most int) (*Node, error) {
	r := &yamlReader{x: x, lib: x, doc: &document{}, done: map[*yaml.Node]*Node{}, open: map[*yaml.Node]bool{}, budget: maxAlias, most: most}
	if bytes.Contains(data, []byte("\u0085")) || bytes.Contains(data, []byte("\u2028")) || bytes.Contains(data, []byte("\u2029")) {
		r.lib = newIndex(x.file, data, true)
	}
	root, err := r.load()
	if root == nil || err != nil {
		return nil, err
	}
	n, _, err := r.node(root, 0)
	if err != nil {
		return nil, err
	}
	if n.Kind == Null && n.Pos == n.End && n.Tag == "" {
		return nil, nil // "---" and nothing else
	}
	r.doc.root = n
	return n, nil
}

// unreadable refuses what is no text, or too much of it.
func unreadable(file string, data []byte) *Problem {
	if p := tooLarge(file, data, maxBytes); p != nil {
		return p
	}
	return noText(file, data)
}

func tooLarge(file string, data []byte, limit int) *Problem {
	if len(data) <= limit {
		return nil
	}
	return &Problem{Pos: Pos{File: file}, What: fmt.Sprintf("the file has %d bytes; beanpole reads %d", len(data), limit)}
}

// noText refuses what is not UTF-8.
func noText(file string, data []byte) *Problem {
	switch {
	case bytes.HasPrefix(data, []byte{0xFF, 0xFE}) || bytes.HasPrefix(data, []byte{0xFE, 0xFF}):
		return &Problem{Pos: Pos{File: file}, What: "the file is in UTF-16", Remedy: "save it as UTF-8"}
	case utf8.Valid(data):
		return nil
	}
	i := 0
	for i < len(data) {
		r, w := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && w == 1 {
			break
		}
		i += w
	}
	return &Problem{Pos: newIndex(file, data, false).pos(i), What: fmt.Sprintf("byte 0x%02X is not UTF-8", data[i]), Remedy: "save the file as UTF-8"}
}

type yamlReader struct {
	x      *index // places for people
	lib    *index // lines as the YAML library counts them
	doc    *document
	done   map[*yaml.Node]*Node
	open   map[*yaml.Node]bool
	budget int
	most   int // keys and values
	count  int
	tries  *int // of edits that mend the file; see mend
}

// load has the library read the one document; nil when there is none.
func (r *yamlReader) load() (*yaml.Node, error) {
	l, err := newLoader(r.x.data)
	if err != nil {
		return nil, err
	}
	var doc, second yaml.Node
	if err := l.Load(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		return nil, r.problem(err)
	}
	switch err := l.Load(&second); {
	case err == nil:
		return nil, &Problem{Pos: r.at(&second), What: "a second document starts here", Remedy: "keep one document in a file: remove the line ---",
			Snake: "expected a single document in the stream" + r.mark(0) + " but found another document" + r.mark(r.at(&second).Offset)}
	case !errors.Is(err, io.EOF):
		return nil, r.problem(err)
	}
	if len(doc.Content) == 0 {
		return nil, nil
	}
	return doc.Content[0], nil
}

func newLoader(data []byte) (*yaml.Loader, error) {
	l, err := yaml.NewLoader(bytes.NewReader(data), yaml.WithUniqueKeys(false))
	if err != nil {
		return nil, fmt.Errorf("set up YAML reader: %w", err)
	}
	return l, nil
}

func (r *yamlReader) at(n *yaml.Node) Pos { return r.x.pos(r.lib.offset(n.Line, n.Column)) }

// node turns a library node into ours. It also returns the offset behind the
// node in the file, which for an alias is not the node's own End.
func (r *yamlReader) node(y *yaml.Node, depth int) (*Node, int, error) {
	start := min(r.lib.offset(y.Line, y.Column), len(r.x.data))
	if depth > maxDepth {
		return nil, 0, &Problem{Pos: r.x.pos(start), What: fmt.Sprintf("values are nested more than %d deep", maxDepth)}
	}
	if r.count++; r.count > r.most {
		return nil, 0, tooMany(r.x.file, r.most)
	}
	if y.Kind == yaml.AliasNode {
		return r.alias(y, start)
	}
	r.open[y] = true
	defer delete(r.open, y)
	n := &Node{Pos: r.x.pos(start), of: r.doc}
	n.body = start
	if y.Style&yaml.TaggedStyle != 0 || y.Anchor != "" || y.Tag == "!" {
		n.body = skipProperties(r.x.data, start)
	}
	if y.Style&yaml.TaggedStyle != 0 {
		n.Tag = fact.Clean(y.Tag)
	}
	var end int
	var err error
	switch y.Kind {
	case yaml.MappingNode:
		end, err = r.mapping(n, y, depth)
	case yaml.SequenceNode:
		end, err = r.sequence(n, y, depth)
	default:
		end = r.scalar(n, y)
	}
	if err != nil {
		return nil, 0, err
	}
	n.End = r.x.pos(end)
	r.done[y] = n
	return n, end, nil
}

// skipProperties is the offset behind a tag and an anchor.
func skipProperties(d []byte, o int) int {
	for o < len(d) && (d[o] == '!' || d[o] == '&') {
		for o < len(d) && !blank(d[o]) && breakLen(d, o) == 0 {
			o++
		}
		o = skipSpace(d, o)
	}
	return o
}

// skipSpace is the offset behind blanks, line ends and comments.
func skipSpace(d []byte, o int) int {
	for o < len(d) {
		switch w := breakLen(d, o); {
		case w > 0:
			o += w
		case blank(d[o]):
			o++
		case d[o] == '#' && (o == 0 || blank(d[o-1]) || d[o-1] == '\n' || d[o-1] == '\r'):
			for o < len(d) && breakLen(d, o) == 0 {
				o++
			}
		default:
			return o
		}
	}
	return o
}

func (r *yamlReader) scalar(n *Node, y *yaml.Node) (end int) {
	n.Text = y.Value
	s := &scan{x: r.x, d: r.x.data, o: n.body, text: y.Value}
	switch {
	case y.Style&yaml.DoubleQuotedStyle != 0:
		n.Style = DoubleQuoted
		s.double()
	case y.Style&yaml.SingleQuotedStyle != 0:
		n.Style = SingleQuoted
		s.single()
	case y.Style&yaml.LiteralStyle != 0:
		n.Style = Literal
		s.block()
	case y.Style&yaml.FoldedStyle != 0:
		n.Style = Folded
		s.block()
	case y.Value == "":
		// Nothing stands there; a tag may.
		s.o = n.Pos.Offset
		if n.Tag != "" || y.Anchor != "" || y.Tag == "!" {
			s.o = len(bytes.TrimRight(r.x.data[:n.body], " \t\r\n"))
			s.o = max(s.o, n.Pos.Offset)
		}
		n.body = s.o
	default:
		s.plain()
	}
	s.rest()
	n.segs = s.segs
	n.Kind, n.Tag = scalarKind(y, n)
	n.settle()
	return s.o
}

// scalarKind types a scalar. Tags of YAML's own types are carried out here.
func scalarKind(y *yaml.Node, n *Node) (Kind, string) {
	switch n.Tag {
	case "!!str", "!!binary", "!!timestamp":
		return String, ""
	case "!!null":
		return Null, ""
	case "!!bool", "!!int", "!!float":
		if k := plainKind(y.Value); k == Bool || k == Int || k == Float {
			return k, ""
		}
		return String, n.Tag
	}
	if n.Style != Plain || y.Tag == "!" {
		return String, n.Tag
	}
	if strings.HasPrefix(n.Tag, "!") && y.Value != "" {
		return String, n.Tag // a function's argument
	}
	return plainKind(y.Value), n.Tag
}

func (r *yamlReader) sequence(n *Node, y *yaml.Node, depth int) (end int, err error) {
	n.Kind = Seq
	if n.Tag == "!!seq" {
		n.Tag = ""
	}
	n.flow = y.Style&yaml.FlowStyle != 0
	end = n.body
	for _, c := range y.Content {
		var item *Node
		if item, end, err = r.node(c, depth+1); err != nil {
			return 0, err
		}
		n.Items = append(n.Items, item)
	}
	return r.shut(n, end), nil
}

func (r *yamlReader) mapping(n *Node, y *yaml.Node, depth int) (end int, err error) {
	n.Kind = Map
	if n.Tag == "!!map" {
		n.Tag = ""
	}
	n.flow = y.Style&yaml.FlowStyle != 0
	end = n.body
	var merges []merge
	for i := 0; i+1 < len(y.Content); i += 2 {
		var f Field
		if f.Key, _, err = r.node(y.Content[i], depth+1); err != nil {
			return 0, err
		}
		if f.Value, end, err = r.node(y.Content[i+1], depth+1); err != nil {
			return 0, err
		}
		switch {
		case isMerge(y.Content[i]):
			merges = append(merges, merge{len(n.Fields), f.Value})
		case !f.Key.IsScalar():
			return 0, &Problem{Pos: f.Key.Pos, What: "a map or list stands here as a key", Remedy: "put the text in quotes if it is one"}
		default:
			n.Fields = append(n.Fields, &f)
		}
	}
	if err := n.merge(merges); err != nil {
		return 0, err
	}
	return r.shut(n, end), nil
}

// shut finds the closing bracket of a flow collection whose last child ends
// at end.
func (r *yamlReader) shut(n *Node, end int) int {
	d := r.x.data
	if !n.flow || n.body >= len(d) || d[n.body] != '{' && d[n.body] != '[' {
		n.flow = false // a pair in a list, [a: b], has no brackets of its own
		return end
	}
	shut := byte(']')
	if n.Kind == Map {
		shut = '}'
	}
	n.last = end
	o := max(end, n.body)
	if o == n.body {
		o++
	}
	for o = skipSpace(d, o); o < len(d) && d[o] != shut && strings.IndexByte(",:?", d[o]) >= 0; {
		o = skipSpace(d, o+1)
	}
	if o < len(d) && d[o] == shut {
		return o + 1
	}
	return end
}
