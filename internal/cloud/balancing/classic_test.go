package balancing

import (
	"reflect"
	"strings"
	"testing"

	"beanpole/internal/cloud/cloudformation"
	"beanpole/internal/cloud/elasticbeanstalk"
	"beanpole/internal/cloud/elb"
	"beanpole/internal/cloud/state"
	"beanpole/internal/source"
)

// stacks is one environment's stack with a classic load balancer.
type stacks struct{ props *source.Node }

func (s stacks) Records(_ string, types ...string) (out []cloudformation.Record, err error) {
	for _, typ := range types {
		if typ == classicType {
			out = append(out, cloudformation.Record{Stack: "awseb-e-1-stack", LogicalID: "AWSEBLoadBalancer", Type: typ, ID: "awseb-b",
				Attributes: map[string]string{"DNSName": "awseb-b-1.us-east-1.elb.amazonaws.com"}, Properties: s.props})
		}
	}
	return out, nil
}

type members []elasticbeanstalk.Member

func (m members) Members(stack string) []elasticbeanstalk.Member {
	if stack != "awseb-e-1-stack" {
		return nil
	}
	return m
}

func TestClassicLoadBalancersAreDescribed(t *testing.T) {
	st, err := state.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	props, err := source.ParseJSON("", []byte(`{"Listeners": [{"LoadBalancerPort": "443", "Protocol": "TCP", "InstancePort": "443", "InstanceProtocol": "TCP"}],
		"HealthCheck": {"Target": "TCP:443", "Interval": "10", "Timeout": "5", "HealthyThreshold": "3", "UnhealthyThreshold": "5"}}`))
	if err != nil {
		t.Fatal(err)
	}
	s := New(st, stacks{props}, members{
		{ID: "i-1", Health: []elb.Health{{State: elb.Healthy}}}, {ID: "i-2", Health: []elb.Health{{State: elb.Unhealthy, Reason: elb.Timeout}}},
		{ID: "i-3", Health: []elb.Health{{State: elb.Initial, Reason: elb.InitialHealthChecking}}}, {ID: "i-4"},
	})
	out, err := s.classics(t.Context(), &classicsInput{LoadBalancerNames: []string{"awseb-b"}})
	if err != nil || len(out.LoadBalancerDescriptions) != 1 {
		t.Fatalf("%v: %+v", err, out)
	}
	b := out.LoadBalancerDescriptions[0]
	l := b.ListenerDescriptions[0].Listener
	if l.LoadBalancerPort != 443 || l.InstanceProtocol != "TCP" || b.HealthCheck.Target != "TCP:443" || b.HealthCheck.HealthyThreshold != 3 ||
		!reflect.DeepEqual(b.Instances, []instanceID{{"i-1"}, {"i-2"}, {"i-3"}}) {
		t.Errorf("%+v", b)
	}
	name := "awseb-b"
	health, err := s.instanceHealth(t.Context(), &instanceHealthInput{LoadBalancerName: &name})
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, i := range health.InstanceStates {
		got += i.InstanceId + " " + i.State + " " + i.ReasonCode + "; "
	}
	if want := "i-1 InService N/A; i-2 OutOfService Instance; i-3 OutOfService ELB; "; got != want {
		t.Errorf("states are %s, want %s", got, want)
	}
	if _, err := s.classics(t.Context(), &classicsInput{LoadBalancerNames: []string{"nobody"}}); err == nil || !strings.Contains(err.Error(), "There is no ACTIVE Load Balancer named 'nobody'") {
		t.Errorf("a load balancer that is not there: %v", err)
	}
}
