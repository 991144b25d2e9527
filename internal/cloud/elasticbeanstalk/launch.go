package elasticbeanstalk

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"

	"beanpole/internal/cloud/elb"
	"beanpole/internal/cloud/state"
	"beanpole/internal/ebext"
	"beanpole/internal/event"
	"beanpole/internal/source"
)

// maxInstances is how many instances one environment may have on a machine.
const maxInstances = 8

// launch starts the instances and puts them behind the load balancer.
func (o *operation) launch() (ok bool) {
	o.info("Waiting for EC2 instances to launch. This may take a few minutes.")
	o.health(types.EnvironmentHealthStatusPending, "Initialization in progress (running for "+span(o.s.now().Sub(o.began))+"). There are no instances.")
	props := o.properties()
	if !o.balance(props) {
		return false
	}
	count, err := strconv.Atoi(props[ebext.Group].Get("MinSize").TextOr("1"))
	if err != nil || count < 0 {
		count = 1
	}
	if count > maxInstances {
		o.warn("beanpole: MinSize is %d; %d instances are started here", count, maxInstances)
		count = maxInstances
	}
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
	var all sync.WaitGroup
	for i := range count {
		all.Go(func() {
			id := "i-" + state.Random("0123456789abcdef", 17)
			o.s.Stacks.Join(id, o.e.stackName())
			m, err := o.s.Launcher.Launch(o.ctx, MachineSpec{
				InstanceID: id, EnvironmentID: o.e.ID, EnvironmentName: o.e.Name, Region: o.e.Region, AccountID: o.s.State.AccountID(), Profile: o.profileNow, Notice: o.notice,
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

// profileNow is the instance profile that the instances have at this moment:
// one that was only asked for gives no credentials.
func (o *operation) profileNow() string {
	o.s.mu.Lock()
	defer o.s.mu.Unlock()
	return o.e.Passed
}

// balance opens the environment's ports on loopback: those of its classic load
// balancer or, of a single instance, ports 80 and 443.
func (o *operation) balance(props map[string]*source.Node) bool {
	name, listeners, check := o.frontDoor(props)
	b := elb.New(name, listeners, check)
	if err := b.Start(); err != nil {
		o.error("beanpole: %s", reason(err))
		b.Close()
		return false
	}
	l := o.live()
	l.mu.Lock()
	l.balancer = b
	l.mu.Unlock()
	return true
}

// The environment's resources with listeners.
const (
	classicBalancer = "AWSEBLoadBalancer"
	listenerV2      = "AWSEBV2LoadBalancerListener"
	targetGroupV2   = "AWSEBV2LoadBalancerTargetGroup"
)

// checkEvery is the time between health checks: on one machine nothing is
// gained by waiting as long as AWS does.
const checkEvery = 500 * time.Millisecond

func (o *operation) frontDoor(props map[string]*source.Node) (name string, ls []elb.Listener, hc elb.HealthCheck) {
	name, hc = o.e.Name, elb.HealthCheck{Interval: checkEvery, Healthy: 2}
	lb := props[classicBalancer]
	switch {
	case lb != nil:
		hc.Target = lb.At("HealthCheck", "Target").TextOr("")
		hc.Unhealthy, _ = strconv.Atoi(lb.At("HealthCheck", "UnhealthyThreshold").TextOr(""))
		if all := lb.Get("Listeners"); all != nil {
			for _, l := range all.Items {
				ls = append(ls, o.listener(l.Get("LoadBalancerPort"), l.Get("Protocol"), l.Get("InstancePort"), l.Get("InstanceProtocol")))
			}
		}
	case props[listenerV2] != nil:
		o.warn("beanpole: an application or network load balancer is carried out like a classic one: its default listener and process only")
		l, t := props[listenerV2], props[targetGroupV2]
		ls = append(ls, o.listener(l.Get("Port"), l.Get("Protocol"), t.Get("Port"), t.Get("Protocol")))
	default:
		ls = append(ls, o.listener(number(80), word("TCP"), number(80), word("TCP")), o.listener(number(443), word("TCP"), number(443), word("TCP")))
	}
	return name, ls, hc
}

func number(n int) *source.Node  { return source.NewString(strconv.Itoa(n), source.Pos{}) }
func word(s string) *source.Node { return source.NewString(s, source.Pos{}) }

func (o *operation) listener(port, protocol, instancePort, instanceProtocol *source.Node) elb.Listener {
	at, _ := strconv.Atoi(port.TextOr(""))
	inside, _ := strconv.Atoi(instancePort.TextOr(""))
	l := elb.Listener{
		Port: at, Bind: fmt.Sprintf("127.0.0.1:%d", o.s.PortFor(at)), Protocol: strings.ToUpper(protocol.TextOr("HTTP")),
		InstancePort: inside, InstanceProtocol: strings.ToUpper(instanceProtocol.TextOr("")),
	}
	if l.Protocol == "HTTPS" || l.Protocol == "SSL" {
		l.TLS = o.s.TLS
	}
	return l
}

// serviceWait is how long a deployed instance may take to pass its health
// check before the environment counts as impaired.
const serviceWait = 10 * time.Second

// inService waits until all instances pass the load balancer's health check.
// A single instance has no such check.
func (o *operation) inService() bool {
	if o.e.value("aws:elasticbeanstalk:environment", "EnvironmentType") == "SingleInstance" {
		return true
	}
	l := o.live()
	l.mu.Lock()
	balancer, machines := l.balancer, l.machines
	l.mu.Unlock()
	if balancer == nil {
		return false
	}
	ctx, cancel := context.WithTimeout(o.ctx, o.s.serviceWait)
	defer cancel()
	for _, m := range machines {
		if balancer.Wait(ctx, m.ID()) != nil {
			return false
		}
	}
	return true
}
