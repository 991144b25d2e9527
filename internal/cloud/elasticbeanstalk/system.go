package elasticbeanstalk

import (
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"
)

// measured is the time over which the use of the processor is measured.
const measured = 200 * time.Millisecond

// systems measures how busy instances are, all at once.
func (s *Service) systems(e *environment, instances []instanceState) map[string]*types.SystemStatus {
	s.mu.Lock()
	l := s.live[e.ID]
	s.mu.Unlock()
	if l == nil {
		return nil
	}
	l.mu.Lock()
	machines := append(slices.Clone(l.machines), l.temporary...)
	l.mu.Unlock()
	out, all, mu := map[string]*types.SystemStatus{}, sync.WaitGroup{}, sync.Mutex{}
	for _, m := range machines {
		meter, ok := m.(Meter)
		if !ok || !slices.ContainsFunc(instances, func(i instanceState) bool { return i.record.ID == m.ID() }) {
			continue
		}
		all.Go(func() {
			status := systemOf(meter)
			mu.Lock()
			defer mu.Unlock()
			out[m.ID()] = status
		})
	}
	all.Wait()
	return out
}

// systemOf measures one instance. What is not known of it is left out.
func systemOf(m Meter) *types.SystemStatus {
	out := &types.SystemStatus{LoadAverage: m.Load()}
	began := time.Now()
	user, system, ok := m.Processor()
	if !ok {
		return out
	}
	time.Sleep(measured)
	userThen, systemThen, ok := m.Processor()
	if !ok {
		return out
	}
	room := float64(time.Since(began)) * float64(runtime.NumCPU())
	share := func(d time.Duration) *float64 {
		v := min(max(100*float64(d)/room, 0), 100)
		return &v
	}
	u, s := share(userThen-user), share(systemThen-system)
	idle := max(100-*u-*s, 0)
	out.CPUUtilization = &types.CPUUtilization{User: u, System: s, Idle: &idle}
	return out
}
