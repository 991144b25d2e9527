package source

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sort"
	"strings"
)

// Clone is a deep copy.
func (n *Node) Clone() *Node {
	if n == nil {
		return nil
	}
	c := *n
	c.From = append([]Origin(nil), n.From...)
	c.Items = nil
	for _, i := range n.Items {
		c.Items = append(c.Items, i.Clone())
	}
	c.Fields = nil
	for _, f := range n.Fields {
		c.Fields = append(c.Fields, &Field{Key: f.Key.Clone(), Value: f.Value.Clone()})
	}
	return &c
}

// JSON is n as compact JSON, in the order of the file; of repeated keys the
// last. Numbers and booleans stay such, by value: 0644 is 420. A function tag
// becomes its long form, !Ref x is {"Ref":"x"}.
func (n *Node) JSON() []byte {
	var b bytes.Buffer
	n.writeJSON(&b)
	return b.Bytes()
}

func (n *Node) writeJSON(b *bytes.Buffer) {
	if n == nil {
		b.WriteString("null")
		return
	}
	if name, ok := strings.CutPrefix(n.Tag, "!"); ok && name != "" && !strings.HasPrefix(name, "!") {
		n.writeFunction(b, name)
		return
	}
	switch n.Kind {
	case Null:
		b.WriteString("null")
	case Bool, Int, Float:
		if v := n.Value(); json.Valid([]byte(v)) {
			b.WriteString(v)
		} else {
			writeString(b, v) // Infinity, NaN
		}
	case String:
		writeString(b, n.Text)
	case Seq:
		b.WriteByte('[')
		for i, item := range n.Items {
			if i > 0 {
				b.WriteByte(',')
			}
			item.writeJSON(b)
		}
		b.WriteByte(']')
	case Map:
		b.WriteByte('{')
		for i, f := range n.Entries() {
			if i > 0 {
				b.WriteByte(',')
			}
			writeString(b, f.Key.Value())
			b.WriteByte(':')
			f.Value.writeJSON(b)
		}
		b.WriteByte('}')
	}
}

// writeFunction writes a short function tag in its long form.
func (n *Node) writeFunction(b *bytes.Buffer, name string) {
	key := "Fn::" + name
	if name == "Ref" || name == "Condition" {
		key = name
	}
	b.WriteByte('{')
	writeString(b, key)
	b.WriteByte(':')
	plain := *n
	plain.Tag = ""
	if text, ok := n.Str(); ok && name == "GetAtt" {
		logical, attribute, _ := strings.Cut(text, ".")
		plain = Node{Kind: Seq, Items: []*Node{NewString(logical, n.Pos), NewString(attribute, n.Pos)}}
	}
	plain.writeJSON(b)
	b.WriteByte('}')
}

func writeString(b *bytes.Buffer, s string) {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic("unreachable: a string is always JSON")
	}
	b.Truncate(b.Len() - 1) // Encode ends with a line feed
}

// FromJSONValue makes a node of what encoding/json decodes into an any. Every
// value stands at at; keys are sorted.
func FromJSONValue(v any, at Pos) *Node {
	n := &Node{Pos: at, End: at, Style: JSON}
	switch v := v.(type) {
	case nil:
		n.Kind, n.Text = Null, "null"
	case bool:
		n.Kind, n.Text = Bool, fmt.Sprint(v)
	case string:
		n.Kind, n.Text = String, v
	case json.Number:
		n.number(v.String())
	case float64:
		b, err := json.Marshal(v)
		if err != nil {
			n.Kind, n.Text = Float, fmt.Sprint(v)
			break
		}
		n.number(string(b))
	case []any:
		n.Kind = Seq
		for _, i := range v {
			n.Items = append(n.Items, FromJSONValue(i, at))
		}
	case map[string]any:
		n.Kind = Map
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		sort.Strings(keys)
		for _, k := range keys {
			n.Fields = append(n.Fields, &Field{Key: &Node{Kind: String, Style: JSON, Text: k, Pos: at, End: at}, Value: FromJSONValue(v[k], at)})
		}
	default:
		n.Kind, n.Text = String, fmt.Sprint(v)
	}
	return n
}

func (n *Node) number(s string) {
	n.Kind, n.Text = Int, s
	if strings.ContainsAny(s, ".eE") {
		n.Kind = Float
	}
}
