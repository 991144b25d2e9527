package elasticbeanstalk

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"

	"beanpole/internal/cloud/elb"
	"beanpole/internal/event"
)

// instanceState is one instance's health at a moment.
type instanceState struct {
	record   instanceRecord
	health   types.EnvironmentHealthStatus
	causes   []string
	requests *requests
	out      bool // the load balancer does not find it in service
}

// look is an environment's health at a moment.
type look struct {
	instances []instanceState
	requests  *requests // of all
	health    types.EnvironmentHealthStatus
	causes    []string
}

// monitorEvery is how often health is looked at; AWS's agents report every ten
// seconds.
const monitorEvery = time.Second

// monitor follows the health of an environment while nothing goes on in it, and
// tells when it changes.
func (s *Service) monitor(e *environment) {
	every := monitorEvery
	if s.RealTime {
		every = metricsWindow
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-tick.C:
		}
		s.mu.Lock()
		gone, busy := e.Status == types.EnvironmentStatusTerminated || e.Status == types.EnvironmentStatusTerminating, e.Status != types.EnvironmentStatusReady
		basic := !e.enhanced()
		s.mu.Unlock()
		if gone {
			return
		}
		if busy || basic {
			continue
		}
		l := s.look(e)
		s.mu.Lock()
		s.note(e, l)
		s.mu.Unlock()
	}
}

// note takes over what a look found, unless an operation has begun meanwhile.
// What a failed deployment left behind is not better than that. The caller holds
// mu.
func (s *Service) note(e *environment, l *look) {
	lagging := slices.ContainsFunc(e.Instances, func(i instanceRecord) bool { return i.Status != "Deployed" })
	if e.Status != types.EnvironmentStatusReady || len(l.instances) == 0 || lagging && worse(l.health, e.HealthStatus) == e.HealthStatus {
		return
	}
	was := e.HealthStatus
	if was == l.health && slices.Equal(e.Causes, l.causes) {
		return
	}
	e.Health, e.HealthStatus, e.Causes = colours[l.health], l.health, l.causes
	if err := s.State.Later(environmentRecords, e.ID, e); err != nil {
		s.storeErr = fmt.Errorf("write environment %q: %w", e.Name, err)
	}
	if was != l.health {
		s.log.Add(transition(e, was))
	}
}

// transition is the event of a change of health; it has no request ID, as on
// AWS.
func transition(e *environment, from types.EnvironmentHealthStatus) event.Event {
	text := "Environment health has transitioned "
	if from != "" {
		text += "from " + string(from) + " "
	}
	text += "to " + string(e.HealthStatus) + "."
	for _, c := range e.Causes {
		text += " " + c
	}
	sev := event.Warn
	switch e.HealthStatus {
	case types.EnvironmentHealthStatusOk, types.EnvironmentHealthStatusInfo, types.EnvironmentHealthStatusPending:
		sev = event.Info
	}
	return e.event(sev, "", text)
}

// look looks at every instance: its last deployment, the load balancer's word on
// it, and what its proxy wrote down.
func (s *Service) look(e *environment) *look {
	s.mu.Lock()
	records, l, now, ignore4xx := slices.Clone(e.Instances), s.live[e.ID], s.now(), e.ignores4xx()
	single := e.value("aws:elasticbeanstalk:environment", "EnvironmentType") == "SingleInstance"
	s.mu.Unlock()
	out := &look{requests: &requests{}, health: types.EnvironmentHealthStatusOk}
	if l == nil {
		return out
	}
	l.mu.Lock()
	machines, b := append(slices.Clone(l.machines), l.temporary...), l.balancer
	l.mu.Unlock()
	for _, r := range records {
		i := slices.IndexFunc(machines, func(m Machine) bool { return m.ID() == r.ID })
		if i < 0 {
			continue
		}
		st := instanceState{record: r, requests: requestsOf(machines[i], now.UTC())}
		st.health, st.causes = st.requests.verdict(ignore4xx)
		if !single && b != nil {
			st.balanced(b)
		}
		switch r.Status {
		case "Failed":
			st.health = worse(st.health, types.EnvironmentHealthStatusDegraded)
		case "In Progress":
			st.health = types.EnvironmentHealthStatusPending
		}
		out.requests.add(st.requests)
		out.instances = append(out.instances, st)
	}
	out.judge(b, ignore4xx)
	return out
}

// balanced takes in what the load balancer finds.
func (st *instanceState) balanced(b *elb.Balancer) {
	for _, h := range b.Health(st.record.ID) {
		if h.State != elb.Unhealthy {
			continue
		}
		st.out = true
		st.health = types.EnvironmentHealthStatusSevere
		if b.Kind == elb.Classic {
			st.causes = append(st.causes, "Instance has failed at least the UnhealthyThreshold number of health checks consecutively.")
			continue
		}
		st.causes = append(st.causes, fmt.Sprintf("Process %s has been unhealthy for %s (%s).", b.Process(h.Group), span(time.Since(h.Since)), h.Reason))
	}
}

// judge is the environment's health from its instances'.
func (l *look) judge(b *elb.Balancer, ignore4xx bool) {
	l.health, l.causes = l.requests.verdict(ignore4xx)
	out := 0
	for _, i := range l.instances {
		if i.out {
			out++
		}
	}
	if out == 0 {
		return
	}
	which := part(out, len(l.instances))
	if b.Kind != elb.Classic {
		l.causes = append(l.causes, "ELB processes are not healthy on "+which+".")
	}
	if out < len(l.instances) {
		l.health = worse(l.health, types.EnvironmentHealthStatusDegraded)
		if b.Kind == elb.Classic {
			l.causes = append(l.causes, "ELB health is failing or not available for "+which+".")
		}
		return
	}
	l.causes = append(l.causes, "ELB health is failing or not available for all instances.")
	l.health = types.EnvironmentHealthStatusSevere
}

// ignores4xx reports whether the environment's rules leave client errors out
// [EB:health-enhanced-rules].
func (e *environment) ignores4xx() bool {
	var doc struct {
		Rules struct {
			Environment struct {
				Application struct {
					ApplicationRequests4xx struct{ Enabled *bool }
				}
			}
		}
	}
	text := e.value("aws:elasticbeanstalk:healthreporting:system", "ConfigDocument")
	if text == "" || json.Unmarshal([]byte(text), &doc) != nil {
		return false
	}
	enabled := doc.Rules.Environment.Application.ApplicationRequests4xx.Enabled
	return enabled != nil && !*enabled
}

// failing reports whether the requests to an instance fail.
func (s *Service) failing(e *environment, m Machine) bool {
	s.mu.Lock()
	now, ignore4xx := s.now(), e.ignores4xx()
	s.mu.Unlock()
	h, _ := requestsOf(m, now.UTC()).verdict(ignore4xx)
	return worse(h, types.EnvironmentHealthStatusDegraded) == h
}
