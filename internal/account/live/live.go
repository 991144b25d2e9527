// Package live reads a real account: what an environment's fetches depend on,
// and nothing else. It only reads (operations.go lists every call that it can
// make, and Guard refuses all others); a call that is refused becomes a
// reading.Refusal with the permission that would settle it. Calls that do not
// depend on each other are made side by side.
package live

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/aws/smithy-go"

	"beanpole/internal/account/reading"
	"beanpole/internal/aws"
)

// atOnce is how many calls are under way at most.
const atOnce = 24

// Reader reads one account. It is safe for concurrent use.
type Reader struct {
	c *Clients
	// Progress is told what is being read; nil: nobody wants to know.
	Progress func(what string)

	mu    sync.Mutex
	out   *reading.Reading
	calls int
	slots chan struct{}
	done  map[reading.Thing]bool // read already, or under way
}

// New is a Reader of nothing yet.
func New(c *Clients) *Reader {
	return &Reader{c: c, slots: make(chan struct{}, atOnce), done: map[reading.Thing]bool{},
		out: &reading.Reading{Version: reading.Version, Time: time.Now().UTC().Truncate(time.Second), Region: c.Region, Partition: aws.PartitionOf(c.Region)}}
}

// Reading is what was read so far.
func (x *Reader) Reading() *reading.Reading { return x.out }

// Close ends what is kept for further calls.
func (x *Reader) Close() { x.c.Close() }

// Calls is the number of requests made so far, each page counted.
func (x *Reader) Calls() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.calls
}

// question is what a call is made for.
type question struct {
	op   string // of operations, "iam:GetRole"
	kind reading.Kind
	name string
	link string // of the chain, that stays unknown without an answer
	// none are AWS's error codes that are an answer: there is no such thing.
	none []string
}

// ask makes one call. Without an answer out is nil; none is then AWS's code
// where that says that there is nothing, else the refusal has been noted.
func ask[I, O any](ctx context.Context, x *Reader, q question, call func(context.Context, I) (*O, error), in I) (out *O, none string) {
	out, err := tried(ctx, x, q, call, in)
	if err == nil {
		return out, ""
	}
	if code := codeOf(err); slices.Contains(q.none, code) {
		return nil, code
	}
	x.refused(q, err)
	return nil, ""
}

// tried makes one call when a slot is free.
func tried[I, O any](ctx context.Context, x *Reader, q question, call func(context.Context, I) (*O, error), in I) (*O, error) {
	x.slots <- struct{}{}
	defer func() { <-x.slots }()
	x.mu.Lock()
	x.calls++
	x.mu.Unlock()
	if x.Progress != nil {
		x.Progress("reading " + string(q.kind) + " " + q.name)
	}
	return call(ctx, in)
}

// codeOf is AWS's error code, "" for a failure on the way.
func codeOf(err error) string {
	var e smithy.APIError
	if errors.As(err, &e) {
		return e.ErrorCode()
	}
	return ""
}

// denied are codes with which services refuse for lack of permission.
var denied = []string{
	"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "Forbidden", "403", "UnauthorizedAccess",
	"InsufficientPrivilegesException", "NotAuthorized", "AllAccessDisabled", "MethodNotAllowed",
}

// Denied tells an error that is a matter of permission.
func Denied(err error) bool { return slices.Contains(denied, codeOf(err)) }

// refused notes a call that told nothing.
func (x *Reader) refused(q question, err error) {
	code := codeOf(err)
	r := reading.Refusal{Thing: reading.Thing{Kind: q.kind, Name: q.name}, Permission: permission(q.op), Code: code, Refused: Denied(err), Link: q.link}
	if code == "" {
		r.Message = reason(err)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.out.NotRead = append(x.out.NotRead, r)
}

// reason is the innermost error: the SDK's wrapping names request IDs and URLs.
func reason(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}

// absent notes that a thing does not exist.
func (x *Reader) absent(kind reading.Kind, name string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.out.Absent = append(x.out.Absent, reading.Thing{Kind: kind, Name: name})
}

// keep changes the reading.
func (x *Reader) keep(f func(r *reading.Reading)) {
	x.mu.Lock()
	defer x.mu.Unlock()
	f(x.out)
}

// first tells whether a thing is asked for the first time.
func (x *Reader) first(kind reading.Kind, name string) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	t := reading.Thing{Kind: kind, Name: name}
	if name == "" || x.done[t] {
		return false
	}
	x.done[t] = true
	return true
}

// together runs functions side by side and waits for all.
func together(fs ...func()) {
	var wg sync.WaitGroup
	for _, f := range fs {
		wg.Go(f)
	}
	wg.Wait()
}

// each runs f for every item, side by side.
func each[T any](items []T, f func(T)) {
	var wg sync.WaitGroup
	for _, it := range items {
		wg.Go(func() { f(it) })
	}
	wg.Wait()
}

// settled sorts what came in by chance, so that two readings of the same
// account are the same.
func (x *Reader) settled() {
	x.keep(func(r *reading.Reading) { r.Sort() })
}

// Reason is an error in one short line.
func Reason(err error) string {
	var e smithy.APIError
	if errors.As(err, &e) {
		return e.ErrorCode() + ": " + e.ErrorMessage()
	}
	return reason(err)
}
