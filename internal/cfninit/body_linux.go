package cfninit

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// A body that brings less than leastBytes within patience is given up: AWS's
// agent waits for ever for a server that sends a byte a minute.
const (
	leastBytes = 4 << 10
	patience   = time.Minute
)

var errSlow = errors.New("the server sends next to nothing")

// paced reads a body and calls stop when it comes too slowly.
type paced struct {
	body  io.Reader
	moved atomic.Int64 // bytes since the last look
	slow  atomic.Bool
	timer *time.Timer
}

func newPaced(body io.Reader, every time.Duration, stop context.CancelFunc) *paced {
	p := &paced{body: body}
	p.timer = time.AfterFunc(every, func() {
		if p.moved.Swap(0) < leastBytes {
			p.slow.Store(true)
			stop()
			return
		}
		p.timer.Reset(every)
	})
	return p
}

func (p *paced) Read(b []byte) (int, error) {
	n, err := p.body.Read(b)
	p.moved.Add(int64(n))
	if err != nil {
		p.timer.Stop()
		if p.slow.Load() {
			err = errSlow
		}
	}
	return n, err
}

const copyBuffer = 256 << 10 // bytes

// copyBody copies a body into a file, with a sum of its bytes when there is
// one to compare; the sum is made beside the copying.
func copyBody(w io.Writer, body io.Reader, summed bool) (sum string, err error) {
	var s *summer
	if summed {
		s = newSummer()
		defer s.end()
	}
	var room diskRoom
	alone := make([]byte, copyBuffer)
	for {
		buffer := alone
		if s != nil {
			buffer = <-s.free
		}
		n, err := body.Read(buffer)
		if n > 0 {
			if _, werr := w.Write(buffer[:n]); werr != nil {
				return "", &writeFailure{werr}
			}
			if f, ok := w.(*os.File); ok {
				if werr := room.wrote(f, n); werr != nil {
					return "", &writeFailure{werr}
				}
			}
		}
		s.add(buffer[:n])
		if err == io.EOF {
			return s.end(), nil
		}
		if err != nil {
			return s.end(), err
		}
	}
}

// writeFailure is the disk's, not the server's.
type writeFailure struct{ error }

func (e *writeFailure) Unwrap() error { return e.error }

// summer sums buffers in a goroutine of its own; a nil one sums nothing.
type summer struct {
	hash hash.Hash
	full chan []byte
	free chan []byte
	done chan struct{}
	text string
}

func newSummer() *summer {
	const buffers = 4
	s := &summer{hash: md5.New(), full: make(chan []byte, buffers), free: make(chan []byte, buffers), done: make(chan struct{})}
	for range buffers {
		s.free <- make([]byte, copyBuffer)
	}
	go func() {
		defer close(s.done)
		for b := range s.full {
			s.hash.Write(b)
			s.free <- b[:cap(b)]
		}
	}()
	return s
}

func (s *summer) add(b []byte) {
	if s != nil {
		s.full <- b
	}
}

// end is the sum; it may be asked for again.
func (s *summer) end() string {
	if s == nil {
		return ""
	}
	if s.text == "" {
		close(s.full)
		<-s.done
		s.text = hex.EncodeToString(s.hash.Sum(nil))
	}
	return s.text
}

// diskRoom stops writing before a disk is full: what comes without end must
// not take the machine down with it.
type diskRoom struct{ since int64 }

const (
	lookEvery = 64 << 20 // bytes written between two looks at the disk
	leastRoom = 1 << 30  // bytes that stay free, or a twentieth of the disk if that is less
)

func (d *diskRoom) wrote(f *os.File, n int) error {
	if d.since += int64(n); d.since < lookEvery {
		return nil
	}
	d.since = 0
	var st unix.Statfs_t
	if err := unix.Fstatfs(int(f.Fd()), &st); err != nil {
		return nil
	}
	keep := min(uint64(leastRoom), st.Blocks*uint64(st.Bsize)/20)
	if st.Bavail*uint64(st.Bsize) < keep {
		return unix.ENOSPC
	}
	return nil
}
