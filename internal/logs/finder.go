package logs

import "bytes"

// finder looks for many words at once: an Aho-Corasick automaton with all its
// steps worked out, so that each byte costs one look into a table.
type finder struct {
	// next is indexed by state and byte; a state that ends a word has the top
	// bit set.
	next []uint16
}

const (
	states = 1 << 15 // more words than this has room for are a mistake of ours
	ends   = 1 << 15
)

func newFinder(words []string) *finder {
	type node struct {
		to   [256]int
		fail int
		end  bool
	}
	nodes := []*node{{}}
	for _, w := range words {
		at := 0
		for i := range len(w) {
			c := w[i]
			if nodes[at].to[c] == 0 {
				nodes = append(nodes, &node{})
				nodes[at].to[c] = len(nodes) - 1
			}
			at = nodes[at].to[c]
		}
		nodes[at].end = true
	}
	if len(nodes) >= states {
		panic("logs: too many words to look for") // a constant of the program
	}
	queue := []int{}
	for c := range 256 {
		if n := nodes[0].to[c]; n != 0 {
			queue = append(queue, n)
		}
	}
	for len(queue) > 0 {
		n := nodes[queue[0]]
		queue = queue[1:]
		n.end = n.end || nodes[n.fail].end
		for c := range 256 {
			if to := n.to[c]; to != 0 {
				nodes[to].fail = nodes[n.fail].to[c]
				queue = append(queue, to)
			} else {
				n.to[c] = nodes[n.fail].to[c]
			}
		}
	}
	f := &finder{next: make([]uint16, len(nodes)*256)}
	for i, n := range nodes {
		for c := range 256 {
			v := uint16(n.to[c])
			if nodes[n.to[c]].end {
				v |= ends
			}
			f.next[i*256+c] = v
		}
	}
	return f
}

// lines calls found with the range of each line of data that holds a word.
func (f *finder) lines(data []byte, found func(from, to int)) {
	state := 0
	for i := 0; i < len(data); i++ {
		v := f.next[state<<8|int(data[i])]
		if v < ends {
			state = int(v)
			continue
		}
		from := bytes.LastIndexByte(data[:i], '\n') + 1
		to := len(data)
		if n := bytes.IndexByte(data[i:], '\n'); n >= 0 {
			to = i + n
		}
		found(from, to)
		state, i = 0, to
	}
}
