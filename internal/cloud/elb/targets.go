package elb

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// State is a target's health, in AWS's words (elbv2, DescribeTargetHealth).
type State string

const (
	Initial   State = "initial"
	Healthy   State = "healthy"
	Unhealthy State = "unhealthy"
	Draining  State = "draining"
)

// Reason says why a target is not healthy (elbv2, TargetHealth).
type Reason string

const (
	InitialHealthChecking    Reason = "Elb.InitialHealthChecking"
	ResponseCodeMismatch     Reason = "Target.ResponseCodeMismatch"
	Timeout                  Reason = "Target.Timeout"
	FailedHealthChecks       Reason = "Target.FailedHealthChecks"
	DeregistrationInProgress Reason = "Target.DeregistrationInProgress"
)

// Health is how one instance fares in one group.
type Health struct {
	Group  string
	State  State
	Reason Reason // "" when healthy
	Detail string // what the last failed check met
	Since  time.Time
}

// Register adds an instance to every group. It gets connections once its health
// check has passed often enough. A registered instance is left as it is.
func (b *Balancer) Register(id string, addr netip.Addr) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return
	}
	for _, p := range b.pools {
		if p.find(id) != nil {
			continue
		}
		ctx, cancel := context.WithCancel(b.ctx)
		t := &target{id: id, addr: addr, port: p.Port, ctx: ctx, cancel: cancel, hurry: make(chan struct{}, 1), state: Initial, reason: InitialHealthChecking, since: time.Now()}
		p.targets = append(p.targets, t)
		if p.Unchecked {
			t.state, t.reason = Healthy, ""
			continue
		}
		b.work.Go(func() { b.watch(p, t) })
	}
}

// Deregister takes an instance away. It gets nothing new; what is under way has
// the group's time of draining to end, as on AWS, and the load balancer lets go
// of it at once when nothing is (ELB: deregistration delay).
func (b *Balancer) Deregister(id string) { b.deregister(id) }

// Drain deregisters an instance and waits until nothing is under way on it.
func (b *Balancer) Drain(ctx context.Context, id string) error {
	for _, t := range b.deregister(id) {
		select {
		case <-t.ctx.Done():
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (b *Balancer) deregister(id string) (left []*target) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.pools {
		t := p.find(id)
		if t == nil {
			continue
		}
		p.targets = slices.DeleteFunc(p.targets, func(x *target) bool { return x == t })
		t.state, t.reason = Draining, DeregistrationInProgress
		left = append(left, t)
		if p.Draining <= 0 || t.active == 0 || b.closed {
			t.cancel()
			continue
		}
		idle := make(chan struct{})
		t.idle = idle
		p.leaving = append(p.leaving, t)
		b.work.Go(func() { b.leave(p, t, idle) })
	}
	b.tell()
	return left
}

// leave lets go of a target when nothing is under way on it, or its time is up.
func (b *Balancer) leave(p *pool, t *target, idle chan struct{}) {
	late := time.NewTimer(p.Draining)
	defer late.Stop()
	select {
	case <-idle:
	case <-late.C:
	case <-b.ctx.Done():
	}
	t.cancel()
	b.mu.Lock()
	defer b.mu.Unlock()
	p.leaving = slices.DeleteFunc(p.leaving, func(x *target) bool { return x == t })
	b.tell()
}

// Split gives percent of what comes anew to the instances with these IDs, and
// the rest to all others; nil ends it. It is what Elastic Beanstalk does with
// two target groups and their weights (EB: traffic-splitting deployments).
func (b *Balancer) Split(ids []string, percent int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.pools {
		p.apart, p.percent, p.weight = nil, percent, 0
		if len(ids) > 0 {
			p.apart = map[string]bool{}
			for _, id := range ids {
				p.apart[id] = true
			}
		}
	}
}

// Health is how an instance fares in each group that it is registered with, or
// leaves.
func (b *Balancer) Health(id string) (all []Health) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.pools {
		for _, t := range append(slices.Clone(p.targets), p.leaving...) {
			if t.id == id {
				all = append(all, Health{p.Name, t.state, t.reason, t.detail, t.since})
			}
		}
	}
	return all
}

// InService reports whether an instance is registered and healthy in every
// group.
func (b *Balancer) InService(id string) bool {
	all := b.Health(id)
	return len(all) > 0 && !slices.ContainsFunc(all, func(h Health) bool { return h.State != Healthy })
}

// Wait returns when the instance is in service in every group; meanwhile its
// health is checked without the usual pause. The error says why it is not: the
// context's end, or that the instance is not registered.
func (b *Balancer) Wait(ctx context.Context, id string) error {
	for _, p := range b.pools {
		if err := b.wait(ctx, p, id); err != nil {
			return err
		}
	}
	return nil
}

func (b *Balancer) wait(ctx context.Context, p *pool, id string) error {
	defer b.hurry(p, id)()
	for {
		b.mu.Lock()
		t, changed := p.find(id), b.changed
		in := t != nil && t.state == Healthy
		b.mu.Unlock()
		switch {
		case t == nil:
			return fmt.Errorf("wait for instance %q: it is not registered with load balancer %q", id, b.Name)
		case in:
			return nil
		}
		select {
		case <-changed:
		case <-b.ctx.Done():
			return fmt.Errorf("wait for instance %q: load balancer %q is closed", id, b.Name)
		case <-ctx.Done():
			return fmt.Errorf("wait for instance %q: health check %s: %s: %w", id, p.Check.Target, b.lastFailure(t), ctx.Err())
		}
	}
}

// hurry has a target checked without pause until done is called.
func (b *Balancer) hurry(p *pool, id string) (done func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := p.find(id)
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
	if t.detail == "" {
		return "no check has failed, but too few have passed"
	}
	return t.detail
}

// pool is the group of a name; nil for none. What pools there are never
// changes.
func (b *Balancer) pool(name string) *pool {
	for _, p := range b.pools {
		if p.Name == name {
			return p
		}
	}
	return nil
}

// tell wakes who waits; b.mu is held.
func (b *Balancer) tell() {
	close(b.changed)
	b.changed = make(chan struct{})
}

// pick is the next target of a pool that was not tried yet, nil for none.
func (b *Balancer) pick(p *pool, tried []*target) *target {
	b.mu.Lock()
	defer b.mu.Unlock()
	return p.pick(tried)
}

// Process is the process behind a group.
func (b *Balancer) Process(group string) string {
	if p := b.pool(group); p != nil && p.Group.Process != "" {
		return p.Group.Process
	}
	return "default"
}
