package cfninit

import (
	"context"
	"fmt"
	"time"
)

// Tries of a fetch and of a request to the metadata service [cb:util.py].
const (
	fetchTries    = 5
	metadataTries = 10
	longestWait   = 20 * time.Second
)

// remote is the error after the last attempt [cb:util.py RemoteError].
type remote struct {
	status int // 0: Python's None
	text   string
}

// errno is the error as text: this is how an error of the metadata service
// gets its "[Errno 404] " inside the error of a fetch.
func (e *remote) errno() string {
	if e.status == 0 {
		return "[Errno None] " + e.text
	}
	return fmt.Sprintf("[Errno %d] %s", e.status, e.text)
}

// retry calls f until it succeeds, fails for good, or has failed tries times.
// Status 503 and what CloudFormation wants asked again add a try each time, so
// that it goes on without end.
func (b *build) retry(ctx context.Context, tries int, f func() *failure) *remote {
	var last *remote
	for i := 0; i < tries; i++ {
		b.wait(ctx, i)
		if ctx.Err() != nil {
			return &remote{text: ctx.Err().Error()}
		}
		fail := f()
		if fail == nil {
			return nil
		}
		last = &remote{status: fail.status, text: fail.text}
		switch fail.kind {
		case badStatus:
			switch fail.orders() {
			case never:
				return last
			case forever:
				tries++
			}
			b.log("ERROR", "%s", fail.text)
		case connection:
			b.log("ERROR", "ConnectionError")
		case badTLS:
			b.log("ERROR", "SSLError")
		case checksum:
			b.log("ERROR", "Checksum mismatch")
		case ioFailure:
			b.log("ERROR", "Generic IOError")
		case unexpected:
			b.log("ERROR", "Unexpected Exception")
			return last
		}
	}
	return last
}

// wait sleeps before try i: a random part of 2^i-1 seconds, 20 at most.
func (b *build) wait(ctx context.Context, i int) {
	if i == 0 {
		return
	}
	longest := longestWait
	if i < 5 {
		longest = min(longest, time.Duration(1<<i-1)*time.Second)
	}
	b.Waits = append(b.Waits, longest)
	b.Longest += longest
	b.Expected += longest / 2
	d := time.Duration(b.random() * float64(longest))
	b.debug("Sleeping for %f seconds before retrying", d.Seconds())
	b.sleep(ctx, d)
}
