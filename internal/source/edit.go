package source

import (
	"fmt"
	"sort"
)

// Edit replaces the bytes [Start, End) of a file by New; every other byte of
// the file stays as it is.
type Edit struct {
	File       string
	Start, End int
	New        string
}

// Apply carries out the edits of one file on its content. Edits may not
// overlap; two at the same place are carried out in the order given.
func Apply(content []byte, edits []Edit) ([]byte, error) {
	es := append([]Edit(nil), edits...)
	sort.SliceStable(es, func(i, j int) bool { return es[i].Start < es[j].Start })
	var out []byte
	at := 0
	for _, e := range es {
		if e.Start < at || e.End < e.Start || e.End > len(content) {
			return nil, fmt.Errorf("edit %s: bytes %d to %d do not fit", e.File, e.Start, e.End)
		}
		out = append(out, content[at:e.Start]...)
		out = append(out, e.New...)
		at = e.End
	}
	return append(out, content[at:]...), nil
}
