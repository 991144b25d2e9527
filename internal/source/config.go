package source

import (
	"bytes"
	"errors"
	"fmt"
	"sort"
	"strings"
)

// ParseConfig reads a configuration file of .ebextensions as Elastic Beanstalk
// does, YAML first and JSON as a second try [gh:elastic-beanstalk-samples#90],
// and refuses what SnakeYAML refuses though the library takes it: a tab between
// tokens, and a tag that is no type of YAML's own.
func ParseConfig(file string, data []byte) (*Node, error) {
	t := bytes.TrimLeft(bytes.TrimPrefix(data, []byte(bom)), " \t\r\n")
	if len(t) > 0 && (t[0] == '{' || t[0] == '[') {
		n, err := parseJSONFile(file, data, maxBytes, maxConfigValues)
		if err == nil {
			return n, nil
		}
		var p *Problem
		if errors.As(err, &p) && p.limit {
			return nil, p
		}
		y, yerr := parseConfigYAML(file, data)
		if yerr == nil {
			return y, nil
		}
		var yp *Problem
		if p != nil && errors.As(yerr, &yp) {
			p.Snake = yp.Snake
		}
		return nil, err
	}
	return parseConfigYAML(file, data)
}

func parseConfigYAML(file string, data []byte) (*Node, error) {
	n, err := parseYAML(file, data, maxConfigValues)
	if n == nil || err != nil {
		return nil, err
	}
	if at := strayTab(data, n); at >= 0 {
		x := newIndex(file, data, false)
		r := &yamlReader{x: x, lib: x}
		p := &Problem{Pos: x.pos(at), End: x.pos(at + 1), What: notYAML + "a tab stands here", Remedy: "use spaces between key and value",
			Snake: `while scanning for the next token found character '\t(TAB)' that cannot start any token. (Do not use \t(TAB) for indentation)` + r.mark(at)}
		p.Edits = untabbed(file, data, n)
		return nil, p
	}
	if t := foreignTag(n); t != nil {
		x := newIndex(file, data, false)
		r := &yamlReader{x: x, lib: x}
		return nil, &Problem{Pos: t.Pos, End: x.pos(t.Pos.Offset + len(t.Tag)), Edits: longForms(file, data, n), What: notYAML + fmt.Sprintf("the short form %s is CloudFormation's, and no tag of YAML's own", t.Tag),
			Remedy: "write the long form: " + longForm(t.Tag),
			Snake:  "could not determine a constructor for the tag " + t.Tag + r.mark(t.Pos.Offset)}
	}
	return n, nil
}

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
func untabbed(file string, data []byte, root *Node) (edits []Edit) {
	if len(data) > mostMended {
		return nil
	}
	for now := bytes.Clone(data); len(edits) < mostTabs; {
		// A space is as long as a tab: all places stay.
		at := strayTab(now, root)
		if at < 0 {
			if n, err := ParseYAML(file, now); err != nil || n == nil || strayTab(now, n) >= 0 {
				return nil
			}
			return edits
		}
		now[at] = ' '
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

// longForms writes the functions of all short tags out; nil when one of them
// takes more than a text in one line.
func longForms(file string, data []byte, root *Node) (edits []Edit) {
	if len(data) > mostMended {
		return nil
	}
	var tagged []*Node
	collectTagged(root, &tagged)
	for _, n := range tagged {
		text := string(data[n.body:n.End.Offset])
		if n.Kind != String || n.Style == Literal || n.Style == Folded || strings.ContainsAny(text, "\r\n") || n.body <= n.Pos.Offset {
			return nil
		}
		if n.Style == Plain {
			text = single(text)
		}
		name := strings.TrimPrefix(n.Tag, "!")
		switch name {
		case "Ref", "Condition":
		case "GetAtt":
			resource, attribute, ok := strings.Cut(n.Text, ".")
			if !ok {
				return nil
			}
			name, text = "Fn::GetAtt", "["+single(resource)+", "+single(attribute)+"]"
		default:
			name = "Fn::" + name
		}
		edits = append(edits, Edit{File: file, Start: n.Pos.Offset, End: n.End.Offset, New: "{'" + name + "': " + text + "}"})
	}
	mended, err := Apply(data, edits)
	if err != nil {
		return nil
	}
	if n, err := ParseYAML(file, mended); err != nil || n == nil || foreignTag(n) != nil {
		return nil
	}
	return edits
}

func collectTagged(n *Node, out *[]*Node) {
	if foreignTag(&Node{Tag: n.Tag}) != nil {
		*out = append(*out, n)
	}
	for _, it := range n.Items {
		collectTagged(it, out)
	}
	for _, f := range n.Fields {
		collectTagged(f.Value, out)
	}
}
