package elasticbeanstalk

import (
	"strings"

	"beanpole/internal/access"
	"beanpole/internal/fact"
)

// placement is where the n-th instance is: in one of the environment's subnets
// in turn; nil without a VPC among the options: then it is in the account's
// default VPC, which leads everywhere. [EB:command-options-general]
func (o *operation) placement(n int, all []made) *access.Placement {
	vpc := o.e.value("aws:ec2:vpc", "VPCId")
	if vpc == "" {
		return nil
	}
	p := &access.Placement{VPC: vpc}
	if subnets := words(o.e.value("aws:ec2:vpc", "Subnets")); len(subnets) > 0 {
		p.Subnets = []string{subnets[n%len(subnets)]}
	}
	public := strings.ToLower(o.e.value("aws:ec2:vpc", "AssociatePublicIpAddress"))
	switch single := o.e.value("aws:elasticbeanstalk:environment", "EnvironmentType") == "SingleInstance"; {
	case public == "true", single: // a single instance gets an Elastic IP address
		p.PublicIP = fact.Holds
	case public == "false":
		p.PublicIP = fact.Broken
	default:
		p.Auto = true
	}
	if o.e.value("aws:autoscaling:launchconfiguration", "DisableDefaultEC2SecurityGroup") != "true" {
		for _, own := range ofKind(all, "AWS::EC2::SecurityGroup") {
			if own.id == "AWSEBSecurityGroup" {
				p.SecurityGroups = append(p.SecurityGroups, own.physical)
			}
		}
	}
	p.SecurityGroups = append(p.SecurityGroups, words(o.e.value("aws:autoscaling:launchconfiguration", "SecurityGroups"))...)
	return p
}

// words are the values of an option that is a list.
func words(list string) (out []string) {
	for _, w := range strings.Split(list, ",") {
		if w = strings.TrimSpace(w); w != "" {
			out = append(out, w)
		}
	}
	return out
}
