package source

import (
	"fmt"
	"strings"
)

// InsertItem adds a map behind the last item of the list s, which was read
// from data. The map is given as lines of YAML, one entry a line; in a JSON
// file, or a list in brackets, the same is written on one line. Nothing else in
// the file changes; where that is not possible, InsertItem returns an error.
func InsertItem(data []byte, s *Node, lines []string) (Edit, error) {
	fail := func(why string) (Edit, error) {
		return Edit{}, fmt.Errorf("add to the list at %v: %s", s.Place(), why)
	}
	if s == nil || s.Kind != Seq || s.of == nil || len(s.Items) == 0 || s.End.Offset > len(data) {
		return fail("it is no list of this file, or an empty one")
	}
	v, err := ParseYAML("", []byte(strings.Join(lines, "\n")))
	if err != nil {
		return fail("the item is not YAML: " + err.Error())
	}
	var e Edit
	if s.flow {
		item := "{" + strings.Join(lines, ", ") + "}"
		if s.Style == JSON {
			item = string(v.JSON())
		}
		e = Edit{Start: s.last, End: s.last, New: "," + s.lead(data) + item}
	} else {
		if e, err = s.insertLines(data, "- "+lines[0], lines[1:], 2); err != nil {
			return fail(err.Error())
		}
	}
	e.File = s.Pos.File
	if err := verify(data, e, s, func(n *Node) *Node {
		if !n.isCopyOf(s) {
			return n
		}
		more := *n
		more.Items = append(n.Items[:len(n.Items):len(n.Items)], v)
		return &more
	}); err != nil {
		return fail(err.Error())
	}
	return e, nil
}

// lead is what stands in front of an item in brackets: a blank, or a line end
// and the indentation where the list has an item a line.
func (n *Node) lead(data []byte) string {
	first := n.Items[0].Pos.Offset
	if first <= n.body || first > n.End.Offset {
		return " "
	}
	between := string(data[n.body+1 : first])
	if i := strings.LastIndexByte(between, '\n'); i >= 0 && strings.TrimSpace(between[i:]) == "" {
		return lineEnd(data) + between[i+1:]
	}
	return " "
}
