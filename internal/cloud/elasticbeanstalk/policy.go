package elasticbeanstalk

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"beanpole/internal/cloud/elb"
)

// Namespaces that say how an update is carried out.
const (
	commandOptions = "aws:elasticbeanstalk:command"
	rollingOptions = "aws:autoscaling:updatepolicy:rollingupdate"
)

// The deployment policies [EB:using-features.rolling-version-deploy].
const (
	allAtOnce       = "AllAtOnce"
	rolling         = "Rolling"
	additionalBatch = "RollingWithAdditionalBatch"
	immutable       = "Immutable"
	splitting       = "TrafficSplitting"
)

// policy is the deployment policy in force. A single instance knows no batches.
func (o *operation) policy() string {
	p := o.e.value(commandOptions, "DeploymentPolicy")
	if o.single() && (p == rolling || p == additionalBatch) {
		return allAtOnce
	}
	return p
}

func (o *operation) single() bool {
	return o.e.value("aws:elasticbeanstalk:environment", "EnvironmentType") == "SingleInstance"
}

// permitted refuses what AWS refuses, before anything is changed.
func (o *operation) permitted() bool {
	policy, update := o.policy(), o.e.value(rollingOptions, "RollingUpdateType")
	switch {
	case policy == splitting && (o.single() || o.e.value("aws:elasticbeanstalk:environment", "LoadBalancerType") != "application"):
		o.error("beanpole: DeploymentPolicy TrafficSplitting needs an Application Load Balancer")
	case (policy == splitting || policy == immutable) && !o.e.enhanced():
		o.error("beanpole: DeploymentPolicy %s needs enhanced health reporting", policy)
	case update == immutable && (policy == rolling || policy == additionalBatch):
		o.error("To enable immutable config and application deployments together, you must set both the DeploymentPolicy option (aws:elasticbeanstalk:command namespace) and the RollingUpdateType option (aws:autoscaling:updatepolicy:rollingupdate namespace) to Immutable.")
	default:
		return true
	}
	return false
}

// deployByPolicy brings the version to the instances.
func (o *operation) deployByPolicy() *outcome {
	switch o.policy() {
	case rolling:
		o.info("Deploying new version to instance(s).")
		return o.rolling(o.current(), 0)
	case additionalBatch:
		o.info("Deploying new version to instance(s).")
		return o.withAdditionalBatch()
	case immutable:
		return o.immutable()
	case splitting:
		return o.splitTraffic()
	}
	o.info("Deploying new version to instance(s).")
	o.executing(len(o.current()))
	return o.deploy(o.current())
}

// executing tells that the instances carry out a command.
func (o *operation) executing(some int) {
	which := "all instances"
	if all := len(o.current()); some < all {
		which = fmt.Sprintf("%d out of %d instances", some, all)
	}
	o.health("Info", "Command is executing on "+which+".")
}

// current are the environment's instances.
func (o *operation) current() []Machine {
	l := o.live()
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.machines)
}

func (o *operation) balancer() *elb.Balancer {
	l := o.live()
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.balancer
}

// batchSize is how many of n instances make a batch; parts count as whole ones
// (general).
func (o *operation) batchSize(n int) int {
	size, err := strconv.Atoi(o.e.value(commandOptions, "BatchSize"))
	if err != nil || size < 1 {
		size = 100
	}
	if o.e.value(commandOptions, "BatchSizeType") != "Fixed" {
		size = (n*size + 99) / 100
	}
	return min(max(size, 1), max(n, 1))
}

// rolling deploys to batches of instances, each out of the load balancer. A
// failure ends it: batches before it keep the new version. done batches went
// before.
func (o *operation) rolling(machines []Machine, done int) *outcome {
	all := &outcome{}
	size, total, n := o.batchSize(len(machines)), len(machines), 0
	for batch := range slices.Chunk(machines, size) {
		if done++; o.ended() || o.aborting() {
			return all
		}
		r := o.batch(done, batch, n, total, done == 1)
		all.answers = append(all.answers, r.answers...)
		if all.unhealthy = r.unhealthy; !r.ok() {
			return all
		}
		n += len(batch)
	}
	o.tellHastened()
	return all
}

// batch deploys to one batch of instances.
func (o *operation) batch(n int, batch []Machine, before, total int, leader bool) *outcome {
	o.info("Batch %d: Starting application deployment on instance(s) [%s].", n, strings.Join(names(batch), ", "))
	o.executing(len(batch))
	o.info("Batch %d: De-registering instance(s) from the load balancer and waiting for them to go out of service.", n)
	o.drain(batch)
	o.info("Batch %d: Starting application deployment command execution.", n)
	r := o.deployLed(batch, leader)
	if o.ended() || !r.ok() {
		return r
	}
	o.info("Batch %d: Completed application deployment command execution.", n)
	o.info("Command execution completed on %d of %d instances in environment.", before+len(batch), total)
	o.info("Batch %d: Registering instance(s) with the load balancer and waiting for them to be healthy.", n)
	o.register(batch)
	if r.unhealthy = o.unhealthy(batch); r.ok() {
		o.info("Batch %d: Completed application deployment.", n)
	}
	return r
}

