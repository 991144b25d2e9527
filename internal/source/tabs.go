package source

import (
	"bytes"
	"sort"
	"strings"
)

// strayTab is the offset of the first tab that stands neither in a scalar, nor
// in a comment, nor in the blanks behind a plain scalar; -1 for none. SnakeYAML
// passes over blanks alone between tokens, where the library takes tabs as well
// [snakeyaml: scanner/ScannerImpl.java scanToNextToken].
func strayTab(data []byte, root *Node) int {
	if bytes.IndexByte(data, '\t') < 0 {
		return -1
	}
	var scalars []*Node
	collectScalars(root, &scalars)
	sort.SliceStable(scalars, func(i, j int) bool { return scalars[i].body < scalars[j].body })
	from, plain := 0, false
	for _, n := range scalars {
		end := n.End.Offset
		if end <= n.body || n.body < from {
			continue // empty, or the copy that an alias stands for
		}
		if at := gapTab(data, from, n.body, plain); at >= 0 {
			return at
		}
		if n.Style == Literal || n.Style == Folded {
			eol := n.body
			for eol < end && breakLen(data, eol) == 0 {
				eol++
			}
			if at := gapTab(data, n.body, eol, false); at >= 0 {
				return at
			}
		}
		from, plain = end, n.Style == Plain
	}
	return gapTab(data, from, len(data), plain)
}

func collectScalars(n *Node, out *[]*Node) {
	if n.IsScalar() {
		*out = append(*out, n)
	}
	for _, it := range n.Items {
		collectScalars(it, out)
	}
	for _, f := range n.Fields {
		collectScalars(f.Key, out)
		collectScalars(f.Value, out)
	}
}

// gapTab is the first tab that stands between two scalars and in no comment;
// behind a plain one tabs may follow on its line.
func gapTab(data []byte, from, to int, plain bool) int {
	for o := from; o < to; o++ {
		switch c := data[o]; {
		case c == '\t' && !plain:
			return o
		case c == '#' && (o == from || blank(data[o-1]) || data[o-1] == '\n' || data[o-1] == '\r'):
			for o < to && breakLen(data, o) == 0 {
				o++
			}
			plain = false
		case !blank(c):
			plain = false
		}
	}
	return -1
}

// untabbed puts a space for every stray tab; nil when that does not do.
func untabbed(file string, data []byte) (edits []Edit) {
	for range mostTabs {
		now, err := Apply(data, edits)
		if err != nil {
			return nil
		}
		n, err := ParseYAML(file, now)
		if err != nil || n == nil {
			return nil
		}
		at := strayTab(now, n)
		if at < 0 {
			return edits
		}
		// A space is as long as a tab: offsets stay.
		edits = append(edits, Edit{File: file, Start: at, End: at + 1, New: " "})
	}
	return nil
}

// foreignTag is the first value whose tag is none of YAML's own types.
func foreignTag(n *Node) *Node {
	if strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!") && n.Tag != "!" {
		return n
	}
	for _, it := range n.Items {
		if t := foreignTag(it); t != nil {
			return t
		}
	}
	for _, f := range n.Fields {
		if t := foreignTag(f.Key); t != nil {
			return t
		}
		if t := foreignTag(f.Value); t != nil {
			return t
		}
	}
	return nil
}

// longForm is the key that a short tag stands for.
func longForm(tag string) string {
	name := strings.TrimPrefix(tag, "!")
	if name == "Ref" || name == "Condition" {
		return name + ": …"
	}
	return "Fn::" + name + ": …"
}
