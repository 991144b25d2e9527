package source

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// InsertField adds the entry key: value to the map m, which was read from
// data. The value is YAML source text on one line; in a JSON file the same
// value is written as JSON. The entry goes behind the last one, in its
// indentation or its brackets. Nothing else in the file changes; where that
// is not possible, InsertField returns an error.
func InsertField(data []byte, m *Node, key, value string) (Edit, error) {
	return insert(data, m, key, value, nil)
}

// InsertBlock adds an entry whose value is a block of lines, indented by two
// spaces a level; they get the indentation step of the file. In a JSON file,
// or a map in brackets, the same value is written on one line.
func InsertBlock(data []byte, m *Node, key string, lines []string) (Edit, error) {
	return insert(data, m, key, "", lines)
}

func insert(data []byte, m *Node, key, value string, lines []string) (Edit, error) {
	fail := func(why string) (Edit, error) {
		return Edit{}, fmt.Errorf("insert %q into the map at %v: %s", key, m.Place(), why)
	}
	if m == nil || m.Kind != Map || m.of == nil || m.End.Offset > len(data) {
		return fail("it is no map of this file")
	}
	text := value
	if lines != nil {
		text = strings.Join(lines, "\n")
	}
	v, err := ParseYAML("", []byte(text))
	if err != nil {
		return fail("the value is not YAML: " + err.Error())
	}
	var e Edit
	switch {
	case m.flow:
		e = m.insertFlow(data, key, value, v)
	case lines != nil:
		e, err = m.insertLines(data, m.writeKey(data, key)+":", lines, step(data))
	default:
		e, err = m.insertLines(data, m.writeKey(data, key)+": "+value, nil, 0)
	}
	if err != nil {
		return fail(err.Error())
	}
	e.File = m.Pos.File
	if err := verify(data, e, m, func(n *Node) *Node {
		if n.isCopyOf(m) {
			return n.with(key, v)
		}
		return n
	}); err != nil {
		return fail(err.Error())
	}
	return e, nil
}

// writeKey is key as source text, quoted as the map's first key is, or when
// it must be.
func (m *Node) writeKey(data []byte, key string) string {
	style := Plain
	if len(m.Fields) > 0 {
		style = m.Fields[0].Key.Style
	}
	return writeScalar(key, style)
}

// insertLines adds lines behind the last line of a block map.
func (m *Node) insertLines(data []byte, first string, rest []string, step int) (Edit, error) {
	indent, err := m.indent(data)
	if err != nil {
		return Edit{}, err
	}
	eol := lineEnd(data)
	var b strings.Builder
	put := func(s string) {
		b.WriteString(s)
	}
	put(first)
	for _, l := range rest {
		body := strings.TrimLeft(l, " ")
		depth := (len(l) - len(body)) / 2
		put(eol)
		if body != "" {
			put(indent + strings.Repeat(" ", step*(1+depth)) + body)
		}
	}
	if m.endsKeeping(data) { // empty lines behind the map belong to its last text
		return Edit{Start: m.body, End: m.body, New: b.String() + eol + indent}, nil
	}
	at := m.End.Offset
	for at < len(data) && breakLen(data, at) == 0 {
		at++
	}
	if rest := bytes.TrimLeft(data[m.End.Offset:at], " \t"); len(rest) > 0 && rest[0] != '#' {
		return Edit{}, fmt.Errorf("%q follows it on its last line", rest)
	}
	return Edit{Start: at, End: at, New: eol + indent + b.String()}, nil
}

// indent is the white space in front of the map's entries.
func (m *Node) indent(data []byte) (string, error) {
	start := m.body
	for start > 0 && data[start-1] != '\n' && data[start-1] != '\r' {
		start--
	}
	prefix := strings.TrimPrefix(string(data[start:m.body]), bom)
	if strings.Trim(prefix, " -") != "" {
		return "", fmt.Errorf("it does not begin a line")
	}
	return strings.ReplaceAll(prefix, "-", " "), nil
}

// endsKeeping reports whether the map's last text is a block scalar to which
// what follows counts: one that keeps empty lines, or that the file ends in
// without a line end.
func (m *Node) endsKeeping(data []byte) bool {
	n := m
	for n.Kind >= Seq {
		switch {
		case n.Kind == Seq && len(n.Items) > 0:
			n = n.Items[len(n.Items)-1]
		case n.Kind == Map && len(n.Fields) > 0:
			n = n.Fields[len(n.Fields)-1].Value
		default:
			return false
		}
	}
	if n.End != m.End || n.Style != Literal && n.Style != Folded {
		return false
	}
	header, _, _ := bytes.Cut(data[n.body:n.End.Offset], []byte("\n"))
	header, _, _ = bytes.Cut(header, []byte("#"))
	return bytes.IndexByte(header, '+') >= 0 || len(bytes.TrimRight(data[n.End.Offset:], " \t")) == 0
}

