package cli

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"
)

// screen is where a long command reports: plain lines always, and on a
// terminal one more line at the bottom that says what is going on and for how
// long. It is safe for concurrent use.
type screen struct {
	out      io.Writer
	terminal bool
	mu       sync.Mutex
	doing    string
	since    time.Time
	quit     chan struct{}
}

func newScreen(out io.Writer) *screen {
	s := &screen{out: out}
	if f, ok := out.(*os.File); ok {
		s.terminal = term.IsTerminal(int(f.Fd()))
	}
	if s.terminal {
		s.quit = make(chan struct{})
		go s.spin()
	}
	return s
}

// line prints one or more lines above the bottom line.
func (s *screen) line(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wipe()
	fmt.Fprintf(s.out, format+"\n", args...)
	s.draw()
}

// write lets f print above the bottom line.
func (s *screen) write(f func(io.Writer)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wipe()
	f(s.out)
	s.draw()
}

// now says what is going on; "" says that nothing is.
func (s *screen) now(doing string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if doing == s.doing {
		return
	}
	s.wipe()
	s.doing, s.since = doing, time.Now()
	s.draw()
}

func (s *screen) done() {
	s.now("")
	if s.quit != nil {
		close(s.quit)
		s.quit = nil
	}
}

func (s *screen) spin() {
	quit := s.quit
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-quit:
			return
		case <-tick.C:
			s.mu.Lock()
			s.wipe()
			s.draw()
			s.mu.Unlock()
		}
	}
}

func (s *screen) wipe() {
	if s.terminal && s.doing != "" {
		fmt.Fprint(s.out, "\r\x1b[K")
	}
}

// maxDoing keeps the bottom line, with the time behind it, within 80 columns.
const maxDoing = 68

func (s *screen) draw() {
	if !s.terminal || s.doing == "" {
		return
	}
	passed := time.Since(s.since).Truncate(time.Second)
	text := []rune(s.doing)
	if len(text) > maxDoing {
		text = append(text[:maxDoing-1], '…')
	}
	fmt.Fprintf(s.out, "%s %s", string(text), passed)
}
