package ebext

import (
	"sort"
	"strconv"
	"strings"

	"beanpole/internal/source"
)

// Logical IDs of Elastic Beanstalk's own resources
// [EB:customize-containers-format-resources-eb].
const (
	Group           = "AWSEBAutoScalingGroup"
	launchConfig    = "AWSEBAutoScalingLaunchConfiguration"
	securityGroup   = "AWSEBSecurityGroup"
	loadBalancer    = "AWSEBLoadBalancer"
	balancerGroup   = "AWSEBLoadBalancerSecurityGroup"
	balancerV2      = "AWSEBV2LoadBalancer"
	listenerV2      = "AWSEBV2LoadBalancerListener"
	targetGroupV2   = "AWSEBV2LoadBalancerTargetGroup"
	elasticIP       = "AWSEBEIP"
	environmentName = "AWSEBEnvironmentName"
)

// ownResources are the resources that Elastic Beanstalk makes for a web
// environment with these settings.
func ownResources(s Settings) *source.Node {
	rs := fields(
		Group, resource("AWS::AutoScaling::AutoScalingGroup", groupProperties(s)),
		launchConfig, resource("AWS::AutoScaling::LaunchConfiguration", launchProperties(s)),
		securityGroup, resource("AWS::EC2::SecurityGroup", instanceGroupProperties(s)),
	)
	switch balancerKind(s) {
	case "":
		rs.Set(elasticIP, resource("AWS::EC2::EIP", fields()))
	case "classic":
		if s.value(nsVPC, "VPCId") != nil {
			rs.Set(balancerGroup, resource("AWS::EC2::SecurityGroup", balancerGroupProperties(s)))
		}
		rs.Set(loadBalancer, resource("AWS::ElasticLoadBalancing::LoadBalancer", classicProperties(s)))
	default:
		addBalancerV2(rs, s)
	}
	return rs
}

// balancerKind is "" for a single instance, else the load balancer's type.
func balancerKind(s Settings) string {
	if s.text(nsEnvironment, "EnvironmentType") == "SingleInstance" {
		return ""
	}
	return s.text(nsEnvironment, "LoadBalancerType")
}

func groupProperties(s Settings) *source.Node {
	p := fields(
		"LaunchConfigurationName", ref(launchConfig),
		"MinSize", s.value(nsASG, "MinSize"),
		"MaxSize", s.value(nsASG, "MaxSize"),
		"Cooldown", s.value(nsASG, "Cooldown"),
	)
	switch balancerKind(s) {
	case "":
		p.Set("MinSize", text("1"))
		p.Set("MaxSize", text("1"))
	case "classic":
		p.Set("LoadBalancerNames", list(ref(loadBalancer)))
	default:
		p.Set("TargetGroupARNs", targetGroups(s))
	}
	setZones(p, "VPCZoneIdentifier", s.commaList(nsVPC, "Subnets"))
	return p
}

// setZones puts a resource into the environment's subnets, or into all zones
// of the region when there is no VPC setting.
func setZones(p *source.Node, key string, subnets *source.Node) {
	if subnets != nil {
		p.Set(key, subnets)
		return
	}
	p.Set("AvailabilityZones", fields("Fn::GetAZs", ref("AWS::Region")))
}

// launchProperties leaves ImageId and InstanceType out unless they are set:
// Elastic Beanstalk chooses them by platform and region.
func launchProperties(s Settings) *source.Node {
	return fields(
		"IamInstanceProfile", s.value(nsLaunch, "IamInstanceProfile"),
		"ImageId", s.value(nsLaunch, "ImageId"),
		"InstanceType", s.value(nsLaunch, "InstanceType"),
		"KeyName", s.value(nsLaunch, "EC2KeyName"),
		"SecurityGroups", list(ref(securityGroup)),
	)
}

// instanceGroupProperties lets the load balancer reach port 80 of the
// instances; a single instance is open to everybody.
func instanceGroupProperties(s Settings) *source.Node {
	rule := fields("IpProtocol", "tcp", "FromPort", "80", "ToPort", "80")
	switch {
	case balancerKind(s) == "classic" && s.value(nsVPC, "VPCId") == nil:
		rule.Set("SourceSecurityGroupName", getAtt(loadBalancer, "SourceSecurityGroup.GroupName"))
		rule.Set("SourceSecurityGroupOwnerId", getAtt(loadBalancer, "SourceSecurityGroup.OwnerAlias"))
	case balancerKind(s) == "classic":
		rule.Set("SourceSecurityGroupId", getAtt(balancerGroup, "GroupId"))
	default:
		rule.Set("CidrIp", text("0.0.0.0/0"))
	}
	return fields(
		"GroupDescription", "SecurityGroup for ElasticBeanstalk environment.",
		"VpcId", s.value(nsVPC, "VPCId"),
		"SecurityGroupIngress", list(rule),
	)
}

