package live

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"beanpole/internal/account/reading"
)

// launched reads the instances of a plain stack. CloudFormation marks what it
// makes with the tags below, also instances that its Auto Scaling groups start.
// [CFN: cfn-resource-tags]
func (x *Reader) launched(ctx context.Context, s *reading.Stack) {
	params := filter("tag:aws:cloudformation:stack-name", s.Name)
	for {
		out := &instancesAnswer{}
		q := question{op: "ec2:DescribeInstances", kind: reading.AStack, name: s.Name, link: "network"}
		got, _ := ask(ctx, x, q, func(ctx context.Context, in url.Values) (*instancesAnswer, error) {
			return out, x.c.Network.Describe(ctx, "DescribeInstances", in, out)
		}, params)
		if got == nil {
			return
		}
		for _, i := range out.Instances {
			if i.State == "terminated" || i.State == "shutting-down" || i.Subnet == "" {
				continue
			}
			one := reading.Instance{ID: i.ID, VPC: i.VPC, Subnet: i.Subnet, SecurityGroups: i.Groups, PublicIP: i.Public != ""}
			for _, t := range i.Tags {
				if t.Key == "aws:cloudformation:logical-id" {
					one.LogicalID = t.Value
				}
			}
			s.Instances = append(s.Instances, one)
		}
		if out.NextToken == "" {
			break
		}
		params.Set("NextToken", out.NextToken)
	}
	slices.SortFunc(s.Instances, func(a, b reading.Instance) int { return strings.Compare(a.ID, b.ID) })
}

// networksOf reads the VPCs that subnets are in.
func (x *Reader) networksOf(ctx context.Context, subnets []string) {
	if len(subnets) == 0 {
		return
	}
	slices.Sort(subnets)
	if !x.first(reading.AVPC, "of "+strings.Join(subnets, ",")) {
		return
	}
	params := url.Values{"Filter.1.Name": {"subnet-id"}}
	for i, s := range subnets {
		params.Set("Filter.1.Value."+strconv.Itoa(i+1), s)
	}
	q := question{op: "ec2:DescribeSubnets", kind: reading.AVPC, name: "of subnet " + subnets[0], link: "network"}
	var vpcs []string
	for {
		out := &subnetsAnswer{}
		got, _ := ask(ctx, x, q, func(ctx context.Context, in url.Values) (*subnetsAnswer, error) {
			return out, x.c.Network.Describe(ctx, "DescribeSubnets", in, out)
		}, params)
		if got == nil {
			return
		}
		for _, s := range out.Subnets {
			if s.VPC != "" && !slices.Contains(vpcs, s.VPC) {
				vpcs = append(vpcs, s.VPC)
			}
		}
		if out.NextToken == "" {
			break
		}
		params.Set("NextToken", out.NextToken)
	}
	each(vpcs, func(v string) { x.network(ctx, v) })
}
