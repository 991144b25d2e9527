// Package door is the front door of the local AWS: one http.Handler behind
// which every service stands. It reads AWS's wire protocols, verifies the
// signature, finds the operation's row, asks package access whether the
// caller may, calls the handler and writes the answer.
//
// Its promise: no handler runs unless access allowed it. A row can't be built
// without an action, and authorisation is a step of the door, never a line in
// a handler. Its limits: the Query protocol, EC2's form of it, JSON 1.1 and
// S3's REST protocol only.
package door

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"syscall"
	"time"

	"beanpole/internal/account"
	"beanpole/internal/aws"
	"beanpole/internal/iam"
)

// Accounts is what the door has to know of the account.
type Accounts interface {
	// View calls f with what exists now; f must not keep or change it.
	View(f func(*account.Account))
	// Secret finds an access key that is not deleted.
	Secret(keyID string) (secret, token string, expires time.Time, ok bool)
	// Principal is who an access key belongs to.
	Principal(keyID string) (iam.Principal, bool)
}

// Options of a Door.
type Options struct {
	Accounts Accounts
	// Judge decides. Its zero value is package access.
	Judge Judge
	// Region that a request is for when it names none.
	Region string
	// Document checks the signature of an instance identity document, for
	// requests that an instance signs with it (CFN_V1). Nil: none is right.
	Document func(document, signature []byte) bool
	// Log gets our own failures, never a secret. Nil: nowhere.
	Log io.Writer
	// Now is the clock. Nil: time.Now.
	Now func() time.Time
}

// Door is the front door. Rows are added before it serves.
type Door struct {
	options Options
	log     *log.Logger
	query   map[string]*Row   // by service and operation
	byName  map[string][]*Row // by operation alone, for requests that name no service
	rest    []*Row
	served  map[string]bool // services that have a row
	all     []Row
}

// New makes a door without rows.
func New(o Options) *Door {
	if o.Log == nil {
		o.Log = io.Discard
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Judge = o.Judge.complete()
	return &Door{options: o, log: log.New(o.Log, "", log.LstdFlags|log.LUTC), query: map[string]*Row{}, byName: map[string][]*Row{}, served: map[string]bool{}}
}

// Add puts rows behind the door.
func (d *Door) Add(rows ...Row) {
	for _, r := range rows {
		d.all = append(d.all, r)
		p := &r
		d.query[r.Service+":"+r.Name] = p
		d.served[r.Service] = true
		if r.wire == nil || r.wire.match == nil {
			d.byName[r.Name] = append(d.byName[r.Name], p)
		} else {
			d.rest = append(d.rest, p)
		}
	}
}

// Rows are all rows, in the order in which they were added.
func (d *Door) Rows() []Row { return append([]Row(nil), d.all...) }

// step is one stage of a request's way.
type step struct {
	name string
	do   func(*Door, *Request) error
}

// chain is the way of every request, in order.
var chain = []step{
	{"request id", (*Door).number},
	{"read", (*Door).read},
	{"verify signature", (*Door).verify},
	{"find row", (*Door).find},
	{"decode", (*Door).decode},
	{"authorise", (*Door).authorise},
	{"handle", (*Door).handle},
	{"encode", (*Door).encode},
}

// ServeHTTP carries one request through the chain. The first step that fails
// ends it with an error answer in the service's own form.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &Request{Request: r, W: w, door: d}
	defer func() {
		// A handler's panic must not become a torn connection without a word in
		// the log, nor leak its text to the client.
		if p := recover(); p != nil {
			if p == http.ErrAbortHandler {
				panic(p)
			}
			d.fail(x, fmt.Errorf("panic: %v", p))
		}
	}()
	for _, s := range chain {
		if err := s.do(d, x); err != nil {
			d.fail(x, fmt.Errorf("%s: %w", s.name, err))
			return
		}
	}
}

// fail writes err as the service's error answer. What is not an *aws.Error is
// our own failure: it is logged and the client gets no detail.
func (d *Door) fail(x *Request, err error) {
	var denied *refusal
	if errors.As(err, &denied) {
		x.writeAnswer(denied.answer)
		return
	}
	var e *aws.Error
	if !errors.As(err, &e) {
		if errors.Is(err, context.Canceled) {
			return
		}
		d.log.Printf("request %s: %s %s: %v", x.ID, x.Service, x.Operation, err)
		e = internalFailure(x.Service)
		if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
			// Not a status that clients take for a reason to try again.
			e = &aws.Error{Code: "InsufficientStorage", Status: http.StatusInsufficientStorage,
				Message: "beanpole: the disk of the state folder is full; make room there, or give another folder with --state"}
		}
	}
	x.writeError(e)
}

// internalFailure is the answer to a failure of our own.
func internalFailure(service string) *aws.Error {
	if service == "s3" {
		return &aws.Error{Code: "InternalError", Status: http.StatusInternalServerError, Message: "We encountered an internal error. Please try again."}
	}
	return &aws.Error{Code: "InternalFailure", Status: http.StatusInternalServerError, Message: "The request processing has failed because of an unknown error, exception or failure."}
}
