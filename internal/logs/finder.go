package logs

import "bytes"

// finder looks for many words at once, in the manner of Wu and Manber: two
// bytes of the text say how far ahead the next word can end at the earliest, so
// that most bytes are never looked at.
type finder struct {
	// size is the length of the shortest word; of longer ones the beginning of
	// that length is looked for first.
	size int
	// skip is by two bytes; 0: a beginning may end with them.
	skip [1 << 16]uint8
	// at is by two bytes where in ends the words stand whose beginning ends with
	// them.
	at   [1 << 16]uint16
	ends [][]string
}

// shortest is the length that a word must have, in bytes.
const shortest = 4

func newFinder(words []string) *finder {
	f := &finder{size: 64, ends: [][]string{nil}}
	for _, w := range words {
		if len(w) < shortest {
			panic("logs: too short to look for: " + w) // a constant of the program
		}
		f.size = min(f.size, len(w))
	}
	for i := range f.skip {
		f.skip[i] = uint8(f.size - 1)
	}
	for _, w := range words {
		for i := 1; i < f.size; i++ {
			pair := uint16(w[i-1])<<8 | uint16(w[i])
			f.skip[pair] = min(f.skip[pair], uint8(f.size-1-i))
		}
		last := uint16(w[f.size-2])<<8 | uint16(w[f.size-1])
		if f.at[last] == 0 {
			f.at[last] = uint16(len(f.ends))
			f.ends = append(f.ends, nil)
		}
		f.ends[f.at[last]] = append(f.ends[f.at[last]], w)
	}
	return f
}

// lines calls found with the range of each line of data that holds a word.
func (f *finder) lines(data []byte, found func(from, to int)) {
	for i := f.size - 1; i < len(data); {
		pair := uint16(data[i-1])<<8 | uint16(data[i])
		if n := f.skip[pair]; n > 0 {
			i += int(n)
			continue
		}
		if !f.word(data[i+1-f.size:], pair) {
			i++
			continue
		}
		from := bytes.LastIndexByte(data[:i], '\n') + 1
		to := len(data)
		if n := bytes.IndexByte(data[i:], '\n'); n >= 0 {
			to = i + n
		}
		found(from, to)
		i = to + f.size
	}
}

// word reports whether a word whose beginning ends with a pair stands at the
// front of data.
func (f *finder) word(data []byte, pair uint16) bool {
	for _, w := range f.ends[f.at[pair]] {
		if data[0] == w[0] && len(data) >= len(w) && string(data[:len(w)]) == w {
			return true
		}
	}
	return false
}
