// Package source reads users' files so that everything in them has its exact
// place: YAML and JSON become one tree of Node in which every value knows
// file, line and column, also inside block and quoted text. It opens bundles
// (folder or zip) safely: a bundle is hostile input.
package source

import "fmt"

// Pos is a place in a file. The zero Pos is "no place".
type Pos struct {
	File   string // as the user named it, or bundle-relative with slashes
	Line   int    // 1-based
	Col    int    // 1-based, in runes
	Offset int    // 0-based byte offset
}

// IsValid reports whether p names a place.
func (p Pos) IsValid() bool { return p.Line > 0 }

// String is file:line:col, which terminals can open.
func (p Pos) String() string {
	if !p.IsValid() {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col)
}

// short is line:col, for use beside a place in the same file.
func (p Pos) short() string { return fmt.Sprintf("%d:%d", p.Line, p.Col) }

// Kind is what a value is.
type Kind uint8

const (
	Null Kind = iota
	Bool
	Int
	Float
	String
	Seq
	Map
)

// Style is how a scalar was written.
type Style uint8

const (
	Plain Style = iota
	SingleQuoted
	DoubleQuoted
	Literal // block scalar with |
	Folded  // block scalar with >
	JSON    // anything in a JSON file
)

// Node is one value with its place.
type Node struct {
	Kind  Kind
	Style Style
	Tag   string // a short function tag as written, "!Ref"; "" when none
	Pos   Pos    // first byte of the value (of its tag, if it has one)
	End   Pos    // just behind its last byte

	// Text is a scalar's text after unquoting. Of a plain scalar it is the
	// text as written: `0644` stays "0644", its Kind says Int.
	Text   string
	Items  []*Node  // of a Seq
	Fields []*Field // of a Map, in file order, repeated keys kept

	// From tells where a resolved value came from, nearest first: the
	// option, parameter or resource that it was taken from.
	From []Origin

	segs []seg     // where Text stands in the file, see PosAt; none: nowhere
	body int       // offset of the value itself, behind its tag and anchor
	flow bool      // a Seq or Map in brackets
	last int       // of such: offset behind its last child
	of   *document // that it was read from, so body and flow count; nil: none
}

// document is a file that was read.
type document struct {
	root *Node
}

// Field is one entry of a Map.
type Field struct {
	Key   *Node
	Value *Node
}

// Origin is one stop on the way of a value.
type Origin struct {
	What string // for instance `option aws:… IamInstanceProfile`
	Pos  Pos
}

// Get is the value under key, the last one if it is repeated (as SnakeYAML
// does), nil when there is none or n is no Map.
func (n *Node) Get(key string) *Node {
	if n == nil {
		return nil
	}
	for i := len(n.Fields) - 1; i >= 0; i-- {
		if n.Fields[i].Key.Text == key {
			return n.Fields[i].Value
		}
	}
	return nil
}

// At walks down a path of keys.
func (n *Node) At(keys ...string) *Node {
	for _, k := range keys {
		n = n.Get(k)
	}
	return n
}

// IsScalar reports whether n is a text, number, boolean or null.
func (n *Node) IsScalar() bool { return n != nil && n.Kind < Seq }

// Str is the text of a scalar; ok is false for nil, Null, Seq and Map.
func (n *Node) Str() (s string, ok bool) {
	if n == nil || n.Kind == Null || n.Kind >= Seq {
		return "", false
	}
	return n.Text, true
}

// TextOr is the text of a scalar, or def.
func (n *Node) TextOr(def string) string {
	if s, ok := n.Str(); ok {
		return s
	}
	return def
}

// Place is n's place, or the zero Pos for nil.
func (n *Node) Place() Pos {
	if n == nil {
		return Pos{}
	}
	return n.Pos
}

// NewString is a text value that stands at pos.
func NewString(text string, pos Pos, from ...Origin) *Node {
	return &Node{Kind: String, Text: text, Pos: pos, End: pos, From: from}
}

// NewMap is a map value that stands at pos.
func NewMap(pos Pos, fields ...*Field) *Node {
	return &Node{Kind: Map, Pos: pos, End: pos, Fields: fields}
}

// Set adds or replaces key.
func (n *Node) Set(key string, v *Node) {
	for _, f := range n.Fields {
		if f.Key.Text == key {
			f.Value = v
			return
		}
	}
	n.Fields = append(n.Fields, &Field{Key: NewString(key, v.Place()), Value: v})
}
