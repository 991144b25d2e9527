package balancing

import (
	"context"
	"slices"
	"time"

	"beanpole/internal/cloud/cloudformation"
	"beanpole/internal/cloud/elb"
)

const classicType = "AWS::ElasticLoadBalancing::LoadBalancer"

// The shapes of the API of version 2012-06-01.

type classicsInput struct{ LoadBalancerNames []string }

type classicsOutput struct{ LoadBalancerDescriptions []classic }

type classic struct {
	LoadBalancerName, DNSName, CanonicalHostedZoneName, Scheme string
	CreatedTime                                                *time.Time
	ListenerDescriptions                                       []classicListener
	HealthCheck                                                struct {
		Target                                                  string
		Interval, Timeout, UnhealthyThreshold, HealthyThreshold int
	}
	Instances                                  []instanceID
	AvailabilityZones, Subnets, SecurityGroups []string
	SourceSecurityGroup                        struct{ OwnerAlias, GroupName string }
}

type classicListener struct {
	Listener struct {
		Protocol, InstanceProtocol, SSLCertificateId string
		LoadBalancerPort, InstancePort               int
	}
	PolicyNames []string
}

type instanceID struct{ InstanceId string }

// classics is DescribeLoadBalancers.
func (s *Service) classics(ctx context.Context, in *classicsInput) (*classicsOutput, error) {
	some, err := s.classic(ctx, in.LoadBalancerNames)
	if err != nil {
		return nil, err
	}
	out := &classicsOutput{LoadBalancerDescriptions: []classic{}}
	for _, r := range some {
		p := r.Properties
		c := classic{LoadBalancerName: r.ID, DNSName: r.Attributes["DNSName"], CanonicalHostedZoneName: r.Attributes["CanonicalHostedZoneName"], CreatedTime: made(r),
			Scheme: text(p, "internet-facing", "Scheme"), AvailabilityZones: texts(p, "AvailabilityZones"), Subnets: texts(p, "Subnets"), SecurityGroups: texts(p, "SecurityGroups"),
			Instances: []instanceID{}, ListenerDescriptions: []classicListener{}}
		c.SourceSecurityGroup.GroupName, c.SourceSecurityGroup.OwnerAlias = r.Attributes["SourceSecurityGroup.GroupName"], r.Attributes["SourceSecurityGroup.OwnerAlias"]
		h := p.Get("HealthCheck")
		c.HealthCheck.Target, c.HealthCheck.Interval, c.HealthCheck.Timeout = text(h, "TCP:80", "Target"), number(h, 30, "Interval"), number(h, 5, "Timeout")
		c.HealthCheck.HealthyThreshold, c.HealthCheck.UnhealthyThreshold = number(h, 10, "HealthyThreshold"), number(h, 2, "UnhealthyThreshold")
		for _, n := range items(p.Get("Listeners")) {
			var l classicListener
			l.Listener.Protocol, l.Listener.LoadBalancerPort = text(n, "HTTP", "Protocol"), number(n, 80, "LoadBalancerPort")
			l.Listener.InstanceProtocol, l.Listener.InstancePort = text(n, l.Listener.Protocol, "InstanceProtocol"), number(n, 80, "InstancePort")
			l.Listener.SSLCertificateId, l.PolicyNames = text(n, "", "SSLCertificateId"), texts(n, "PolicyNames")
			c.ListenerDescriptions = append(c.ListenerDescriptions, l)
		}
		for _, m := range s.environments.Members(r.Stack) {
			if len(m.Health) > 0 {
				c.Instances = append(c.Instances, instanceID{m.ID})
			}
		}
		out.LoadBalancerDescriptions = append(out.LoadBalancerDescriptions, c)
	}
	return out, nil
}

// classic are load balancers by name; none named: all.
func (s *Service) classic(ctx context.Context, names []string) ([]cloudformation.Record, error) {
	all, err := s.records(ctx, classicType)
	if err != nil {
		return nil, err
	}
	some, missing := chosen(all, id, names)
	if missing != "" {
		return nil, refuse("LoadBalancerNotFound", "There is no ACTIVE Load Balancer named '"+missing+"'")
	}
	return some, nil
}

type instanceHealthInput struct {
	LoadBalancerName *string
	Instances        []instanceID
}

type instanceHealthOutput struct{ InstanceStates []instanceState }

type instanceState struct{ InstanceId, State, ReasonCode, Description string }

// instanceHealth is DescribeInstanceHealth.
func (s *Service) instanceHealth(ctx context.Context, in *instanceHealthInput) (*instanceHealthOutput, error) {
	if in.LoadBalancerName == nil {
		return nil, refuse("ValidationError", "LoadBalancerName is required")
	}
	some, err := s.classic(ctx, []string{*in.LoadBalancerName})
	if err != nil {
		return nil, err
	}
	out := &instanceHealthOutput{InstanceStates: []instanceState{}}
	for _, m := range s.environments.Members(some[0].Stack) {
		asked := len(in.Instances) == 0 || slices.Contains(in.Instances, instanceID{m.ID})
		if len(m.Health) == 0 || !asked {
			continue
		}
		st := instanceState{InstanceId: m.ID, State: "InService", ReasonCode: "N/A", Description: "N/A"}
		switch h := m.Health[0]; {
		case h.Reason == elb.InitialHealthChecking:
			st.State, st.ReasonCode, st.Description = "OutOfService", "ELB", "Instance registration is still in progress."
		case h.State == elb.Unhealthy:
			st.State, st.ReasonCode, st.Description = "OutOfService", "Instance", "Instance has failed at least the UnhealthyThreshold number of health checks consecutively."
		case h.State == elb.Draining:
			st.Description = "Instance deregistration currently in progress."
		}
		out.InstanceStates = append(out.InstanceStates, st)
	}
	return out, nil
}
