package elasticbeanstalk

import (
	"cmp"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"beanpole/internal/cloud/door"
	"beanpole/internal/cloud/elb"
	"beanpole/internal/source"
)

// The environment's resources with listeners, by type.
const (
	classicType  = "AWS::ElasticLoadBalancing::LoadBalancer"
	listenerType = "AWS::ElasticLoadBalancingV2::Listener"
	ruleType     = "AWS::ElasticLoadBalancingV2::ListenerRule"
	groupType    = "AWS::ElasticLoadBalancingV2::TargetGroup"
	balancerType = "AWS::ElasticLoadBalancingV2::LoadBalancer"
)

// hastened is how much faster than on AWS health checks follow each other: on
// one machine nothing is gained by waiting as long. What one check may take is
// AWS's own, so that a slow application is as healthy here as there.
const hastened = 20

// made is one resource of the environment's stack.
type made struct {
	id, kind, physical string
	props              *source.Node
}

// stackResources are the stack's resources with their resolved properties.
func (o *operation) stackResources() (all []made) {
	props := o.properties()
	for _, r := range o.resources() {
		id := door.Value(r.LogicalResourceId)
		all = append(all, made{id, door.Value(r.ResourceType), door.Value(r.PhysicalResourceId), props[id]})
	}
	return all
}

func ofKind(all []made, kind string) (some []made) {
	for _, m := range all {
		if m.kind == kind {
			some = append(some, m)
		}
	}
	return some
}

// balance opens the environment's ports on loopback: those of its load balancer
// or, of a single instance, ports 80 and 443.
func (o *operation) balance(all []made) bool {
	c, err := o.frontDoor(all)
	if err != nil {
		o.error("beanpole: %s", reason(err))
		return false
	}
	b := elb.New(c)
	if err := b.Start(); err != nil {
		o.error("beanpole: %s", reason(err))
		b.Close()
		return false
	}
	l := o.live()
	l.mu.Lock()
	l.balancer, l.front = b, c
	l.mu.Unlock()
	return true
}

// frontDoor is the load balancer that the stack describes.
func (o *operation) frontDoor(all []made) (c elb.Config, err error) {
	c = elb.Config{Name: o.e.Name, Kind: elb.Classic, Listen: func(at string) (net.Listener, error) { return o.s.front.Listen(at, o.names) }}
	switch classic := ofKind(all, classicType); {
	case len(classic) > 0:
		o.classic(&c, classic[0].props)
	case len(ofKind(all, balancerType)) > 0:
		err = o.balancerV2(&c, all)
	default: // a single instance has none: its ports are reached as they are
		for _, port := range []int{80, 443} {
			c.Listeners = append(c.Listeners, elb.Listener{Port: port, Protocol: "TCP", InstancePort: port, InstanceProtocol: "TCP"})
		}
		c.Groups = []elb.Group{{Unchecked: true}}
	}
	for i := range c.Listeners {
		l := &c.Listeners[i]
		l.Bind = fmt.Sprintf("127.0.0.1:%d", o.s.PortFor(l.Port))
		if slices.Contains([]string{"HTTPS", "SSL", "TLS"}, l.Protocol) {
			l.TLS = o.s.TLS
		}
	}
	if !o.s.RealTime {
		for i := range c.Groups {
			c.Groups[i].Check.Interval /= hastened
		}
	}
	return c, err
}

// whole is a property's number, or another when it has none.
func whole(n *source.Node, or int) int {
	if v, err := strconv.Atoi(n.TextOr("")); err == nil {
		return v
	}
	return or
}

func seconds(n *source.Node, or int) time.Duration { return time.Duration(whole(n, or)) * time.Second }

func items(n *source.Node) []*source.Node {
	if n == nil {
		return nil
	}
	return n.Items
}

func texts(n *source.Node) (all []string) {
	for _, it := range items(n) {
		all = append(all, it.TextOr(""))
	}
	return all
}

