package check

import (
	"fmt"
	"strings"

	"beanpole/internal/finding"
	"beanpole/internal/source"
)

var listenerExists = &Rule{
	Slug:  "listener-exists",
	Title: "a second listener on a port of the load balancer",
	Why: `Elastic Beanstalk makes the listener on port 80 of an Application or Network Load
Balancer itself, as AWSEBV2LoadBalancerListener, and one for each port that has options.
A listener under Resources on the same port fails, and the environment's update with it:
  A listener already exists on this port for this load balancer`,
	Before: `Resources:
  Redirect:
    Type: AWS::ElasticLoadBalancingV2::Listener
    Properties:
      LoadBalancerArn: {Ref: AWSEBV2LoadBalancer}
      Port: 80`,
	After: `Resources:
  AWSEBV2LoadBalancerListener:
    Type: AWS::ElasticLoadBalancingV2::Listener
    Properties:
      LoadBalancerArn: {Ref: AWSEBV2LoadBalancer}
      Port: 80`,
	Since: "0.1.0",

	find: func(r *run) (out []*finding.Finding) {
		var own []entry
		for _, e := range r.entries("Resources") {
			if e.get("Type").TextOr("") == "AWS::ElasticLoadBalancingV2::Listener" && !strings.HasPrefix(e.name.Text, "AWSEB") &&
				e.value.At("Properties", "LoadBalancerArn", "Ref").TextOr("") == newBalancer {
				own = append(own, e)
			}
		}
		if len(own) == 0 {
			return nil
		}
		ports := map[string]*listener{"80": nil}
		for _, l := range r.listeners() {
			if l.v2 && !l.off() {
				ports[l.port] = l
			} else if l.v2 {
				delete(ports, l.port)
			}
		}
		for _, e := range own {
			port := e.value.At("Properties", "Port")
			l, taken := ports[port.TextOr("")]
			if !taken {
				continue
			}
			f := &finding.Finding{Rule: "listener-exists", Severity: finding.Error, Certain: r.direct || l != nil, Pos: port.Pos, End: port.End}
			if !f.Certain {
				f.Severity = finding.Warning // a client may have switched the one on port 80 off
			}
			f.Message = fmt.Sprintf("CloudFormation %s fail to create %s: the load balancer has a listener on port %s already", will(f), e.name.Text, port.Text)
			cause := finding.Note{Label: "cause", Text: "Elastic Beanstalk makes one on port 80, AWSEBV2LoadBalancerListener"}
			if l != nil {
				cause = finding.Note{Label: "cause", Text: "Elastic Beanstalk makes one for the options of " + l.namespace, At: []source.Pos{l.anySetting().Pos}}
			}
			f.Notes = []finding.Note{cause, {Label: "on AWS", Text: "A listener already exists on this port for this load balancer"},
				{Label: "fix", Text: listenerFix(l, port.Text)}}
			out = append(out, f)
		}
		return out
	},
}

// listenerFix is how to have one listener on a port.
func listenerFix(l *listener, port string) string {
	if port == "80" {
		return "name this entry AWSEBV2LoadBalancerListener, which changes the one that exists; or switch that one off: aws:elbv2:listener:default ListenerEnabled   false"
	}
	return "keep either this entry or the options of " + l.namespace
}
