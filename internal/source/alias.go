package source

import (
	"fmt"

	"go.yaml.in/yaml/v4"
)

// alias is a copy of the anchored value, with its places. What all aliases of
// a file may stand for is limited: nine lines of YAML can stand for more
// values than any memory holds.
func (r *yamlReader) alias(y *yaml.Node, start int) (*Node, int, error) {
	at := r.x.pos(start)
	end := min(start+1+len(y.Value), len(r.x.data))
	if r.open[y.Alias] {
		return nil, 0, &Problem{Pos: at, What: fmt.Sprintf("alias *%s stands inside the value that it names", y.Value)}
	}
	n := r.done[y.Alias]
	if n == nil {
		return nil, 0, &Problem{Pos: at, What: fmt.Sprintf("alias *%s names no value", y.Value), Remedy: "put text that begins with * in quotes"}
	}
	if r.budget -= n.cost(r.budget); r.budget < 0 {
		return nil, 0, &Problem{Pos: at, What: fmt.Sprintf("aliases expand to more than %d values", maxAlias)}
	}
	c := n.Clone()
	c.From = append([]Origin{{What: "alias *" + y.Value, Pos: at}}, c.From...)
	return c, end, nil
}

// cost counts the values of n, long texts for more than one; it stops
// counting above limit.
func (n *Node) cost(limit int) int {
	c := 1 + len(n.Text)/64
	for _, i := range n.Items {
		if c > limit {
			return c
		}
		c += i.cost(limit - c)
	}
	for _, f := range n.Fields {
		if c > limit {
			return c
		}
		c += f.Key.cost(limit-c) + f.Value.cost(limit-c)
	}
	return c
}

// merge is the value of a merge key and where among the fields it stood.
type merge struct {
	at    int
	value *Node
}

// merge carries out merge keys: a map's own entries win over merged ones, and
// an earlier merged map wins over a later.
func (n *Node) merge(ms []merge) error {
	if len(ms) == 0 {
		return nil
	}
	have := map[string]bool{}
	for _, f := range n.Fields {
		have[f.Key.Text] = true
	}
	var out []*Field
	at := 0
	for _, m := range ms {
		out = append(out, n.Fields[at:m.at]...)
		at = m.at
		maps := []*Node{m.value}
		if m.value.Kind == Seq {
			maps = m.value.Items
		}
		for _, v := range maps {
			if v.Kind != Map {
				return &Problem{Pos: v.Pos, What: "<< merges maps, and this is none", Remedy: "put << in quotes if it is a name"}
			}
			for _, f := range v.Entries() {
				if !have[f.Key.Text] {
					have[f.Key.Text] = true
					out = append(out, f)
				}
			}
		}
	}
	n.Fields = append(out, n.Fields[at:]...)
	return nil
}

// Entries is the entries of a Map that are in force: of repeated keys the
// last value, at the place of the first, as a Java or Python map keeps them.
func (n *Node) Entries() []*Field {
	if n == nil {
		return nil
	}
	if !n.repeats() {
		return n.Fields[:len(n.Fields):len(n.Fields)]
	}
	at := map[string]int{}
	var out []*Field
	for _, f := range n.Fields {
		if i, ok := at[f.Key.Text]; ok {
			out[i] = f
			continue
		}
		at[f.Key.Text] = len(out)
		out = append(out, f)
	}
	return out
}

// repeats reports whether a key stands twice in a Map.
func (n *Node) repeats() bool {
	if len(n.Fields) > 16 {
		seen := make(map[string]bool, len(n.Fields))
		for _, f := range n.Fields {
			seen[f.Key.Text] = true
		}
		return len(seen) < len(n.Fields)
	}
	for i, f := range n.Fields {
		for _, g := range n.Fields[:i] {
			if f.Key.Text == g.Key.Text {
				return true
			}
		}
	}
	return false
}

// isMerge reports whether a key is the merge key of YAML 1.1.
func isMerge(y *yaml.Node) bool {
	const quoted = yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle
	return y.Kind == yaml.ScalarNode && y.Value == "<<" && y.Style&quoted == 0 && (y.Tag == "!!merge" || y.Style&yaml.TaggedStyle == 0)
}
