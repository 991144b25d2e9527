package elasticbeanstalk

import (
	"slices"
	"time"

	"beanpole/internal/cloud/elb"
)

// Member is an instance of an environment.
type Member struct {
	ID       string
	Launched time.Time
	Health   []elb.Health // what the load balancer finds, by target group
}

// Members are the instances that belong to an environment's stack; none for any
// other stack.
func (s *Service) Members(stackName string) (out []Member) {
	s.mu.Lock()
	var l *live
	var records []instanceRecord
	for _, e := range s.environments {
		if e.stackName() == stackName {
			l, records = s.live[e.ID], slices.Clone(e.Instances)
		}
	}
	s.mu.Unlock()
	if l == nil {
		return nil
	}
	l.mu.Lock()
	machines, b := slices.Clone(l.machines), l.balancer
	l.mu.Unlock()
	for _, m := range machines {
		member := Member{ID: m.ID()}
		if i := slices.IndexFunc(records, func(r instanceRecord) bool { return r.ID == m.ID() }); i >= 0 {
			member.Launched = records[i].Launched
		}
		if b != nil {
			member.Health = b.Health(m.ID())
		}
		out = append(out, member)
	}
	return out
}
