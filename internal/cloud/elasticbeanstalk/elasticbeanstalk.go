// Package elasticbeanstalk is the local AWS Elastic Beanstalk: applications,
// versions and environments. An environment is a CloudFormation stack, made
// through CloudFormation in the name of whoever asked, with instances from a
// Launcher behind a load balancer of package elb, and with the events that AWS
// shows, in AWS's words and order.
//
// Its promise: what stands in an event is AWS's, except where it begins with
// "beanpole: ". Its limits: no worker tier; an environment lives as long as this
// process.
package elasticbeanstalk

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"

	"beanpole/internal/aws"
	"beanpole/internal/cloud/door"
	"beanpole/internal/cloud/elb"
	"beanpole/internal/cloud/state"
	"beanpole/internal/event"
)

// Kinds of records in the store.
const (
	applicationRecords = "elasticbeanstalk.application"
	versionRecords     = "elasticbeanstalk.version"
	environmentRecords = "elasticbeanstalk.environment"
	eventRecords       = "elasticbeanstalk.event"
)

// Options of a Service.
type Options struct {
	Door     *door.Door
	State    *state.State
	Stacks   Stacks
	Launcher Launcher
	// PortFor is the port on 127.0.0.1 for a port of AWS's. Nil: 8000 more for
	// the ports below 1024, which only root may open.
	PortFor func(listenerPort int) int
	// TLS serves listeners that end TLS. Nil: there can be none.
	TLS *tls.Config
	// RealTime keeps AWS's pauses between health checks.
	RealTime bool
}

// Service is Elastic Beanstalk. Make one with New.
type Service struct {
	Options
	log   event.Log
	front elb.Front // the environments' ports, by name
	now   func() time.Time
	// pauseBefore, serviceWait and longestEvaluation, but in tests.
	pause       func(n int) time.Duration
	serviceWait time.Duration
	evaluation  time.Duration

	ctx  context.Context // ends when the service closes
	end  context.CancelFunc
	work sync.WaitGroup // operations under way

	mu           sync.Mutex
	applications map[string]*applicationRecord // by name
	versions     map[string]*version           // by application and label
	environments map[string]*environment       // by ID, terminated ones too
	live         map[string]*live              // by environment ID
	storeErr     error                         // of the event log's sink, told by the next operation
}

// New reads what is stored. Environments of an earlier process are gone with
// it; Resume says so.
func New(o Options) (*Service, error) {
	if o.PortFor == nil {
		o.PortFor = defaultPort
	}
	s := &Service{
		Options: o, now: time.Now, pause: pauseBefore, serviceWait: serviceWait, evaluation: longestEvaluation,
		applications: map[string]*applicationRecord{}, versions: map[string]*version{},
		environments: map[string]*environment{}, live: map[string]*live{},
	}
	s.ctx, s.end = context.WithCancel(context.Background())
	if err := s.load(); err != nil {
		return nil, fmt.Errorf("read the environments: %w", err)
	}
	return s, nil
}

func defaultPort(listener int) int {
	if listener < 1024 {
		return 8000 + listener
	}
	return listener
}

func (s *Service) load() error {
	var events []event.Event
	err := firstError(
		each(s.State, applicationRecords, func(a *applicationRecord) { s.applications[a.Name] = a }),
		each(s.State, versionRecords, func(v *version) { s.versions[v.key()] = v }),
		each(s.State, environmentRecords, func(e *environment) { s.environments[e.ID] = e }),
		each(s.State, eventRecords, func(e *event.Event) { events = append(events, *e) }),
	)
	s.log.Replay(events)
	n := len(events)
	s.log.Sink = func(e event.Event) {
		n++
		if err := s.State.Later(eventRecords, fmt.Sprintf("%010d", n), e); err != nil {
			s.storeErr = err
		}
	}
	return err
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func each[T any](st *state.State, kind string, f func(*T)) error {
	return st.Each(kind, func(_ string, data []byte) error {
		v := new(T)
		if err := json.Unmarshal(data, v); err != nil {
			return err
		}
		f(v)
		return nil
	})
}

// Log is the record of all environments' events.
func (s *Service) Log() *event.Log { return &s.log }

// Resume ends what an earlier process left: its instances ended with it, so
// its environments are terminated and their stacks deleted. It is called once
// all services stand behind the door.
func (s *Service) Resume() {
	s.mu.Lock()
	var left []*environment
	for _, e := range s.environments {
		if e.Status != types.EnvironmentStatusTerminated {
			left = append(left, e)
		}
	}
	s.mu.Unlock()
	for _, e := range left {
		s.abandon(e, "beanpole: the beanpole that ran this environment was ended, and its instances with it. The environment is terminated.")
		s.work.Add(1)
		go func() {
			defer s.work.Done()
			op := s.operation(door.WithCaller(s.ctx, e.caller()), e)
			op.deleteStack()
		}()
	}
}

// abandon makes an environment terminated without anything else.
func (s *Service) abandon(e *environment, why string) {
	s.mu.Lock()
	e.Status, e.Health, e.HealthStatus, e.Abortable, e.Updated = types.EnvironmentStatusTerminated, types.EnvironmentHealthGrey, "", false, s.now().UTC()
	s.keep(e)
	s.mu.Unlock()
	s.log.Add(e.event(event.Warn, "", why))
}

// Close stops operations, instances and balancers, and waits for them. The
// environments are terminated at the next start, see Resume.
func (s *Service) Close(ctx context.Context) error {
	s.mu.Lock()
	s.end() // no operation begins after this
	s.mu.Unlock()
	done := make(chan struct{})
	go func() { s.work.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
	}
	s.mu.Lock()
	var all []*live
	for _, l := range s.live {
		all = append(all, l)
	}
	s.mu.Unlock()
	for _, l := range all {
		l.stop(ctx, s.Stacks)
	}
	return ctx.Err()
}

// keep writes an environment's record. The caller holds mu. A record that
// can't be written is told with the next operation, since most writes happen
// where nobody waits for an answer.
func (s *Service) keep(e *environment) {
	if err := s.State.Put(environmentRecords, e.ID, e); err != nil {
		s.storeErr = fmt.Errorf("write environment %q: %w", e.Name, err)
	}
}

// regionOf is the region that a request is for.
func (s *Service) regionOf(ctx context.Context) string {
	if c := door.CallerOf(ctx); c.Region != "" {
		return c.Region
	}
	return s.State.Region()
}

// invalid is Elastic Beanstalk's InvalidParameterValue.
func invalid(format string, args ...any) error {
	return &aws.Error{Code: "InvalidParameterValue", Status: 400, Message: fmt.Sprintf(format, args...)}
}
