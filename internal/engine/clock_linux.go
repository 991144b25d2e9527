package engine

import (
	"context"
	"errors"
	"sync"
	"time"

	"beanpole/internal/instance"
)

var errTimeout = errors.New("the command did not end in the allowed time")

// clock holds a command to its time. Waits between tries count in full but are
// not waited for, unless the command asks for real time.
type clock struct {
	real    bool
	allowed time.Duration
	end     context.CancelCauseFunc
	timer   *time.Timer

	mu     sync.Mutex
	waited time.Duration // on paper
}

func newClock(c *instance.Command, end context.CancelCauseFunc) *clock {
	allowed := c.Timeout
	if allowed <= 0 {
		allowed = instance.DefaultTimeout
	}
	return &clock{real: c.RealTime, allowed: allowed, end: end, timer: time.AfterFunc(allowed, func() { end(errTimeout) })}
}

func (k *clock) stop() { k.timer.Stop() }

// sleep is cfninit.Runner's.
func (k *clock) sleep(ctx context.Context, d time.Duration) {
	if k.real {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
		}
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.waited += d; k.waited > k.allowed {
		k.end(errTimeout)
	}
}