// classic is a classic load balancer: listeners, one health check, and what the
// namespace aws:elb:policies says [EB:command-options-general].
func (o *operation) classic(c *elb.Config, p *source.Node) {
	policy := func(name string) string { return o.e.value("aws:elb:policies", name) }
	number := func(name string, or int) int {
		if n, err := strconv.Atoi(policy(name)); err == nil {
			return n
		}
		return or
	}
	c.IdleTimeout = time.Duration(number("ConnectionSettingIdleTimeout", 60)) * time.Second
	sticky := elb.Stickiness{Enabled: policy("Stickiness Policy") == "true", Duration: time.Duration(number("Stickiness Cookie Expiration", 0)) * time.Second}
	for _, l := range items(p.Get("Listeners")) {
		x := elb.Listener{
			Port: whole(l.Get("LoadBalancerPort"), 0), Protocol: strings.ToUpper(l.Get("Protocol").TextOr("HTTP")),
			InstancePort: whole(l.Get("InstancePort"), 0), InstanceProtocol: strings.ToUpper(l.Get("InstanceProtocol").TextOr("")),
		}
		if x.InstanceProtocol == "" { // that of the same layer [CFN:ElasticLoadBalancing::LoadBalancer Listeners]
			x.InstanceProtocol = map[string]string{"TCP": "TCP", "SSL": "TCP"}[x.Protocol]
		}
		if x.Protocol == "HTTP" || x.Protocol == "HTTPS" { // which alone have cookies (ELB: sticky sessions)
			x.Stickiness = sticky
		}
		c.Listeners = append(c.Listeners, x)
	}
	h := p.Get("HealthCheck")
	g := elb.Group{Check: elb.HealthCheck{
		Target: h.Get("Target").TextOr(""), Interval: seconds(h.Get("Interval"), 10), Timeout: seconds(h.Get("Timeout"), 5),
		Healthy: whole(h.Get("HealthyThreshold"), 3), Unhealthy: whole(h.Get("UnhealthyThreshold"), 5),
	}}
	if policy("ConnectionDrainingEnabled") == "true" {
		g.Draining = time.Duration(number("ConnectionDrainingTimeout", 20)) * time.Second
	}
	c.Groups = []elb.Group{g}
}

// balancerV2 is an application or network load balancer: its listeners with
// their rules, and target groups, also those that the version itself brings
// under Resources.
func (o *operation) balancerV2(c *elb.Config, all []made) error {
	b := ofKind(all, balancerType)[0].props
	c.Kind, c.IdleTimeout = elb.Application, attribute(b, "LoadBalancerAttributes", "idle_timeout.timeout_seconds", 60)
	if b.Get("Type").TextOr("") == "network" {
		c.Kind, c.IdleTimeout = elb.Network, 350*time.Second // (ELB: network load balancers' connection idle timeout)
	}
	if strings.EqualFold(o.e.value("aws:elasticbeanstalk:environment", "LoadBalancerIsShared"), "true") {
		o.warn("beanpole: a shared load balancer is not one of this environment's; here the environment gets its own, with the rules that it has for the shared one")
	}
	for _, g := range ofKind(all, groupType) {
		c.Groups = append(c.Groups, targetGroup(c.Kind, g))
	}
	for _, l := range ofKind(all, listenerType) {
		x := elb.Listener{Port: whole(l.props.Get("Port"), 0), Protocol: strings.ToUpper(l.props.Get("Protocol").TextOr("HTTP"))}
		var err error
		if x.Default, err = action(l.props.Get("DefaultActions")); err != nil {
			return fmt.Errorf("listener %s: %w", l.id, err)
		}
		x.Rules = o.rules(l, ofKind(all, ruleType))
		c.Listeners = append(c.Listeners, x)
	}
	return nil
}

// attribute is a time in seconds in a list of Key and Value.
func attribute(p *source.Node, list, key string, or int) time.Duration {
	return seconds(text(p, list, key), or)
}

func text(p *source.Node, list, key string) *source.Node {
	for _, a := range items(p.Get(list)) {
		if a.Get("Key").TextOr("") == key {
			return a.Get("Value")
		}
	}
	return nil
}

