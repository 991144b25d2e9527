package logs

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"sync"
)

// How much of a source is kept.
const (
	whole       = 8 << 20  // bytes up to which a source is kept as it is
	chunkSize   = 1 << 20  // bytes that are looked through at once
	linesBefore = 20       // lines kept before one that holds a word
	linesAfter  = 40       // and after it
	keepFirst   = 4 << 20  // bytes of such stretches kept from the beginning,
	keepLast    = 12 << 20 // and from the end, where the last deployment stands
	longest     = 64 << 10 // bytes of a line that are kept
	keepWhole   = 16 << 20 // bytes of a reading's sources that are kept whole
	maxKept     = 32 << 20 // bytes of a reading that are kept at all
)

// stretch is a part of a source with the number of its first line, from 1.
type stretch struct {
	line int64
	text []byte
}

// part is a chunk on its way through the workers.
type part struct {
	data  []byte
	lines int64 // line ends in it
	found [][2]int
	done  chan struct{}
}

// scanner keeps the stretches of one long source that hold a word.
type scanner struct {
	finder *finder
	// line is the number of the chunk's first line.
	line int64
	// before is the end of the chunk before this one.
	before []byte
	// inLine: the chunk before ended within a line.
	inLine bool
	// want are the lines still to be kept after the last word.
	want        int
	first, last []stretch
	size        [2]int // bytes of first and last
	dropped     int    // stretches
}

// scan reads all of r in chunks, looks for the words on all processors, and
// keeps the lines around them.
func (s *scanner) scan(r io.Reader, head []byte) (bytesRead int64, err error) {
	parts := make(chan *part, runtime.GOMAXPROCS(0)+2)
	work := make(chan *part)
	used := make(buffers, cap(parts)+3)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for p := range work {
				p.lines = int64(bytes.Count(p.data, []byte{'\n'}))
				s.finder.lines(p.data, func(from, to int) { p.found = append(p.found, [2]int{from, to}) })
				close(p.done)
			}
		})
	}
	go func() {
		bytesRead, err = feed(io.MultiReader(bytes.NewReader(head), r), used, work, parts)
		close(work)
		close(parts)
	}()
	s.line = 1
	for p := range parts {
		<-p.done
		s.collect(p)
		used.put(p.data[:chunkSize])
	}
	workers.Wait()
	return bytesRead, err
}

// buffers are chunks that can be used again.
type buffers chan []byte

func (b buffers) get() []byte {
	select {
	case x := <-b:
		return x
	default:
		return make([]byte, chunkSize)
	}
}

func (b buffers) put(x []byte) {
	select {
	case b <- x:
	default:
	}
}

// feed cuts r into chunks that end with a line, or in a line longer than one.
func feed(r io.Reader, used buffers, work, parts chan<- *part) (total int64, err error) {
	carry := 0
	buf := used.get()
	for {
		n, err := io.ReadFull(r, buf[carry:chunkSize])
		total += int64(n)
		n += carry
		end := err != nil
		cut := n
		if !end {
			if at := bytes.LastIndexByte(buf[:n], '\n'); at >= 0 {
				cut = at + 1
			}
		}
		next := used.get()
		carry = copy(next, buf[cut:n])
		if cut > 0 {
			p := &part{data: buf[:cut], done: make(chan struct{})}
			parts <- p
			work <- p
		}
		buf = next
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return total, nil
		case end:
			return total, err
		}
	}
}

// collect keeps the lines around the words of one chunk.
func (s *scanner) collect(p *part) {
	at := 0 // up to here the chunk is dealt with
	if s.want > 0 {
		at = after(p.data, 0, s.want)
		s.want -= bytes.Count(p.data[:at], []byte{'\n'})
		switch {
		case p.lines > 0:
			s.extend(p.data[:at])
		case !s.inLine: // of a line longer than a chunk the beginning is kept
			s.extend(p.data[:min(at, longest)])
		}
	}
	counted, line := 0, s.line
	for _, f := range p.found {
		if f[0] < at {
			if f[1] > at || s.want > 0 { // a word in what was just kept: keep more
				to := after(p.data, f[1], linesAfter)
				if to > at {
					s.extend(p.data[at:to])
					at = to
				}
				s.want = linesAfter - bytes.Count(p.data[f[1]:at], []byte{'\n'})
			}
			continue
		}
		from := before(p.data, f[0], linesBefore, at)
		to := after(p.data, f[1], linesAfter)
		line += int64(bytes.Count(p.data[counted:from], []byte{'\n'}))
		counted = from
		text := p.data[from:to]
		first := line
		if from == 0 && at == 0 && len(s.before) > 0 {
			lead := s.before[before(s.before, len(s.before), linesBefore, 0):]
			first -= int64(bytes.Count(lead, []byte{'\n'}))
			text = append(bytes.Clone(lead), text...)
		}
		s.keep(stretch{first, bytes.Clone(text)})
		s.want = linesAfter - bytes.Count(p.data[f[1]:to], []byte{'\n'})
		at = to
	}
	if at < len(p.data) {
		s.want = 0
	}
	s.inLine = len(p.data) > 0 && p.data[len(p.data)-1] != '\n'
	s.line += p.lines
	s.before = append(s.before[:0], p.data[max(0, len(p.data)-16<<10):]...)
	if len(p.data) > 16<<10 { // begin with a whole line
		s.before = s.before[bytes.IndexByte(s.before, '\n')+1:]
	}
	if at == len(p.data) {
		s.before = s.before[:0] // it is kept already
	}
}

// before is the beginning of the nth line before the one that begins at i, not
// before floor.
func before(data []byte, i, n, floor int) int {
	for ; n > 0 && i > floor; n-- {
		i = bytes.LastIndexByte(data[:max(i-1, 0)], '\n') + 1
	}
	return max(i, floor)
}

// after is the end of the nth line after i.
func after(data []byte, i, n int) int {
	for ; n >= 0 && i < len(data); n-- {
		at := bytes.IndexByte(data[i:], '\n')
		if at < 0 {
			return len(data)
		}
		i += at + 1
	}
	return i
}

func (s *scanner) extend(text []byte) {
	kept := &s.first
	if len(s.last) > 0 {
		kept = &s.last
	} else if len(s.first) == 0 {
		return
	}
	l := &(*kept)[len(*kept)-1]
	if len(l.text) > chunkSize { // every line holds a word
		s.keep(stretch{l.line + int64(bytes.Count(l.text, []byte{'\n'})), bytes.Clone(text)})
		return
	}
	l.text = append(l.text, text...)
	s.count(len(text), kept == &s.last)
}

func (s *scanner) keep(x stretch) {
	if s.size[0] < keepFirst {
		s.first = append(s.first, x)
		s.count(len(x.text), false)
		return
	}
	s.last = append(s.last, x)
	s.count(len(x.text), true)
	for s.size[1] > keepLast && len(s.last) > 1 {
		s.size[1] -= len(s.last[0].text)
		s.last = s.last[1:]
		s.dropped++
	}
}

func (s *scanner) count(n int, last bool) {
	if last {
		s.size[1] += n
	} else {
		s.size[0] += n
	}
}
