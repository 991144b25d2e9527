package balancing

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"beanpole/internal/cloud/cloudformation"
	"beanpole/internal/cloud/elb"
	"beanpole/internal/source"
)

const (
	balancerType = "AWS::ElasticLoadBalancingV2::LoadBalancer"
	groupType    = "AWS::ElasticLoadBalancingV2::TargetGroup"
	listenerType = "AWS::ElasticLoadBalancingV2::Listener"
	ruleType     = "AWS::ElasticLoadBalancingV2::ListenerRule"
)

// The shapes of the API of version 2015-12-01.

type balancersInput struct{ LoadBalancerArns, Names []string }

type balancersOutput struct{ LoadBalancers []balancer }

type balancer struct {
	LoadBalancerArn, DNSName, LoadBalancerName, Scheme, VpcId, Type, IpAddressType string
	CreatedTime                                                                    *time.Time
	State                                                                          struct{ Code string }
	AvailabilityZones                                                              []zone
	SecurityGroups                                                                 []string
}

type zone struct{ ZoneName, SubnetId string }

// balancers is DescribeLoadBalancers.
func (s *Service) balancers(ctx context.Context, in *balancersInput) (*balancersOutput, error) {
	all, err := s.records(ctx, balancerType)
	if err != nil {
		return nil, err
	}
	some, missing := chosen(all, id, in.LoadBalancerArns)
	if missing == "" && len(in.Names) > 0 {
		some, missing = chosen(some, attribute("LoadBalancerName"), in.Names)
	}
	if missing != "" {
		return nil, refuse("LoadBalancerNotFound", "Load balancers '["+missing+"]' not found")
	}
	subnets, err := s.records(ctx, "AWS::EC2::Subnet")
	if err != nil {
		return nil, err
	}
	out := &balancersOutput{LoadBalancers: []balancer{}}
	for _, r := range some {
		b := balancer{LoadBalancerArn: r.ID, DNSName: r.Attributes["DNSName"], LoadBalancerName: r.Attributes["LoadBalancerName"], CreatedTime: made(r),
			Scheme: text(r.Properties, "internet-facing", "Scheme"), Type: text(r.Properties, "application", "Type"), IpAddressType: text(r.Properties, "ipv4", "IpAddressType"),
			SecurityGroups: texts(r.Properties, "SecurityGroups"), AvailabilityZones: []zone{}}
		b.State.Code = "active"
		for _, subnet := range texts(r.Properties, "Subnets") {
			z := zone{SubnetId: subnet}
			for _, n := range subnets {
				if n.ID == subnet {
					z.ZoneName, b.VpcId = n.Attributes["AvailabilityZone"], n.Attributes["VpcId"]
				}
			}
			b.AvailabilityZones = append(b.AvailabilityZones, z)
		}
		out.LoadBalancers = append(out.LoadBalancers, b)
	}
	return out, nil
}

type groupsInput struct {
	LoadBalancerArn        *string
	TargetGroupArns, Names []string
}

type groupsOutput struct{ TargetGroups []group }

type group struct {
	TargetGroupArn, TargetGroupName, Protocol                                                             string
	Port                                                                                                  int
	VpcId, HealthCheckProtocol, HealthCheckPort                                                           string
	HealthCheckEnabled                                                                                    bool
	HealthCheckIntervalSeconds, HealthCheckTimeoutSeconds, HealthyThresholdCount, UnhealthyThresholdCount int
	HealthCheckPath                                                                                       string
	Matcher                                                                                               *matcher
	LoadBalancerArns                                                                                      []string
	TargetType                                                                                            string
}

type matcher struct{ HttpCode string }

// targetGroups is DescribeTargetGroups.
func (s *Service) targetGroups(ctx context.Context, in *groupsInput) (*groupsOutput, error) {
	all, err := s.records(ctx, groupType)
	if err != nil {
		return nil, err
	}
	some, missing := chosen(all, id, in.TargetGroupArns)
	if missing == "" && len(in.Names) > 0 {
		some, missing = chosen(some, attribute("TargetGroupName"), in.Names)
	}
	if missing != "" {
		return nil, refuse("TargetGroupNotFound", "One or more target groups not found")
	}
	listeners, err := s.records(ctx, listenerType, ruleType)
	if err != nil {
		return nil, err
	}
	out := &groupsOutput{TargetGroups: []group{}}
	for _, r := range some {
		g := describeGroup(r, listeners)
		if in.LoadBalancerArn == nil || len(g.LoadBalancerArns) > 0 && g.LoadBalancerArns[0] == *in.LoadBalancerArn {
			out.TargetGroups = append(out.TargetGroups, g)
		}
	}
	return out, nil
}

