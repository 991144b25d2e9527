package elb

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
)

// The states of an instance, in AWS's words (DescribeInstanceHealth).
const (
	InService    = "InService"
	OutOfService = "OutOfService"
)

// Register adds an instance. It gets connections once its health check has
// passed often enough. A registered instance is left as it is.
func (b *Balancer) Register(id string, addr netip.Addr) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed || b.find(id) != nil {
		return
	}
	ctx, cancel := context.WithCancel(b.ctx)
	t := &target{id: id, addr: addr, ctx: ctx, cancel: cancel, hurry: make(chan struct{}, 1)}
	b.targets = append(b.targets, t)
	b.work.Go(func() { b.watch(t) })
}

// Deregister takes an instance away and ends its connections, as the service
// does at once when connection draining is off, its default (general).
func (b *Balancer) Deregister(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t := b.find(id); t != nil {
		t.cancel()
		b.targets = slices.DeleteFunc(b.targets, func(x *target) bool { return x == t })
		b.tell()
	}
}

// State is InService, OutOfService, or "" for an instance that is not
// registered.
func (b *Balancer) State(id string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch t := b.find(id); {
	case t == nil:
		return ""
	case t.inService:
		return InService
	}
	return OutOfService
}

// Wait returns when the instance is in service; meanwhile its health is checked
// without the usual pause. The error says why it is not: the context's end, or
// that the instance is not registered.
func (b *Balancer) Wait(ctx context.Context, id string) error {
	defer b.hurry(id)()
	for {
		b.mu.Lock()
		t, changed := b.find(id), b.changed
		in := t != nil && t.inService
		b.mu.Unlock()
		switch {
		case t == nil:
			return fmt.Errorf("wait for instance %q: it is not registered with load balancer %q", id, b.name)
		case in:
			return nil
		}
		select {
		case <-changed:
		case <-b.ctx.Done():
			return fmt.Errorf("wait for instance %q: load balancer %q is closed", id, b.name)
		case <-ctx.Done():
			return fmt.Errorf("wait for instance %q: health check %s: %s: %w", id, b.check.Target, b.lastFailure(t), ctx.Err())
		}
	}
}

// hurry has a target checked without pause until done is called.
func (b *Balancer) hurry(id string) (done func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.find(id)
	if t == nil {
		return func() {}
	}
	t.waiters++
	select {
	case t.hurry <- struct{}{}:
	default:
	}
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		t.waiters--
	}
}

func (b *Balancer) lastFailure(t *target) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t.reason == "" {
		return "no check has failed, but too few have passed"
	}
	return t.reason
}

// find looks a target up; b.mu is held.
func (b *Balancer) find(id string) *target {
	for _, t := range b.targets {
		if t.id == id {
			return t
		}
	}
	return nil
}

// tell wakes who waits; b.mu is held.
func (b *Balancer) tell() {
	close(b.changed)
	b.changed = make(chan struct{})
}

// pick is the next instance in service that was not tried yet, nil when there
// is none.
func (b *Balancer) pick(tried []*target) *target {
	b.mu.Lock()
	defer b.mu.Unlock()
	for range b.targets {
		t := b.targets[b.next%len(b.targets)]
		b.next = (b.next + 1) % len(b.targets)
		if t.inService && !slices.Contains(tried, t) {
			return t
		}
	}
	return nil
}
