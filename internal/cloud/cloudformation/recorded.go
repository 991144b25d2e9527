package cloudformation

import (
	"fmt"
	"strings"

	"beanpole/internal/aws"
	"beanpole/internal/cloud/state"
)

// recordedKinds are resources in EC2, Auto Scaling and load balancing. They are
// records: names and attributes of AWS's shapes with nothing behind them. What
// they do on AWS, package elasticbeanstalk does with its launcher and package
// elb; what a network lets through is read out of the records by Network.
var recordedKinds = map[string]kind{
	"AWS::AutoScaling::AutoScalingGroup":        named(255),
	"AWS::AutoScaling::LaunchConfiguration":     replaced(named(255)),
	"AWS::AutoScaling::ScalingPolicy":           recorded(scalingPolicy),
	"AWS::CloudFormation::WaitCondition":        recorded(waitHandle),
	"AWS::CloudFormation::WaitConditionHandle":  recorded(waitHandle),
	"AWS::CloudWatch::Alarm":                    named(255),
	"AWS::EC2::EIP":                             recorded(elasticIP),
	"AWS::EC2::EgressOnlyInternetGateway":       lettered("eigw-", "Id"),
	"AWS::EC2::InternetGateway":                 lettered("igw-", "InternetGatewayId"),
	"AWS::EC2::NatGateway":                      lettered("nat-", "NatGatewayId"),
	"AWS::EC2::NetworkAcl":                      lettered("acl-", "Id"),
	"AWS::EC2::NetworkAclEntry":                 named(255),
	"AWS::EC2::Route":                           named(255),
	"AWS::EC2::RouteTable":                      lettered("rtb-", "RouteTableId"),
	"AWS::EC2::Subnet":                          recorded(subnet),
	"AWS::EC2::SubnetNetworkAclAssociation":     lettered("aclassoc-", "AssociationId"),
	"AWS::EC2::SubnetRouteTableAssociation":     lettered("rtbassoc-", "Id"),
	"AWS::EC2::VPC":                             recorded(vpc),
	"AWS::EC2::VPCEndpoint":                     lettered("vpce-", "Id"),
	"AWS::EC2::VPCGatewayAttachment":            named(255),
	"AWS::EC2::LaunchTemplate":                  lettered("lt-"),
	"AWS::EC2::SecurityGroup":                   recorded(securityGroup),
	"AWS::EC2::SecurityGroupIngress":            lettered("sgr-", "Id"),
	"AWS::EC2::SecurityGroupEgress":             lettered("sgr-", "Id"),
	"AWS::ElasticLoadBalancing::LoadBalancer":   recorded(classicBalancer),
	"AWS::ElasticLoadBalancingV2::LoadBalancer": recorded(balancerV2),
	"AWS::ElasticLoadBalancingV2::Listener":     recorded(listenerV2),
	"AWS::ElasticLoadBalancingV2::ListenerRule": recorded(listenerV2),
	"AWS::ElasticLoadBalancingV2::TargetGroup":  recorded(targetGroup),
}

// recorded is a kind that keeps a record and no more.
func recorded(identify func(q *request) made) kind {
	return kind{
		create: func(q *request) (made, error) { return identify(q), nil },
		update: func(q *request) (made, error) { return made{q.physical, q.r.Attributes}, nil },
	}
}

// replaced is a kind of which every change makes a new one.
func replaced(k kind) kind {
	k.update = nil
	return k
}

// named are records whose physical ID is a made-up name.
func named(limit int) kind {
	return recorded(func(q *request) made { return made{physical: physicalName(q.stack.Name, q.logical, limit)} })
}

// lettered are records whose physical ID is a prefix and 17 hexadecimal
// digits; these attributes give it too.
func lettered(prefix string, attributes ...string) kind {
	return recorded(func(q *request) made {
		m := made{physical: prefix + randomHex(17), attributes: map[string]string{}}
		for _, a := range attributes {
			m.attributes[a] = m.physical
		}
		return m
	})
}