func describeGroup(r cloudformation.Record, listeners []cloudformation.Record) group {
	p := r.Properties
	g := group{TargetGroupArn: r.ID, TargetGroupName: r.Attributes["TargetGroupName"], Protocol: text(p, "HTTP", "Protocol"), Port: number(p, 80, "Port"),
		VpcId: text(p, "", "VpcId"), HealthCheckPort: text(p, "traffic-port", "HealthCheckPort"), HealthCheckEnabled: true,
		HealthCheckIntervalSeconds: number(p, 30, "HealthCheckIntervalSeconds"), HealthCheckTimeoutSeconds: number(p, 5, "HealthCheckTimeoutSeconds"),
		HealthyThresholdCount: number(p, 5, "HealthyThresholdCount"), UnhealthyThresholdCount: number(p, 2, "UnhealthyThresholdCount"),
		TargetType: text(p, "instance", "TargetType"), LoadBalancerArns: []string{}}
	if g.HealthCheckProtocol = text(p, g.Protocol, "HealthCheckProtocol"); strings.HasPrefix(g.HealthCheckProtocol, "HTTP") {
		g.HealthCheckPath = text(p, "/", "HealthCheckPath")
		g.Matcher = &matcher{text(p, "200", "Matcher", "HttpCode")}
	}
	for _, l := range listeners {
		for _, a := range append(items(l.Properties.Get("DefaultActions")), items(l.Properties.Get("Actions"))...) {
			if arn := balancerOf(l, listeners); text(a, "", "TargetGroupArn") == r.ID && len(g.LoadBalancerArns) == 0 {
				g.LoadBalancerArns = append(g.LoadBalancerArns, arn)
			}
		}
	}
	return g
}

// balancerOf is the load balancer of a listener or a rule.
func balancerOf(r cloudformation.Record, listeners []cloudformation.Record) string {
	if on := text(r.Properties, "", "ListenerArn"); on != "" {
		for _, l := range listeners {
			if l.ID == on {
				return text(l.Properties, "", "LoadBalancerArn")
			}
		}
	}
	return text(r.Properties, "", "LoadBalancerArn")
}

type targetHealthInput struct{ TargetGroupArn *string }

type targetHealthOutput struct{ TargetHealthDescriptions []targetHealth }

type targetHealth struct {
	Target struct {
		Id   string
		Port int
	}
	HealthCheckPort string
	TargetHealth    struct{ State, Reason, Description string }
}

// targetHealth is DescribeTargetHealth.
func (s *Service) targetHealth(ctx context.Context, in *targetHealthInput) (*targetHealthOutput, error) {
	all, err := s.records(ctx, groupType)
	if err != nil {
		return nil, err
	}
	out := &targetHealthOutput{TargetHealthDescriptions: []targetHealth{}}
	if in.TargetGroupArn == nil {
		return nil, refuse("ValidationError", "A target group ARN must be specified")
	}
	some, missing := chosen(all, id, []string{*in.TargetGroupArn})
	if missing != "" {
		return nil, refuse("TargetGroupNotFound", "One or more target groups not found")
	}
	r := some[0]
	port := text(r.Properties, "80", "Port")
	for _, m := range s.environments.Members(r.Stack) {
		for _, h := range m.Health {
			if h.Group != r.ID {
				continue
			}
			d := targetHealth{HealthCheckPort: text(r.Properties, port, "HealthCheckPort")}
			if d.HealthCheckPort == "traffic-port" {
				d.HealthCheckPort = port
			}
			d.Target.Id, d.Target.Port = m.ID, number(r.Properties, 80, "Port")
			d.TargetHealth.State, d.TargetHealth.Reason, d.TargetHealth.Description = string(h.State), string(h.Reason), describeReason(h)
			out.TargetHealthDescriptions = append(out.TargetHealthDescriptions, d)
		}
	}
	return out, nil
}

// describeReason is a reason in words [elbv2 API: TargetHealth].
func describeReason(h elb.Health) string {
	switch h.Reason {
	case "":
		return ""
	case elb.InitialHealthChecking:
		return "Initial health checks in progress"
	case elb.Timeout:
		return "Request timed out"
	case elb.FailedHealthChecks:
		return "Health checks failed"
	case elb.DeregistrationInProgress:
		return "Target deregistration is in progress"
	}
	return h.Detail
}

type listenersInput struct {
	LoadBalancerArn *string
	ListenerArns    []string
}

type listenersOutput struct{ Listeners []listener }

type listener struct {
	ListenerArn, LoadBalancerArn, Protocol, SslPolicy string
	Port                                              int
	Certificates                                      []certificate
	DefaultActions                                    []action
}

type certificate struct{ CertificateArn string }

type action struct {
	Type, TargetGroupArn string
	RedirectConfig       *redirect
	FixedResponseConfig  *fixed
}

type redirect struct{ Protocol, Port, Host, Path, Query, StatusCode string }

type fixed struct{ MessageBody, StatusCode, ContentType string }

