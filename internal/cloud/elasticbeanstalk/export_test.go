package elasticbeanstalk

import (
	"fmt"
	"strings"
	"time"
)

// SetPause replaces the pauses before instances are replaced.
func (s *Service) SetPause(f func(n int) time.Duration) { s.pause = f }

// SetServiceWait replaces the longest wait for instances to pass health checks.
func (s *Service) SetServiceWait(d time.Duration) { s.serviceWait = d }

// FrontDoor is an environment's load balancer as text, groups by their port.
func (s *Service) FrontDoor(name string) string {
	s.mu.Lock()
	e, _ := s.find(nil, &name)
	c := s.live[e.ID].front
	s.mu.Unlock()
	var out strings.Builder
	fmt.Fprintf(&out, "%s, idle %v\n", c.Kind, c.IdleTimeout)
	ports := map[string]int{}
	for _, g := range c.Groups {
		ports[g.Name] = g.Port
		h := g.Check
		fmt.Fprintf(&out, "group %d %s check %s %s every %v, %v, %d and %d; draining %v", g.Port, g.Protocol, h.Target, or(h.Matcher, "200"), h.Interval, h.Timeout, h.Healthy, h.Unhealthy, g.Draining)
		if g.Stickiness.Enabled {
			fmt.Fprintf(&out, "; sticky %v", g.Stickiness.Duration)
		}
		fmt.Fprintln(&out)
	}
	for _, l := range c.Listeners {
		fmt.Fprintf(&out, "listener %d %s", l.Port, l.Protocol)
		switch {
		case l.InstancePort != 0:
			fmt.Fprintf(&out, " to %d %s", l.InstancePort, l.InstanceProtocol)
		case l.Default.Fixed != nil:
			fmt.Fprintf(&out, " answers %d %s", l.Default.Fixed.Status, l.Default.Fixed.Body)
		default:
			fmt.Fprintf(&out, " to group %d", ports[l.Default.Group])
		}
		if l.Stickiness.Enabled {
			fmt.Fprintf(&out, "; sticky %v", l.Stickiness.Duration)
		}
		fmt.Fprintln(&out)
		for _, r := range l.Rules {
			fmt.Fprintf(&out, "  rule %v %v to group %d\n", r.Hosts, r.Paths, ports[r.Action.Group])
		}
	}
	return out.String()
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// SetEvaluation replaces the longest evaluation time.
func (s *Service) SetEvaluation(d time.Duration) { s.evaluation = d }

// InService reports whether an environment's load balancer has an instance in
// service.
func (s *Service) InService(name, instance string) bool {
	s.mu.Lock()
	e, _ := s.find(nil, &name)
	l := s.live[e.ID]
	s.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.balancer.InService(instance)
}