// insertFlow adds an entry to a map in brackets.
func (m *Node) insertFlow(data []byte, key, value string, v *Node) Edit {
	entry := m.writeKey(data, key) + ": " + value
	if m.Style == JSON {
		entry = writeScalar(key, JSON) + ": " + string(v.JSON())
	} else if value == "" {
		entry = m.writeKey(data, key) + ": " + string(v.JSON())
	}
	if len(m.Fields) == 0 {
		return Edit{Start: m.body + 1, End: m.body + 1, New: entry}
	}
	space := " "
	if k := m.Fields[0].Key.Pos.Offset; k > m.body && k < m.End.Offset {
		lead := data[m.body+1 : k]
		if i := bytes.LastIndexByte(lead, '\n'); i >= 0 && len(bytes.Trim(lead[i:], " \t\r\n")) == 0 {
			space = lineEnd(data) + string(lead[i+1:]) // an entry a line
		}
	}
	at := m.last
	if next := skipSpace(data, at); m.Style != JSON && next < len(data) && data[next] == ',' {
		return Edit{Start: next + 1, End: next + 1, New: space + entry + ","}
	}
	return Edit{Start: at, End: at, New: "," + space + entry}
}

// lineEnd is how the file ends its lines.
func lineEnd(data []byte) string {
	if i := bytes.IndexByte(data, '\n'); i > 0 && data[i-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}

// step is the file's indentation step: that of its first indented line.
func step(data []byte) int {
	for _, l := range bytes.Split(data, []byte("\n")) {
		t := bytes.TrimLeft(l, " ")
		if n := len(l) - len(t); n > 0 && n <= 8 && len(t) > 0 && t[0] != '#' && t[0] != '\r' {
			return n
		}
	}
	return 2
}

// verify reads the changed file and compares: it must be the file that n was
// read from with what change makes of its values, and nothing else. Change
// returns the value itself where it changes nothing.
func verify(data []byte, e Edit, n *Node, change func(*Node) *Node) error {
	read := ParseYAML
	if n.Style == JSON {
		read = ParseJSON
	}
	changed, err := Apply(data, []Edit{e})
	if err != nil {
		return err
	}
	after, err := read("", changed)
	if err != nil {
		return fmt.Errorf("the file could not be read any more: %w", err)
	}
	c := comparison{of: n.of, change: change}
	if after == nil || !c.same(n.of.root, after) {
		return fmt.Errorf("the file would change in other places too")
	}
	if !c.changed {
		return fmt.Errorf("it is not in this file")
	}
	return nil
}

// comparison holds a file, with what change makes of it, against another.
type comparison struct {
	of      *document
	change  func(*Node) *Node
	changed bool
}

// same compares two trees, maps without regard to order.
func (c *comparison) same(a, b *Node) bool {
	if a.of == c.of { // not what change has put there
		if to := c.change(a); to != a {
			a, c.changed = to, true
		}
	}
	if a.Kind != b.Kind || a.Tag != b.Tag || a.Text != b.Text || len(a.Items) != len(b.Items) {
		return false
	}
	for i := range a.Items {
		if !c.same(a.Items[i], b.Items[i]) {
			return false
		}
	}
	x, y := a.Entries(), b.Entries()
	if len(x) != len(y) {
		return false
	}
	var values map[string]*Node // of b, once the order differs
	for i, f := range x {
		v := y[i].Value
		if values == nil && y[i].Key.Text != f.Key.Text {
			values = map[string]*Node{}
			for _, f := range y {
				values[f.Key.Text] = f.Value
			}
		}
		if values != nil {
			v = values[f.Key.Text]
		}
		if v == nil || !c.same(f.Value, v) {
			return false
		}
	}
	return true
}

// isCopyOf: n is old, or the copy that an alias makes of it.
func (n *Node) isCopyOf(old *Node) bool {
	return n.Kind == old.Kind && n.body == old.body && n.End.Offset == old.End.Offset
}

// with is a map with one more entry.
func (n *Node) with(key string, v *Node) *Node {
	out := *n
	out.Fields = append(n.Fields[:len(n.Fields):len(n.Fields)], &Field{Key: NewString(key, Pos{}), Value: v})
	return &out
}

// writeScalar is source text that YAML reads as this text, in the style given
// if it can be, else in double quotes.
func writeScalar(text string, style Style) string {
	switch style {
	case Plain:
		if plainSafe(text) {
			return text
		}
	case SingleQuoted:
		s := "'" + strings.ReplaceAll(text, "'", "''") + "'"
		if n, err := ParseYAML("", []byte(s)); err == nil && n.Text == text && !strings.ContainsAny(text, "\r\n") {
			return s
		}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(text); err != nil {
		panic("unreachable: a string is always JSON")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// plainSafe reports whether a plain scalar of this text reads as this text,
// as a value, a key, and between brackets.
func plainSafe(text string) bool {
	if strings.ContainsAny(text, "\r\n") {
		return false
	}
	n, err := ParseYAML("", []byte("["+text+", {"+text+": x}]"))
	if err != nil || n.Kind != Seq || len(n.Items) != 2 || len(n.Items[1].Fields) != 1 {
		return false
	}
	for _, s := range []*Node{n.Items[0], n.Items[1].Fields[0].Key} {
		if s.Kind != String || s.Style != Plain || s.Tag != "" || s.Text != text || len(s.From) > 0 {
			return false
		}
	}
	return true
}
