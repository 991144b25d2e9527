package instance

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

// endless is a text without an end, and counts what was taken of it.
type endless struct{ taken int }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a'
	}
	e.taken += len(p)
	return len(p), nil
}

func TestOutputWithoutAnEndIsNotKept(t *testing.T) {
	c, out := newControl(nil), &endless{}
	c.read(io.MultiReader(strings.NewReader(`{"Seq":1,"Result":{"Message":"`), out))
	<-c.done
	if out.taken > 4*longestReply {
		t.Errorf("%d bytes of one reply were read", out.taken)
	}
}

func TestARepliesTextsAreCut(t *testing.T) {
	c := newControl(nil)
	w := make(chan *Result, 1)
	c.waiting[1] = w
	long := strings.Repeat("x", 3*longestText)
	events := strings.Repeat(`{"Message":"m"},`, 10*mostEvents) + `{}`
	c.read(strings.NewReader(`{"Seq":1,"Result":{"Output":"` + long + `","Events":[` + events + `]}}` + "\n"))
	if r := <-w; len(r.Output) != longestText || len(r.Events) != mostEvents {
		t.Errorf("output of %d bytes, %d events", len(r.Output), len(r.Events))
	}
}

func TestACommandToAStoppedPID1EndsWithItsContext(t *testing.T) {
	r, w, err := os.Pipe() // nobody reads
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	c := newControl(w)
	defer c.hangUp()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	big := &Command{Name: "app-deploy", Env: map[string]string{"A": strings.Repeat("x", 1<<20)}}
	if _, err := c.do(ctx, big); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got error %v", err)
	}
}

func TestLogOfAnInstanceIsPlainAndBounded(t *testing.T) {
	var log bytes.Buffer
	l := &tail{to: &log}
	io.WriteString(l, "a\x1b]0;owned\x07\u009b2Jb\xff\n")
	if got := log.String(); got != "a?]0;owned??2Jb?\n" {
		t.Errorf("the log holds %q", got)
	}
	for range 3 {
		if n, err := l.Write(bytes.Repeat([]byte("x"), mostLog)); n != mostLog || err != nil {
			t.Fatal(n, err)
		}
	}
	if log.Len() > mostLog+1024 || !strings.Contains(log.String(), "the rest is left out") {
		t.Errorf("%d bytes were kept", log.Len())
	}
}

func TestRootOnTheInstanceMayWriteToPID1sOutputWithoutHarm(t *testing.T) {
	i := start(t, &Spec{})
	sh(t, i, "head -c 50m /dev/zero | tr '\\0' a > /proc/1/fd/1")
	select {
	case <-i.Done():
	case <-time.After(10 * time.Second):
		if _, err := i.Do(t.Context(), &Command{Name: "x"}); err == nil {
			t.Skip("PID 1's output cannot be opened on this kernel")
		}
		t.Error("the instance neither ended nor works")
	}
}
