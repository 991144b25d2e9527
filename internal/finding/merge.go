package finding

import (
	"slices"

	"beanpole/internal/source"
)

// Merge puts the edits of fixes together, by file. Fixes with the same edit
// share it. A fix of which an edit touches one that was taken before is left
// out as a whole; taken says which were not.
func Merge(fixes []*Fix) (edits map[string][]source.Edit, taken []bool) {
	edits = map[string][]source.Edit{}
	taken = make([]bool, len(fixes))
	for i, fix := range fixes {
		if slices.ContainsFunc(fix.Edits, func(e source.Edit) bool { return touchesAny(e, edits[e.File]) }) {
			continue
		}
		taken[i] = true
		shared := map[string][]source.Edit{}
		for _, e := range fix.Edits {
			if slices.Contains(edits[e.File], e) {
				continue
			}
			shared[e.File] = append(shared[e.File], e)
		}
		for file, own := range shared {
			edits[file] = append(edits[file], own...)
		}
	}
	return edits, taken
}

// touchesAny: carried out beside one of them, e would no longer mean the same.
func touchesAny(e source.Edit, taken []source.Edit) bool {
	for _, o := range taken {
		if e != o && (e.Start == o.Start || e.Start < o.End && o.Start < e.End) {
			return true
		}
	}
	return false
}