// withAdditionalBatch launches one more batch first, so that capacity stays
// whole, and terminates it at the end.
func (o *operation) withAdditionalBatch() *outcome {
	old := o.current()
	size := o.batchSize(len(old))
	o.info("beanpole: launching an additional batch of %d %s first", size, plural(size, "instance"))
	fresh, r := o.launchFresh(size, true)
	defer func() { o.retire(fresh) }()
	if !r.ok() || o.ended() {
		return r
	}
	o.keepMachines(fresh)
	o.added(fresh)
	if r.unhealthy = o.unhealthy(fresh); !r.ok() {
		return r
	}
	rest := o.rolling(old, 1)
	if rest.ok() {
		o.info("beanpole: terminating the additional batch")
	}
	return rest
}

// launchFresh starts instances outside of the load balancer and deploys the
// version to them.
func (o *operation) launchFresh(count int, leader bool) ([]Machine, *outcome) {
	fresh, err := o.startMachines(count)
	l := o.live()
	l.mu.Lock()
	l.temporary = append(l.temporary, fresh...)
	l.mu.Unlock()
	if err != nil {
		if !o.ended() {
			o.error("beanpole: %s", reason(err))
		}
		return fresh, &outcome{answers: []answered{{err: err}}, told: true}
	}
	return fresh, o.deployLed(fresh, leader)
}

// drain takes instances out of the load balancer and waits until nothing is
// under way on them.
func (o *operation) drain(machines []Machine) {
	b := o.balancer()
	if b == nil {
		return
	}
	var all sync.WaitGroup
	for _, m := range machines {
		all.Go(func() { _ = b.Drain(o.ctx, m.ID()) }) // its error is the operation's end
	}
	all.Wait()
}

func (o *operation) register(machines []Machine) {
	if b := o.balancer(); b != nil {
		for _, m := range machines {
			b.Register(m.ID(), m.Address())
		}
	}
}

// healthWait is how long instances may take to pass health checks: on AWS the
// command timeout.
func (o *operation) healthWait() time.Duration {
	if o.s.RealTime {
		if n, err := strconv.Atoi(o.e.value(commandOptions, "Timeout")); err == nil && n > 0 {
			return time.Duration(n) * time.Second
		}
	}
	return o.s.serviceWait
}

// unhealthy waits for instances to pass their health checks, and names those
// that do not. With IgnoreHealthCheck nobody asks.
func (o *operation) unhealthy(machines []Machine) (ids []string) {
	if strings.EqualFold(o.e.value(commandOptions, "IgnoreHealthCheck"), "true") || o.single() {
		return nil
	}
	return o.outOfService(machines)
}

// retire takes instances out of the environment and ends them.
func (o *operation) retire(machines []Machine) {
	if len(machines) == 0 {
		return
	}
	o.drain(machines)
	gone := names(machines)
	l := o.live()
	l.mu.Lock()
	isGone := func(m Machine) bool { return slices.Contains(gone, m.ID()) }
	l.machines = slices.DeleteFunc(slices.Clone(l.machines), isGone)
	l.temporary = slices.DeleteFunc(slices.Clone(l.temporary), isGone)
	l.mu.Unlock()
	var all sync.WaitGroup
	for _, m := range machines {
		all.Go(func() {
			o.s.Stacks.Leave(m.ID())
			_ = m.Stop(o.ctx) // what is left of it is swept at the next start
		})
	}
	all.Wait()
	o.forget(gone)
}

// forget drops the records of instances that are gone.
func (o *operation) forget(gone []string) {
	o.set(func(e *environment) {
		e.Instances = slices.DeleteFunc(slices.Clone(e.Instances), func(i instanceRecord) bool { return slices.Contains(gone, i.ID) })
	})
	if o.e.enhanced() && !o.ended() {
		o.info("Removed %s [%s] from your environment.", plural(len(gone), "instance"), strings.Join(gone, ", "))
	}
}

// tellHastened says once what the waits of an update were on AWS.
func (o *operation) tellHastened() {
	b := o.balancer()
	if o.s.RealTime || b == nil || o.ended() {
		return
	}
	check := b.Groups[0].Check
	o.info("beanpole: on AWS health checks are %s apart and batches wait for them; here they are %s apart, and faster while a deployment waits (--real-time keeps AWS's times)", span(check.Interval*hastened), check.Interval)
}
