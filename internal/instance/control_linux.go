package instance

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
)

// errEnded is what callers get when PID 1 is no more.
var errEnded = errors.New("the instance has ended")

// control is our end of PID 1's standard input and output.
type control struct {
	ready, done chan struct{} // closed at the first line, and at the end
	drained     chan struct{} // closed when all output is read

	send sync.Mutex // one line at a time; a PID 1 that does not read blocks it
	in   io.WriteCloser

	mu      sync.Mutex
	seq     int
	waiting map[int]chan *Result
}

func newControl(in io.WriteCloser) *control {
	return &control{ready: make(chan struct{}), done: make(chan struct{}), drained: make(chan struct{}), in: in, waiting: map[int]chan *Result{}}
}

// Limits of a reply: everything on the instance runs as root, so anything may
// write to PID 1's output.
const (
	longestReply = 1 << 20  // bytes
	longestText  = 64 << 10 // bytes of one text in it
	mostEvents   = 100
)

// read delivers replies until PID 1 closes its output or talks nonsense.
func (c *control) read(out io.Reader) {
	defer close(c.done)
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, longestReply)
	isReady := false
	for lines.Scan() {
		var r Reply
		if json.Unmarshal(lines.Bytes(), &r) != nil {
			return
		}
		r.Result.shorten()
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

// shorten cuts what no honest PID 1 sends.
func (r *Result) shorten() {
	if r == nil {
		return
	}
	r.Events = r.Events[:min(len(r.Events), mostEvents)]
	texts := []*string{&r.Status, &r.Message, &r.Output, &r.FailedStep, &r.Cause}
	for i := range r.Events {
		texts = append(texts, &r.Events[i].Message, &r.Events[i].Severity)
	}
	r.Skipped = r.Skipped[:min(len(r.Skipped), mostEvents)]
	for i := range r.Skipped {
		texts = append(texts, &r.Skipped[i].What, &r.Skipped[i].File)
	}
	r.Assumed = r.Assumed[:min(len(r.Assumed), mostEvents)]
	for i := range r.Assumed {
		a := &r.Assumed[i]
		a.Packages = a.Packages[:min(len(a.Packages), mostEvents)]
		texts = append(texts, &a.Manager, &a.File, &a.Why)
		for j := range a.Packages {
			texts = append(texts, &a.Packages[j])
		}
	}
	for _, t := range texts {
		if len(*t) > longestText {
			*t = strings.ToValidUTF8((*t)[:longestText], "")
		}
	}
}

// write sends one line. A PID 1 that was stopped does not read it: when ctx
// ends, nobody waits for that, and the line goes out or not.
func (c *control) write(ctx context.Context, r Request) error {
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	wrote := make(chan error, 1)
	go func() {
		c.send.Lock()
		defer c.send.Unlock()
		_, err := c.in.Write(append(line, '\n'))
		wrote <- err
	}()
	select {
	case err := <-wrote:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// do sends a command and waits for its result.
func (c *control) do(ctx context.Context, cmd *Command) (*Result, error) {
	w := make(chan *Result, 1)
	c.mu.Lock()
	c.seq++
	seq := c.seq
	c.waiting[seq] = w
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.waiting, seq)
		c.mu.Unlock()
	}()
	if err := c.write(ctx, Request{Seq: seq, Command: cmd}); err != nil {
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
