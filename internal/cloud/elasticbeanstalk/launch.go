package elasticbeanstalk

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"

	"beanpole/internal/cloud/state"
	"beanpole/internal/ebext"
	"beanpole/internal/event"
	"beanpole/internal/source"
)

// maxInstances is how many instances one environment may have on a machine.
const maxInstances = 40

// sizes are the least and the most instances that the environment's Auto
// Scaling group may have.
func (o *operation) sizes(all []made) (least, most int) {
	least, most = 1, 1
	for _, m := range all {
		if m.id == ebext.Group {
			least, most = whole(m.props.Get("MinSize"), 1), whole(m.props.Get("MaxSize"), 1)
		}
	}
	if least = max(least, 0); least > maxInstances {
		o.warn("beanpole: MinSize is %d; %d instances are started here", least, maxInstances)
		least = maxInstances
	}
	return least, min(max(most, least), maxInstances)
}

// launch starts the instances and puts them behind the load balancer.
func (o *operation) launch() (ok bool) {
	o.info("Waiting for EC2 instances to launch. This may take a few minutes.")
	o.health(types.EnvironmentHealthStatusPending, "Initialization in progress (running for "+span(o.s.now().Sub(o.began))+"). There are no instances.")
	all := o.stackResources()
	if !o.balance(all) {
		return false
	}
	count, _ := o.sizes(all)
	o.live().wanted = count
	machines, err := o.startMachines(count)
	o.keepMachines(machines)
	if err != nil {
		if !o.ended() {
			o.error("beanpole: %s", reason(err))
		}
		return false
	}
	o.added(machines)
	return true
}

func plural(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}

// startMachines starts count instances, in parallel. With an error some may
// run all the same.
func (o *operation) startMachines(count int) ([]Machine, error) {
	if o.s.Launcher == nil {
		return nil, &source.Problem{What: "this local AWS was started without a way to run instances"}
	}
	machines, errs := make([]Machine, count), make([]error, count)
	resources := o.stackResources()
	var all sync.WaitGroup
	for i := range count {
		all.Go(func() {
			id := "i-" + state.Random("0123456789abcdef", 17)
			o.s.Stacks.Join(id, o.e.stackName())
			m, err := o.s.Launcher.Launch(o.ctx, MachineSpec{
				InstanceID: id, EnvironmentID: o.e.ID, EnvironmentName: o.e.Name, Region: o.e.Region, AccountID: o.s.State.AccountID(), Profile: o.profileNow, Notice: o.notice, Volume: o.volume(),
				Placement: o.placement(i, resources),
			})
			if err != nil {
				o.s.Stacks.Leave(id)
				errs[i] = fmt.Errorf("could not start instance %s: %w", id, err)
				return
			}
			machines[i] = m
		})
	}
	all.Wait()
	var running []Machine
	for _, m := range machines {
		if m != nil {
			running = append(running, m)
		}
	}
	now := o.s.now().UTC()
	o.set(func(e *environment) {
		for _, m := range running {
			e.Instances = append(e.Instances, instanceRecord{ID: m.ID(), Launched: now, Status: "In Progress"})
		}
	})
	return running, firstError(errs...)
}

// notice shows a warning of ours; it may come after the operation has ended.
func (o *operation) notice(text string) {
	o.s.mu.Lock()
	e := o.e.event(event.Warn, "", "beanpole: "+text)
	o.s.mu.Unlock()
	o.s.log.Add(e)
}

// volume is RootVolumeSize, which is in GiB; 0 when it is not set.
// [EB:command-options-general]
func (o *operation) volume() int64 {
	n, err := strconv.ParseInt(o.e.value("aws:autoscaling:launchconfiguration", "RootVolumeSize"), 10, 32)
	if err != nil || n < 0 {
		return 0
	}
	return n << 30
}

// profileNow is the instance profile that the instances have at this moment:
// one that was only asked for gives no credentials.
func (o *operation) profileNow() string {
	o.s.mu.Lock()
	defer o.s.mu.Unlock()
	return o.e.Passed
}

// serviceWait is how long a deployed instance may take to pass its health
// check before the environment counts as impaired.
const serviceWait = 10 * time.Second

// inService waits until all instances pass the load balancer's health check.
// A single instance has no such check.
func (o *operation) inService() bool {
	return o.single() || o.balancer() != nil && len(o.outOfService(o.current())) == 0
}

// outOfService waits for instances to pass the load balancer's health checks,
// and names those that do not in time.
func (o *operation) outOfService(machines []Machine) (ids []string) {
	b := o.balancer()
	ctx, cancel := context.WithTimeout(o.ctx, o.healthWait())
	defer cancel()
	for _, m := range machines {
		if b == nil || b.Wait(ctx, m.ID()) != nil {
			ids = append(ids, m.ID())
		}
	}
	return ids
}