// targetGroup is one process. What is not set is AWS's default of the kind
// [EB:command-options-general, environment:process].
func targetGroup(kind elb.Kind, m made) elb.Group {
	p := m.props
	interval, healthy := 15, 3
	if kind == elb.Network {
		interval, healthy = 30, 5
	}
	g := elb.Group{
		Name: m.physical, Process: strings.TrimPrefix(m.id, "AWSEBV2LoadBalancerTargetGroup"), Port: whole(p.Get("Port"), 80), Protocol: strings.ToUpper(p.Get("Protocol").TextOr("HTTP")),
		Check: elb.HealthCheck{
			Interval: seconds(p.Get("HealthCheckIntervalSeconds"), interval), Timeout: seconds(p.Get("HealthCheckTimeoutSeconds"), 5),
			Healthy: whole(p.Get("HealthyThresholdCount"), healthy), Unhealthy: whole(p.Get("UnhealthyThresholdCount"), 5),
			Matcher: p.At("Matcher", "HttpCode").TextOr("200"),
		},
		Draining: attribute(p, "TargetGroupAttributes", "deregistration_delay.timeout_seconds", 20),
		Stickiness: elb.Stickiness{
			Enabled:  text(p, "TargetGroupAttributes", "stickiness.enabled").TextOr("") == "true",
			Duration: attribute(p, "TargetGroupAttributes", "stickiness.lb_cookie.duration_seconds", 86400),
			BySource: kind == elb.Network,
		},
	}
	check, port := strings.ToUpper(p.Get("HealthCheckProtocol").TextOr(g.Protocol)), p.Get("HealthCheckPort").TextOr("traffic-port")
	if port == "traffic-port" {
		port = strconv.Itoa(g.Port)
	}
	switch check {
	case "HTTP", "HTTPS":
		g.Check.Target = check + ":" + port + "/" + strings.TrimPrefix(p.Get("HealthCheckPath").TextOr("/"), "/")
		if kind == elb.Network {
			g.Check.Matcher = p.At("Matcher", "HttpCode").TextOr("200-399")
		}
	default: // TLS too is checked by a connection
		g.Check.Target = "TCP:" + port
	}
	return g
}

// rules are a listener's, by priority. One with a condition that is not carried
// out here is left out, and said.
func (o *operation) rules(l made, all []made) (out []elb.Rule) {
	mine := slices.DeleteFunc(slices.Clone(all), func(r made) bool { return r.props.Get("ListenerArn").TextOr("") != l.physical })
	slices.SortStableFunc(mine, func(a, b made) int {
		return cmp.Compare(whole(a.props.Get("Priority"), 0), whole(b.props.Get("Priority"), 0))
	})
	for _, r := range mine {
		x, err := rule(r.props)
		if err != nil {
			o.warn("beanpole: listener rule %s is left out: %s", r.id, err)
			continue
		}
		out = append(out, x)
	}
	return out
}

func rule(p *source.Node) (r elb.Rule, err error) {
	for _, c := range items(p.Get("Conditions")) {
		field := c.Get("Field").TextOr("")
		values := texts(c.Get("Values"))
		switch field {
		case "host-header":
			r.Hosts = append(append(r.Hosts, values...), texts(c.At("HostHeaderConfig", "Values"))...)
		case "path-pattern":
			r.Paths = append(append(r.Paths, values...), texts(c.At("PathPatternConfig", "Values"))...)
		default:
			return r, fmt.Errorf("its condition %q is not carried out here", field)
		}
	}
	r.Action, err = action(p.Get("Actions"))
	return r, err
}

// action is what a listener or a rule does with a request.
func action(list *source.Node) (a elb.Action, err error) {
	for _, x := range items(list) {
		switch kind := x.Get("Type").TextOr(""); kind {
		case "forward":
			a.Group = x.Get("TargetGroupArn").TextOr("")
			if groups := items(x.At("ForwardConfig", "TargetGroups")); len(groups) == 1 {
				a.Group = groups[0].Get("TargetGroupArn").TextOr("")
			} else if len(groups) > 1 {
				return a, fmt.Errorf("a forward to several weighted target groups is not carried out here")
			}
		case "redirect":
			c := x.Get("RedirectConfig")
			a.Redirect = &elb.Redirect{
				Protocol: c.Get("Protocol").TextOr("#{protocol}"), Host: c.Get("Host").TextOr("#{host}"), Port: c.Get("Port").TextOr("#{port}"),
				Path: c.Get("Path").TextOr("/#{path}"), Query: c.Get("Query").TextOr("#{query}"), Status: 302,
			}
			if c.Get("StatusCode").TextOr("") == "HTTP_301" {
				a.Redirect.Status = 301
			}
		case "fixed-response":
			c := x.Get("FixedResponseConfig")
			a.Fixed = &elb.FixedResponse{Status: whole(c.Get("StatusCode"), 200), ContentType: c.Get("ContentType").TextOr(""), Body: c.Get("MessageBody").TextOr("")}
		default:
			return a, fmt.Errorf("its action %q is not carried out here", kind)
		}
	}
	return a, nil
}
