package instance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
)

// errEnded is what callers get when PID 1 is no more.
var errEnded = errors.New("the instance has ended")

// control is our end of PID 1's standard input and output.
type control struct {
	ready, done chan struct{} // closed at the first line, and at the end

	mu      sync.Mutex
	in      io.WriteCloser
	seq     int
	waiting map[int]chan *Result
}

func newControl(in io.WriteCloser) *control {
	return &control{ready: make(chan struct{}), done: make(chan struct{}), in: in, waiting: map[int]chan *Result{}}
}

// read delivers replies until PID 1 closes its output or talks nonsense.
func (c *control) read(out io.Reader) {
	defer close(c.done)
	d := json.NewDecoder(out)
	isReady := false
	for {
		var r Reply
		if d.Decode(&r) != nil {
			return
		}
		if r.Ready && !isReady {
			isReady = true
			close(c.ready)
		}
		c.mu.Lock()
		if w := c.waiting[r.Seq]; w != nil && r.Result != nil {
			w <- r.Result
			delete(c.waiting, r.Seq)
		}
		c.mu.Unlock()
	}
}

// do sends a command and waits for its result.
func (c *control) do(ctx context.Context, cmd *Command) (*Result, error) {
	w := make(chan *Result, 1)
	c.mu.Lock()
	c.seq++
	seq := c.seq
	c.waiting[seq] = w
	line, err := json.Marshal(Request{Seq: seq, Command: cmd})
	if err == nil {
		_, err = c.in.Write(append(line, '\n'))
	}
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.waiting, seq)
		c.mu.Unlock()
	}()
	if err != nil {
		select {
		case <-c.done:
			err = errEnded
		default:
		}
		return nil, fmt.Errorf("send command %s: %w", cmd.Name, err)
	}
	select {
	case r := <-w:
		return r, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for command %s: %w", cmd.Name, ctx.Err())
	case <-c.done:
	}
	select { // the result may have come with the end
	case r := <-w:
		return r, nil
	default:
		return nil, fmt.Errorf("wait for command %s: %w", cmd.Name, errEnded)
	}
}

// hangUp tells PID 1 to end.
func (c *control) hangUp() { c.in.Close() }
