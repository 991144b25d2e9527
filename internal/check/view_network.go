package check

import (
	"strings"

	"beanpole/internal/access"
	"beanpole/internal/account"
	"beanpole/internal/ebext"
	"beanpole/internal/fact"
)

const vpcNamespace = "aws:ec2:vpc"

// placement is where the environment's instances are; nil without a VPC among
// the options: then they are in the account's default VPC, of which nothing
// says how it is.
func (r *run) placement() *access.Placement {
	vpc, set, known := r.option(vpcNamespace, "VPCId")
	if set == nil || vpc == "" {
		return r.inDefaultVPC()
	}
	if r.in.Reachable && len(r.account.Network.VPCs) == 0 {
		return nil // a local instance is in no VPC that no stack has made
	}
	p := &access.Placement{VPC: vpc}
	p.At = appendPlace(p.At, set.Value.Pos)
	if !known && !r.direct && set.Level != ebext.Direct {
		p.Unknown = "whether the environment's VPC is set elsewhere"
	}
	subnets, set, _ := r.option(vpcNamespace, "Subnets")
	for _, s := range strings.Split(subnets, ",") {
		if s = strings.TrimSpace(s); s != "" {
			p.Subnets = append(p.Subnets, s)
		}
	}
	if set != nil {
		p.At = appendPlace(p.At, set.Value.Pos)
	}
	public, set, _ := r.option(vpcNamespace, "AssociatePublicIpAddress")
	if set != nil {
		p.At = appendPlace(p.At, set.Value.Pos)
	}
	switch strings.ToLower(public) {
	case "true":
		p.PublicIP = fact.Holds
	case "false":
		p.PublicIP = fact.Broken
	default:
		p.Auto = public == ""
	}
	if r.balanced() != fact.Holds && p.PublicIP != fact.Holds {
		// A single instance gets an Elastic IP address, whatever the options say.
		p.PublicIP, p.Auto = fact.Unknown, false
	}
	p.SecurityGroups = r.securityGroups()
	return p
}

// securityGroups are those of the instances that bear on what goes out. The
// group that Elastic Beanstalk makes itself lets everything out, unless the
// bundle overrides its egress rules; it is left away by an option alone.
// [EB:command-options-general, DisableDefaultEC2SecurityGroup]
func (r *run) securityGroups() []string {
	own := r.ownGroup()
	without, _, _ := r.option(launchNamespace, "DisableDefaultEC2SecurityGroup")
	if own == nil && without != "true" {
		return nil
	}
	var out []string
	if own != nil && without != "true" {
		out = append(out, own.ID)
	}
	groups, _, _ := r.option(launchNamespace, "SecurityGroups")
	for _, g := range strings.Split(groups, ",") {
		if g = strings.TrimSpace(g); g != "" {
			out = append(out, g)
		}
	}
	return out
}

// ownGroup is Elastic Beanstalk's security group as the bundle shapes it.
func (r *run) ownGroup() *account.SecurityGroup {
	if r.stack == nil {
		return nil
	}
	res := r.stack.Resource("AWSEBSecurityGroup")
	if res == nil || res.Properties.Get("SecurityGroupEgress") == nil {
		return nil
	}
	return r.account.Network.SecurityGroup(res.PhysicalID)
}
