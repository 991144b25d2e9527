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

// inOrder is metadata with the blocks of Authentication, the configSets and
// the managers of services in the order in which the agent goes through them:
// it decides which of two faults is named, and which of two blocks for one
// bucket signs. What else it takes in that order is put so where it is done.
func (r *Runner) inOrder(metadata *source.Node) *source.Node {
	if !r.python2() {
		return metadata
	}
	out := reordered(metadata, authKey, nil)
	return reordered(out, initKey, func(init *source.Node) *source.Node {
		init = reordered(init, "configSets", nil)
		for _, f := range fields(init) {
			init = reordered(init, f.Key.Text, func(config *source.Node) *source.Node { return reordered(config, "services", nil) })
		}
		return init
	})
}

// reordered is a map in which the value of key is put in order, or changed by
// change; anything else stays as it is.
func reordered(n *source.Node, key string, change func(*source.Node) *source.Node) *source.Node {
	v := n.Get(key)
	if n == nil || n.Kind != source.Map || v == nil || v.Kind != source.Map {
		return n
	}
	next := *v
	if change == nil {
		next.Fields = dictOrder(fields(v))
	} else {
		next = *change(v)
	}
	out := *n
	out.Fields = nil
	for _, f := range fields(n) {
		if f.Key.Text == key {
			f = &source.Field{Key: f.Key, Value: &next}
		}
		out.Fields = append(out.Fields, f)
	}
	return &out
}