// listeners is DescribeListeners.
func (s *Service) listeners(ctx context.Context, in *listenersInput) (*listenersOutput, error) {
	all, err := s.records(ctx, listenerType)
	if err != nil {
		return nil, err
	}
	if in.LoadBalancerArn == nil && len(in.ListenerArns) == 0 {
		return nil, refuse("ValidationError", "You must specify either listener ARNs or a load balancer ARN")
	}
	some, missing := chosen(all, id, in.ListenerArns)
	if missing != "" {
		return nil, refuse("ListenerNotFound", "One or more listeners not found")
	}
	out := &listenersOutput{Listeners: []listener{}}
	for _, r := range some {
		p := r.Properties
		l := listener{ListenerArn: r.ID, LoadBalancerArn: text(p, "", "LoadBalancerArn"), Protocol: text(p, "HTTP", "Protocol"), Port: number(p, 0, "Port"),
			SslPolicy: text(p, "", "SslPolicy"), DefaultActions: actions(p.Get("DefaultActions"))}
		for _, c := range items(p.Get("Certificates")) {
			l.Certificates = append(l.Certificates, certificate{text(c, "", "CertificateArn")})
		}
		if in.LoadBalancerArn == nil || l.LoadBalancerArn == *in.LoadBalancerArn {
			out.Listeners = append(out.Listeners, l)
		}
	}
	return out, nil
}

func actions(n *source.Node) []action {
	out := []action{}
	for _, a := range items(n) {
		x := action{Type: text(a, "", "Type"), TargetGroupArn: text(a, "", "TargetGroupArn")}
		if c := a.Get("RedirectConfig"); c != nil {
			x.RedirectConfig = &redirect{Protocol: text(c, "#{protocol}", "Protocol"), Port: text(c, "#{port}", "Port"), Host: text(c, "#{host}", "Host"),
				Path: text(c, "/#{path}", "Path"), Query: text(c, "#{query}", "Query"), StatusCode: text(c, "", "StatusCode")}
		}
		if c := a.Get("FixedResponseConfig"); c != nil {
			x.FixedResponseConfig = &fixed{MessageBody: text(c, "", "MessageBody"), StatusCode: text(c, "", "StatusCode"), ContentType: text(c, "", "ContentType")}
		}
		out = append(out, x)
	}
	return out
}

type rulesInput struct {
	ListenerArn *string
	RuleArns    []string
}

type rulesOutput struct{ Rules []rule }

type rule struct {
	RuleArn, Priority string
	Conditions        []condition
	Actions           []action
	IsDefault         bool
}

type condition struct {
	Field  string
	Values []string
}

// rules is DescribeRules: those of a listener with its default one, or some.
func (s *Service) rules(ctx context.Context, in *rulesInput) (*rulesOutput, error) {
	all, err := s.records(ctx, ruleType)
	if err != nil {
		return nil, err
	}
	some, missing := chosen(all, id, in.RuleArns)
	if missing != "" {
		return nil, refuse("RuleNotFound", "One or more rules not found")
	}
	out := &rulesOutput{Rules: []rule{}}
	for _, r := range some {
		p := r.Properties
		x := rule{RuleArn: r.ID, Priority: text(p, "", "Priority"), Actions: actions(p.Get("Actions")), Conditions: []condition{}}
		for _, c := range items(p.Get("Conditions")) {
			field := text(c, "", "Field")
			values := texts(c, "Values")
			for _, config := range []string{"HostHeaderConfig", "PathPatternConfig"} {
				values = append(values, texts(c.Get(config), "Values")...)
			}
			x.Conditions = append(x.Conditions, condition{field, values})
		}
		if in.ListenerArn == nil || text(p, "", "ListenerArn") == *in.ListenerArn {
			out.Rules = append(out.Rules, x)
		}
	}
	if in.ListenerArn == nil {
		return out, nil
	}
	l, err := s.listeners(ctx, &listenersInput{ListenerArns: []string{*in.ListenerArn}})
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(*in.ListenerArn)) // the default rule has no resource of its own
	out.Rules = append(out.Rules, rule{RuleArn: strings.Replace(*in.ListenerArn, ":listener/", ":listener-rule/", 1) + "/" + hex.EncodeToString(sum[:8]),
		Priority: "default", Conditions: []condition{}, Actions: l.Listeners[0].DefaultActions, IsDefault: true})
	return out, nil
}

type tagsInput struct{ ResourceArns []string }

type tagsOutput struct{ TagDescriptions []tagged }

type tagged struct {
	ResourceArn string
	Tags        []tag
}

type tag struct{ Key, Value string }

// tags is DescribeTags: the tags of the resources' stacks.
func (s *Service) tags(ctx context.Context, in *tagsInput) (*tagsOutput, error) {
	all, err := s.records(ctx, balancerType, groupType, listenerType, ruleType)
	if err != nil {
		return nil, err
	}
	some, missing := chosen(all, id, in.ResourceArns)
	if missing != "" || len(in.ResourceArns) == 0 {
		return nil, refuse("LoadBalancerNotFound", "One or more resources not found: "+missing)
	}
	out := &tagsOutput{TagDescriptions: []tagged{}}
	for _, r := range some {
		out.TagDescriptions = append(out.TagDescriptions, tagged{r.ID, tagsOf(r)})
	}
	return out, nil
}

func tagsOf(r cloudformation.Record) []tag {
	out := []tag{}
	for _, t := range r.Tags {
		if t.Key != nil && t.Value != nil {
			out = append(out, tag{*t.Key, *t.Value})
		}
	}
	return append(out, tag{"aws:cloudformation:stack-name", r.Stack}, tag{"aws:cloudformation:logical-id", r.LogicalID})
}
