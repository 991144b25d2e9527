package check

import (
	"fmt"
	"strconv"

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
		open := r.openedPorts()
		for _, l := range r.listeners() {
			port, ok := l.value("InstancePort", l.port)
			number, err := strconv.Atoi(port)
			if l.v2 || l.off() || !ok || err != nil || number == 80 || open.holds(number) || r.plainListener(l) != nil {
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

// ports are the ports that security group rules open.
type ports struct {
	all    bool // what is opened is not known
	ranges map[[2]int]bool
}

// openedPorts are the ports that rules of some template open, or may.
func (r *run) openedPorts() ports {
	p := ports{ranges: map[[2]int]bool{}}
	for _, res := range r.resources("AWS::EC2::SecurityGroupIngress") {
		p.add(res.Properties)
	}
	for _, e := range r.entries("Resources") {
		rules := e.value.At("Properties", "SecurityGroupIngress")
		if e.name.Text != "AWSEBSecurityGroup" || rules == nil {
			continue
		}
		for _, it := range rules.Items {
			p.add(it)
		}
		p.all = p.all || len(rules.Items) == 0 // CmpFn::Insert and the like
	}
	return p
}

// add takes a rule's range in.
func (p *ports) add(rule *source.Node) {
	from, errFrom := strconv.Atoi(rule.Get("FromPort").TextOr(""))
	to, errTo := strconv.Atoi(rule.Get("ToPort").TextOr(""))
	if errFrom != nil || errTo != nil || from == -1 {
		p.all = true
		return
	}
	if len(p.ranges) > 1000 {
		p.all = true // nobody writes so many
	}
	p.ranges[[2]int{from, to}] = true
}

func (p *ports) holds(port int) bool {
	for r := range p.ranges {
		if r[0] <= port && port <= r[1] {
			return true
		}
	}
	return p.all
}
