package check

import (
	"fmt"
	"strconv"

	"beanpole/internal/fact"
	"beanpole/internal/finding"
	"beanpole/internal/source"
)

var instancePortClosed = &Rule{
	Slug:  "instance-port-closed",
	Title: "the instances' security group does not open the port",
	Why: `In a VPC of your own, Elastic Beanstalk lets the load balancer's security group reach
the ports of all listeners. In the default VPC it opens port 80 to a Classic Load
Balancer only: for a listener with another InstancePort, a rule must be added to
AWSEBSecurityGroup. Without it every health check on that port times out, and clients get
503 or no connection [EB:https-tcp-passthrough].`,
	Before: `option_settings:
  aws:elb:listener:443:
    ListenerProtocol: TCP
    InstancePort: 443`,
	After: `Resources:
  FromBalancer:
    Type: AWS::EC2::SecurityGroupIngress
    Properties:
      GroupId: {"Fn::GetAtt": [AWSEBSecurityGroup, GroupId]}
      IpProtocol: tcp
      FromPort: 443
      ToPort: 443
      SourceSecurityGroupName: {"Fn::GetAtt": [AWSEBLoadBalancer, SourceSecurityGroup.GroupName]}`,
	Since: "0.1.0",

	find: func(r *run) (out []*finding.Finding) {
		k := r.kind()
		if !k.noVPC || k.balancer != "classic" || k.tier != "WebServer" || r.ownGroups() {
			return nil
		}
		for _, l := range r.listeners() {
			port, ok := l.value("InstancePort", l.port)
			number, err := strconv.Atoi(port)
			if l.v2 || l.off() || !ok || err != nil || number == 80 || r.opened(number) {
				continue
			}
			s := l.set["InstancePort"]
			if s == nil {
				s = l.anySetting()
			}
			f := r.settingFinding("instance-port-closed", finding.Warning, s)
			f.Certain = false
			f.Message = fmt.Sprintf("the load balancer may not reach port %d of the instances: nothing opens it in their security group", number)
			f.Notes = []finding.Note{
				{Label: "cause", Text: "option aws:ec2:vpc VPCId is not set, and in the default VPC Elastic Beanstalk opens port 80 only"},
				{Label: "fix", Text: fmt.Sprintf("add an AWS::EC2::SecurityGroupIngress for port %d of AWSEBSecurityGroup to Resources, or set aws:ec2:vpc VPCId", number)},
			}
			out = append(out, f)
		}
		return out
	},
}

// ownGroups: the user gives the instances security groups of their own.
func (r *run) ownGroups() bool {
	for _, s := range r.made() {
		if s.Namespace == launchNamespace && s.Option == "SecurityGroups" {
			return true
		}
	}
	return false
}

// opened tells whether a rule of some template opens a port, or may.
func (r *run) opened(port int) bool {
	for _, res := range r.resources("AWS::EC2::SecurityGroupIngress") {
		if opens(res.Properties, port) {
			return true
		}
	}
	for _, e := range r.entries("Resources") {
		if e.name.Text != "AWSEBSecurityGroup" {
			continue
		}
		rules := e.value.At("Properties", "SecurityGroupIngress")
		if rules == nil {
			continue
		}
		for _, it := range rules.Items {
			if opens(it, port) {
				return true
			}
		}
		if len(rules.Items) == 0 {
			return true // CmpFn::Insert and the like
		}
	}
	return false
}

// opens tells whether a rule's range holds a port; where it is not known, it
// may.
func opens(rule *source.Node, port int) bool {
	from, to := rule.Get("FromPort").TextOr(""), rule.Get("ToPort").TextOr("")
	a, errA := strconv.Atoi(from)
	b, errB := strconv.Atoi(to)
	if errA != nil || errB != nil || !fact.Known(from) || !fact.Known(to) {
		return true
	}
	return a <= port && port <= b || a == -1
}
