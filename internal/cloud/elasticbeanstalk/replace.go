package elasticbeanstalk

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"

	"beanpole/internal/cloud/door"
)

// How instances that end by themselves are replaced: the first at once, then
// after longer and longer pauses, and no more after maxReplaced in a row that
// did not live for steady.
const (
	maxReplaced = 5
	steady      = 5 * time.Minute
)

// pauseBefore is the pause before the n-th replacement in a row, from 1.
func pauseBefore(n int) time.Duration {
	if n <= 1 {
		return 0
	}
	return time.Second << (n - 2)
}

// watch has an instance replaced when it ends by itself.
func (s *Service) watch(e *environment, m Machine) {
	select {
	case <-m.Done():
	case <-s.ctx.Done():
		return
	}
	for {
		s.mu.Lock()
		l := s.live[e.ID]
		if s.ctx.Err() != nil || l == nil || !l.has(m) {
			s.mu.Unlock()
			return // it was stopped, or another watch saw to it
		}
		if e.Status == types.EnvironmentStatusReady {
			// On AWS the environment stays Ready. Here an update that came in
			// meanwhile would meet an environment that changes under it.
			e.Status, e.Abortable = types.EnvironmentStatusUpdating, false
			s.keep(e)
			caller := *l.caller
			caller.RequestID = "" // nobody asked for this
			s.mu.Unlock()
			s.start(door.WithCaller(s.ctx, &caller), e, (*operation).replace)
			return
		}
		done := l.done
		s.mu.Unlock()
		if done == nil {
			return
		}
		select {
		case <-done:
		case <-s.ctx.Done():
			return
		}
		if s.idle(e, done) {
			return // the operation left no environment to repair
		}
	}
}

// idle reports that nothing goes on in an environment that is not ready.
func (s *Service) idle(e *environment, done chan struct{}) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.live[e.ID].done == done && e.Status != types.EnvironmentStatusReady
}

func (l *live) has(m Machine) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Contains(l.machines, m)
}

// replace puts new instances in the place of those that have ended, as Auto
// Scaling does; they get the last version.
func (o *operation) replace() {
	defer o.ready()
	was, causes := o.e.HealthStatus, slices.Clone(o.e.Causes)
	fresh := o.replenish()
	if len(fresh) == 0 || o.ended() {
		return
	}
	r := o.deployLed(fresh, false)
	if o.ended() {
		return
	}
	switch {
	case !r.ok():
		r.tell(o)
		o.health(types.EnvironmentHealthStatusDegraded, "Command failed on "+r.which()+".")
		r.tellWaits(o)
	case o.lagging():
		o.health(was, causes...)
	case o.inService():
		o.health(types.EnvironmentHealthStatusOk)
	default:
		o.health(types.EnvironmentHealthStatusSevere, "ELB health is failing or not available for all instances.")
	}
}

// replenish takes instances that have ended out of the environment and starts
// as many as are missing then.
func (o *operation) replenish() []Machine {
	if dead := o.takeDead(); len(dead) > 0 {
		o.removed(dead)
	}
	l := o.live()
	l.mu.Lock()
	missing := l.wanted - len(l.machines)
	l.mu.Unlock()
	if missing <= 0 {
		return nil
	}
	fresh := o.refill(missing)
	if !o.ended() {
		o.added(fresh)
	}
	return fresh
}

// lagging reports that the last deployment failed on some instance.
func (o *operation) lagging() bool {
	return slices.ContainsFunc(o.e.Instances, func(i instanceRecord) bool { return i.Status != "Deployed" })
}

// takeDead takes the instances that have ended out of everything that knows
// them.
func (o *operation) takeDead() (dead []Machine) {
	l := o.live()
	l.mu.Lock()
	balancer := l.balancer
	l.machines = slices.DeleteFunc(slices.Clone(l.machines), func(m Machine) bool {
		select {
		case <-m.Done():
			dead = append(dead, m)
			return true
		default:
			return false
		}
	})
	l.mu.Unlock()
	for _, m := range dead {
		if balancer != nil {
			balancer.Deregister(m.ID())
		}
		o.s.Stacks.Leave(m.ID())
		_ = m.Stop(o.ctx) // what is left of it is swept at the next start
	}
	return dead
}

// removed tells that instances have ended, and forgets them.
func (o *operation) removed(dead []Machine) {
	gone := names(dead)
	all, lived := len(o.e.Instances), time.Duration(0)
	for _, i := range o.e.Instances {
		if slices.Contains(gone, i.ID) {
			lived = max(lived, o.s.now().Sub(i.Launched))
		}
	}
	l := o.live()
	if lived > steady {
		l.replaced = 0
	}
	o.warn("beanpole: %s ended without being told to; Auto Scaling would start as many again, and so does beanpole", strings.Join(gone, ", "))
	if len(gone) >= all {
		o.health(types.EnvironmentHealthStatusSevere, "None of the instances are sending data.")
	} else {
		o.health(types.EnvironmentHealthStatusWarning, fmt.Sprintf("No data received from %d out of %d instances.", len(gone), all))
	}
	o.forget(gone)
}

// refill starts count instances in the place of others. It tries again when
// that fails, but not forever.
func (o *operation) refill(count int) []Machine {
	l := o.live()
	for {
		if l.replaced++; l.replaced > maxReplaced {
			o.error("beanpole: %d instances in a row did not last, so no more are started; an update of the environment tries again", maxReplaced)
			return nil
		}
		if sleep(o.ctx, o.s.pause(l.replaced)) != nil {
			return nil
		}
		fresh, err := o.startMachines(count)
		o.keepMachines(fresh)
		if err == nil || o.ended() {
			return fresh
		}
		o.error("beanpole: %s", reason(err))
		if len(fresh) > 0 { // the others are started with the next that end
			return fresh
		}
	}
}

// keepMachines makes instances part of the environment, behind its balancer,
// and watches them.
func (o *operation) keepMachines(machines []Machine) {
	l := o.live()
	l.mu.Lock()
	l.machines = append(l.machines, machines...)
	balancer := l.balancer
	l.mu.Unlock()
	for _, m := range machines {
		if balancer != nil {
			balancer.Register(m.ID(), m.Address())
		}
		go o.s.watch(o.e, m)
	}
}

// added tells which instances are new.
func (o *operation) added(machines []Machine) {
	if len(machines) > 0 && o.e.enhanced() {
		o.info("Added %s [%s] to your environment.", plural(len(machines), "instance"), strings.Join(names(machines), ", "))
	}
}

func names(machines []Machine) (out []string) {
	for _, m := range machines {
		out = append(out, m.ID())
	}
	return out
}