func balancerGroupProperties(s Settings) *source.Node {
	rules := list()
	for _, l := range listeners(s) {
		port := strconv.Itoa(l.port)
		rules.Items = append(rules.Items, fields("IpProtocol", "tcp", "FromPort", port, "ToPort", port, "CidrIp", "0.0.0.0/0"))
	}
	return fields(
		"GroupDescription", "Load Balancer Security Group",
		"VpcId", s.value(nsVPC, "VPCId"),
		"SecurityGroupIngress", rules,
	)
}

func classicProperties(s Settings) *source.Node {
	ls := list()
	for _, l := range listeners(s) {
		ls.Items = append(ls.Items, l.node())
	}
	p := fields(
		"Listeners", ls,
		"HealthCheck", healthCheck(s),
		"CrossZone", s.value(nsELB, "CrossZone"),
	)
	subnets := s.commaList(nsVPC, "ELBSubnets")
	if subnets == nil {
		subnets = s.commaList(nsVPC, "Subnets")
	}
	setZones(p, "Subnets", subnets)
	if s.text(nsVPC, "ELBScheme") == "internal" {
		p.Set("Scheme", text("internal"))
	}
	if s.value(nsVPC, "VPCId") != nil {
		p.Set("SecurityGroups", list(ref(balancerGroup)))
	}
	return p
}

// listener is one front port of a classic load balancer.
type listener struct {
	namespace string
	port      int
	own       Settings // those of its namespace that are in force
}

// listeners are those that are enabled, by port: `aws:elb:listener` is port
// 80, `aws:elb:listener:443` is port 443 [EB:command-options-general].
func listeners(s Settings) []listener {
	byPort, own := map[int]listener{}, map[string]Settings{}
	var theirs Settings
	for i := range s {
		if strings.HasPrefix(s[i].Namespace, nsListener) {
			theirs = append(theirs, s[i])
		}
	}
	for _, set := range theirs.InForce() {
		own[set.Namespace] = append(own[set.Namespace], set)
		port, ok := 80, set.Namespace == nsListener
		if rest, sub := strings.CutPrefix(set.Namespace, nsListener+":"); sub {
			n, err := strconv.Atoi(rest)
			port, ok = n, err == nil && n > 0 && n < 65536
		}
		if _, better := byPort[port]; !ok || better && set.Namespace == nsListener {
			continue // `aws:elb:listener:80` counts more than its general form
		}
		byPort[port] = listener{namespace: set.Namespace, port: port}
	}
	var out []listener
	for _, l := range byPort {
		l.own = own[l.namespace]
		if !strings.EqualFold(l.own.text(l.namespace, "ListenerEnabled"), "false") {
			out = append(out, l)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].port < out[j].port })
	return out
}

func (l listener) node() *source.Node {
	s := l.own
	or := func(option, def string) *source.Node {
		if v := s.value(l.namespace, option); v != nil {
			return v
		}
		return text(def)
	}
	protocol := or("ListenerProtocol", "HTTP")
	inside := "HTTP"
	if p := strings.ToUpper(protocol.Text); p == "TCP" || p == "SSL" {
		inside = "TCP"
	}
	n := fields(
		"LoadBalancerPort", strconv.Itoa(l.port),
		"Protocol", protocol,
		"InstancePort", or("InstancePort", strconv.Itoa(l.port)),
		"InstanceProtocol", or("InstanceProtocol", inside),
		"SSLCertificateId", s.value(l.namespace, "SSLCertificateId"),
		"PolicyNames", s.commaList(l.namespace, "PolicyNames"),
	)
	return n
}

func healthCheck(s Settings) *source.Node {
	target := s.value(nsHealth, "Target")
	if target == nil {
		target = text("TCP:80")
	}
	if url := s.value(nsApplication, "Application Healthcheck URL"); url != nil {
		target = url
		if strings.HasPrefix(url.Text, "/") {
			target.Text = "HTTP:80" + url.Text
		}
	}
	return fields(
		"Target", target,
		"HealthyThreshold", s.value(nsHealth, "HealthyThreshold"),
		"UnhealthyThreshold", s.value(nsHealth, "UnhealthyThreshold"),
		"Interval", s.value(nsHealth, "Interval"),
		"Timeout", s.value(nsHealth, "Timeout"),
	)
}

// splitList cuts a comma-separated option value.
func splitList(s string) []string {
	var out []string
	for _, p := range strings.Split(s, ",") {
		if p = strings.TrimSpace(p); p != "" {
			out = append(out, p)
		}
	}
	return out
}
