package cfninit

import "beanpole/internal/source"

// dictOrder are the entries of a map in the order in which Python 2 goes
// through a dict that was filled in the order given, as the agent 1.4 does:
// its order is arbitrary but not random, since hashes have no random part
// unless Python is told so (-R). Python 3's is the order given.
// [CPython 2.7: dictobject.c, unicodeobject.c, 64 bit]
func dictOrder(fs []*source.Field) []*source.Field {
	table := make([]*dictEntry, 8)
	used := 0
	for _, f := range fs {
		if e := place(table, f.Key.Text); *e == nil {
			*e = &dictEntry{f, dictHash(f.Key.Text)}
			if used++; used*3 >= len(table)*2 {
				table = resized(table, used)
			}
		} else {
			(*e).field = f
		}
	}
	out := make([]*source.Field, 0, used)
	for _, e := range table {
		if e != nil {
			out = append(out, e.field)
		}
	}
	return out
}

type dictEntry struct {
	field *source.Field
	hash  uint64
}

// place is the slot of a key, or the free one where it belongs.
func place(table []*dictEntry, key string) **dictEntry {
	hash, mask := dictHash(key), uint64(len(table)-1)
	i := hash & mask
	for perturb := hash; table[i&mask] != nil && table[i&mask].field.Key.Text != key; perturb >>= 5 {
		i = i<<2 + i + perturb + 1
	}
	return &table[i&mask]
}

// resized is a table for four times as many entries as are used, or twice as
// many for large ones.
func resized(old []*dictEntry, used int) []*dictEntry {
	want := 4 * used
	if used > 50000 {
		want = 2 * used
	}
	size := 8
	for size <= want {
		size <<= 1
	}
	table := make([]*dictEntry, size)
	for _, e := range old {
		if e != nil {
			*place(table, e.field.Key.Text) = e
		}
	}
	return table
}

// dictHash is the hash of a text.
func dictHash(text string) uint64 {
	var x uint64
	n := 0
	for i, r := range text {
		if i == 0 {
			x = uint64(r) << 7
		}
		x = 1000003*x ^ uint64(r)
		n++
	}
	return x ^ uint64(n)
}

// each are the entries of a map in the order in which the agent goes through
// them where it does not sort.
func (r *Runner) each(n *source.Node) []*source.Field {
	if r.python2() {
		return dictOrder(fields(n))
	}
	return fields(n)
}
