package elb

import (
	"context"
	"crypto/rand"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"time"
)

// pool is a group at work. Its fields change with the load balancer's mu held.
type pool struct {
	Group
	kind    Kind
	targets []*target // in the order of registration
	leaving []*target // deregistered, with something still under way
	next    int       // where the round robin goes on
	key     [32]byte  // of its cookies
	// While traffic is split: who gets the part of percent, and where the
	// weighted turns stand.
	apart   map[string]bool
	percent int
	weight  int
}

// target is one registered instance. Its context ends when it is gone.
type target struct {
	id     string
	addr   netip.Addr
	port   int // 0 for a classic load balancer
	ctx    context.Context
	cancel context.CancelFunc

	state   State
	reason  Reason
	since   time.Time     // of the state
	detail  string        // of the last failed check
	active  int           // requests and connections under way
	idle    chan struct{} // of one that leaves: closed when nothing is under way
	waiters int           // callers of Wait
	hurry   chan struct{} // somebody has begun to wait
}

func newPool(kind Kind, g Group) *pool {
	p := &pool{Group: g, kind: kind}
	rand.Read(p.key[:]) // it does not fail
	return p
}

func (t *target) at(port int) string {
	if t.port != 0 {
		port = t.port
	}
	return net.JoinHostPort(t.addr.String(), strconv.Itoa(port))
}

// find looks a target up.
func (p *pool) find(id string) *target {
	for _, t := range p.targets {
		if t.id == id {
			return t
		}
	}
	return nil
}

// usable are the targets that get something now. Where all fail their health
// checks, those of a target group get it all the same, and those of a classic
// load balancer do not (ELB: "Health checks for your target groups", fail open).
func (p *pool) usable() []*target {
	var good, failing []*target
	for _, t := range p.targets {
		switch t.state {
		case Healthy:
			good = append(good, t)
		case Unhealthy:
			failing = append(failing, t)
		}
	}
	if len(good) == 0 && p.kind != Classic {
		return failing
	}
	return good
}

// pick is the next usable target that was not tried yet, nil for none.
func (p *pool) pick(tried []*target) *target {
	can := slices.DeleteFunc(p.usable(), func(t *target) bool { return slices.Contains(tried, t) })
	can = p.side(can)
	if len(can) == 0 {
		return nil
	}
	// The round robin goes over all that are registered, so that one who comes
	// or goes does not change whose turn it is.
	for range p.targets {
		t := p.targets[p.next%len(p.targets)]
		p.next = (p.next + 1) % len(p.targets)
		if slices.Contains(can, t) {
			return t
		}
	}
	return nil
}

// side chooses between the two sides of a split: of a hundred turns the part
// that is set apart gets percent, evenly spread.
func (p *pool) side(can []*target) []*target {
	if p.apart == nil {
		return can
	}
	var one, other []*target
	for _, t := range can {
		if p.apart[t.id] {
			one = append(one, t)
		} else {
			other = append(other, t)
		}
	}
	p.weight += p.percent
	mine := p.weight >= 100
	if mine {
		p.weight -= 100
	}
	if mine && len(one) > 0 || len(other) == 0 {
		return one
	}
	return other
}

// begin counts something under way on a target.
func (b *Balancer) begin(t *target) (end func()) {
	b.mu.Lock()
	t.active++
	b.mu.Unlock()
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if t.active--; t.active == 0 && t.idle != nil {
			close(t.idle)
			t.idle = nil
		}
	}
}