// securityGroup is known by its ID in a VPC and by its name outside
// [CFN:aws-properties-ec2-security-group].
func securityGroup(q *request) made {
	id := "sg-" + randomHex(17)
	m := made{physical: id, attributes: map[string]string{"GroupId": id, "VpcId": q.text("VpcId")}}
	if q.text("VpcId") == "" {
		if m.physical = q.text("GroupName"); m.physical == "" {
			m.physical = physicalName(q.stack.Name, q.logical, 255)
		}
	}
	return m
}

func vpc(q *request) made {
	id := "vpc-" + randomHex(17)
	return made{physical: id, attributes: map[string]string{"VpcId": id, "CidrBlock": q.text("CidrBlock"),
		"DefaultSecurityGroup": "sg-" + randomHex(17), "DefaultNetworkAcl": "acl-" + randomHex(17)}}
}

func subnet(q *request) made {
	id, zone := "subnet-"+randomHex(17), q.text("AvailabilityZone")
	if zone == "" {
		zone = q.stack.Region + "a"
	}
	return made{physical: id, attributes: map[string]string{"SubnetId": id, "VpcId": q.text("VpcId"), "CidrBlock": q.text("CidrBlock"), "AvailabilityZone": zone}}
}

// elasticIP has an address of the documentation's range (RFC 5737): it leads
// nowhere.
func elasticIP(*request) made {
	ip := "203.0.113." + state.Random("123456789", 2)
	return made{physical: ip, attributes: map[string]string{"AllocationId": "eipalloc-" + randomHex(17), "PublicIp": ip}}
}

func scalingPolicy(q *request) made {
	return made{physical: fmt.Sprintf("arn:aws:autoscaling:%s:%s:scalingPolicy:%s:autoScalingGroupName/%s:policyName/%s", q.stack.Region,
		q.s.state.AccountID(), aws.NewRequestID(), q.text("AutoScalingGroupName"), physicalName(q.stack.Name, q.logical, 255))}
}

func waitHandle(q *request) made {
	return made{physical: "https://cloudformation-waitcondition-" + q.stack.Region + ".s3.amazonaws.com/" + aws.NewRequestID()}
}

// classicBalancer: an environment outside a VPC names the balancer's security
// group by owner and name [EB:customize-containers-format-resources-eb].
func classicBalancer(q *request) made {
	name := q.text("LoadBalancerName")
	if name == "" {
		name = physicalName(q.stack.Name, q.logical, 32)
	}
	dns := fmt.Sprintf("%s-%s.%s.elb.amazonaws.com", strings.ToLower(name), state.Random("0123456789", 9), q.stack.Region)
	return made{physical: name, attributes: map[string]string{
		"DNSName": dns, "CanonicalHostedZoneName": dns,
		"SourceSecurityGroup.GroupName": "amazon-elb-sg", "SourceSecurityGroup.OwnerAlias": "amazon-elb",
	}}
}

func (q *request) balancingARN(resource string) string {
	return q.s.state.ARN("elasticloadbalancing", q.stack.Region, resource)
}

func balancerV2(q *request) made {
	letter, name := "app", q.text("Name")
	if q.text("Type") == "network" {
		letter = "net"
	}
	if name == "" {
		name = physicalName(q.stack.Name, q.logical, 32)
	}
	full := letter + "/" + name + "/" + randomHex(16)
	arn := q.balancingARN("loadbalancer/" + full)
	return made{physical: arn, attributes: map[string]string{
		"LoadBalancerArn": arn, "LoadBalancerFullName": full, "LoadBalancerName": name,
		"DNSName": fmt.Sprintf("%s-%s.%s.elb.amazonaws.com", strings.ToLower(name), state.Random("0123456789", 9), q.stack.Region),
	}}
}

func listenerV2(q *request) made {
	arn := strings.Replace(q.text("LoadBalancerArn"), ":loadbalancer/", ":listener/", 1)
	if arn == "" {
		arn = q.balancingARN("listener-rule")
	}
	arn += "/" + randomHex(16)
	return made{physical: arn, attributes: map[string]string{"ListenerArn": arn, "RuleArn": arn}}
}

func targetGroup(q *request) made {
	full := "targetgroup/" + physicalName(q.stack.Name, q.logical, 32) + "/" + randomHex(16)
	arn := q.balancingARN(full)
	return made{physical: arn, attributes: map[string]string{"TargetGroupArn": arn, "TargetGroupFullName": full}}
}
