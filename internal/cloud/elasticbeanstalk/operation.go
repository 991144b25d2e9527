package elasticbeanstalk

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"

	"beanpole/internal/aws"
	"beanpole/internal/cloud/door"
	"beanpole/internal/cloud/elb"
	"beanpole/internal/ebext"
	"beanpole/internal/event"
	"beanpole/internal/source"
)

// live is what stands behind an environment in this process.
type live struct {
	cancels map[chan struct{}]context.CancelFunc // of operations that have not ended, by their done
	done    chan struct{}                        // closed when the last one has ended
	caller  *door.Caller                         // who asked for it

	aborting bool // the update under way is to end and to roll back; under the service's mu

	// For operations alone:
	wanted   int // instances that there should be
	replaced int // instances started in a row in the place of others

	mu       sync.Mutex
	machines []Machine
	// temporary are new instances that are not part of the environment yet.
	temporary []Machine
	balancer  *elb.Balancer
	front     elb.Config  // of the balancer
	logs      []logSample // oldest first
}

// stop ends instances and balancer.
func (l *live) stop(ctx context.Context, stacks Stacks) {
	l.mu.Lock()
	machines, balancer := append(l.machines, l.temporary...), l.balancer
	l.machines, l.temporary, l.balancer = nil, nil, nil
	l.mu.Unlock()
	if balancer != nil {
		balancer.Close()
	}
	var all sync.WaitGroup
	for _, m := range machines {
		all.Go(func() {
			stacks.Leave(m.ID())
			_ = m.Stop(ctx) // what is left of it is swept at the next start
		})
	}
	all.Wait()
}

// operation is one operation on an environment. Its goroutine is the only one
// that changes the environment meanwhile, but for a termination, which ends it
// first.
type operation struct {
	s        *Service
	ctx      context.Context
	e        *environment
	id       string // request ID
	platform ebext.Platform
	began    time.Time
	// unfinished: the stack waits for signals of its instances.
	unfinished bool
}

func (s *Service) operation(ctx context.Context, e *environment) *operation {
	id := door.CallerOf(ctx).RequestID // by which the EB CLI finds an operation's events
	if id == "" {
		id = aws.NewRequestID()
	}
	return &operation{s: s, ctx: ctx, e: e, id: id, platform: ebext.ParsePlatform(e.Platform), began: s.now()}
}

// start runs an operation in the background, in the caller's name, after any
// earlier one has ended.
func (s *Service) start(ctx context.Context, e *environment, f func(*operation)) {
	work, cancel := context.WithCancel(door.WithCaller(s.ctx, door.CallerOf(ctx)))
	s.mu.Lock()
	if s.ctx.Err() != nil { // the service closes
		s.mu.Unlock()
		cancel()
		return
	}
	s.work.Add(1)
	l := s.live[e.ID]
	if l == nil {
		l = &live{}
		s.live[e.ID] = l
	}
	if l.cancels == nil {
		l.cancels = map[chan struct{}]context.CancelFunc{}
	}
	before, done := l.done, make(chan struct{})
	l.done, l.cancels[done], l.caller = done, cancel, door.CallerOf(ctx)
	s.mu.Unlock()
	go func() {
		defer s.work.Done()
		defer close(done)
		defer func() {
			cancel()
			s.mu.Lock()
			delete(l.cancels, done)
			s.mu.Unlock()
		}()
		if before != nil {
			<-before
		}
		f(s.operation(work, e))
	}()
}

func (o *operation) live() *live {
	o.s.mu.Lock()
	defer o.s.mu.Unlock()
	l := o.s.live[o.e.ID]
	if l == nil { // a stack left by an earlier process
		l = &live{}
		o.s.live[o.e.ID] = l
	}
	return l
}

func (o *operation) tell(sev event.Severity, format string, args ...any) {
	o.s.log.Add(o.e.event(sev, o.id, fmt.Sprintf(format, args...)))
}

func (o *operation) info(format string, args ...any)  { o.tell(event.Info, format, args...) }
func (o *operation) warn(format string, args ...any)  { o.tell(event.Warn, format, args...) }
func (o *operation) error(format string, args ...any) { o.tell(event.Error, format, args...) }

// set changes the environment's record. Nobody waits for an answer, so that
// nothing waits for the disk.
func (o *operation) set(f func(e *environment)) {
	o.s.mu.Lock()
	defer o.s.mu.Unlock()
	f(o.e)
	o.e.Updated = o.s.now().UTC()
	if err := o.s.State.Later(environmentRecords, o.e.ID, o.e); err != nil {
		o.s.storeErr = fmt.Errorf("write environment %q: %w", o.e.Name, err)
	}
}

// ended reports whether the operation was ended from outside: nothing more is
// to be told then.
func (o *operation) ended() bool { return o.ctx.Err() != nil }

// names of enhanced health as events write them, and their colours
// [EB:health-enhanced-status].
var colours = map[types.EnvironmentHealthStatus]types.EnvironmentHealth{
	types.EnvironmentHealthStatusOk: types.EnvironmentHealthGreen, types.EnvironmentHealthStatusInfo: types.EnvironmentHealthGreen,
	types.EnvironmentHealthStatusWarning: types.EnvironmentHealthYellow, types.EnvironmentHealthStatusDegraded: types.EnvironmentHealthRed,
	types.EnvironmentHealthStatusSevere: types.EnvironmentHealthRed, types.EnvironmentHealthStatusPending: types.EnvironmentHealthGrey,
}

// health moves the environment to a state; causes end the event's text. With
// basic health there is a colour only, and no event.
func (o *operation) health(to types.EnvironmentHealthStatus, causes ...string) {
	from := o.e.HealthStatus
	o.set(func(e *environment) {
		e.Health, e.Causes = colours[to], causes
		if e.enhanced() {
			e.HealthStatus = to
		}
	})
	if !o.e.enhanced() || from == to {
		return
	}
	o.s.log.Add(transition(o.e, from))
}

// span is a length of time as events write it: "26 seconds", "5 minutes".
func span(d time.Duration) string {
	n, unit := int(d.Round(time.Second).Seconds()), "second"
	if d >= time.Minute {
		n, unit = int(d.Round(time.Minute).Minutes()), "minute"
	}
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}

// reason is an error as an event shows it: AWS's words, or one line of ours.
func reason(err error) string {
	var e *aws.Error
	if errors.As(err, &e) {
		return e.Message
	}
	var p *source.Problem
	if errors.As(err, &p) {
		return p.Error()
	}
	return err.Error()
}
