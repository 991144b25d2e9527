package finding

import (
	"slices"
	"testing"

	"beanpole/internal/source"
)

func TestMergeTakesWholeFixesThatDoNotTouchOneAnother(t *testing.T) {
	edit := func(file string, start, end int, text string) source.Edit {
		return source.Edit{File: file, Start: start, End: end, New: text}
	}
	for _, c := range []struct {
		name  string
		fixes [][]source.Edit
		taken []bool
		edits int
	}{
		{"apart", [][]source.Edit{{edit("a", 1, 2, "x")}, {edit("a", 2, 3, "y")}}, []bool{true, true}, 2},
		{"other file", [][]source.Edit{{edit("a", 1, 2, "x")}, {edit("b", 1, 2, "y")}}, []bool{true, true}, 2},
		{"the same", [][]source.Edit{{edit("a", 1, 2, "x")}, {edit("a", 1, 2, "x")}}, []bool{true, true}, 1},
		{"overlap", [][]source.Edit{{edit("a", 1, 5, "x")}, {edit("a", 4, 6, "y")}}, []bool{true, false}, 1},
		{"both insert", [][]source.Edit{{edit("a", 1, 1, "x")}, {edit("a", 1, 1, "y")}}, []bool{true, false}, 1},
		{"one fix may insert twice", [][]source.Edit{{edit("a", 1, 1, "x"), edit("a", 1, 1, "y")}}, []bool{true}, 2},
		{"all or nothing", [][]source.Edit{{edit("a", 1, 5, "x")}, {edit("b", 1, 1, "y"), edit("a", 2, 3, "z")}, {edit("b", 1, 1, "w")}}, []bool{true, false, true}, 2},
		{"deletes a place of insertion", [][]source.Edit{{edit("a", 3, 3, "x")}, {edit("a", 1, 5, "")}}, []bool{true, false}, 1},
	} {
		var fixes []*Fix
		for _, es := range c.fixes {
			fixes = append(fixes, &Fix{Edits: es})
		}
		edits, taken := Merge(fixes)
		n := 0
		for file, es := range edits {
			n += len(es)
			if _, err := source.Apply(make([]byte, 9), es); err != nil {
				t.Errorf("%s: %s: %v", c.name, file, err)
			}
		}
		if !slices.Equal(taken, c.taken) || n != c.edits {
			t.Errorf("%s: taken %v, %d edits", c.name, taken, n)
		}
	}
}
