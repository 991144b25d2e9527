package live

import (
	"context"
	"net/url"

	"beanpole/internal/account/reading"
)

// vpcReader reads one VPC.
type vpcReader struct {
	*Reader
	n *reading.Network
	// tables and lists are what subnets are associated with.
	tables, lists map[string]string
}

// network reads a VPC; "" is the region's default one, in which instances are
// when nothing names another. [EB: vpc]
func (x *Reader) network(ctx context.Context, vpc string) {
	name := vpc
	if name == "" {
		name = "default"
	}
	if !x.first(reading.AVPC, name) {
		return
	}
	v := &vpcReader{Reader: x, n: &reading.Network{VPC: vpc, Default: vpc == ""}, tables: map[string]string{}, lists: map[string]string{}}
	if vpc == "" {
		if !v.vpc(ctx) {
			return
		}
		x.first(reading.AVPC, v.n.VPC) // which it is known by from now on
		v.parts(ctx)
	} else {
		together(func() { v.vpc(ctx) }, func() { v.parts(ctx) })
	}
	v.associate()
	x.keep(func(r *reading.Reading) {
		if r.Network == nil {
			r.Network = v.n
		} else {
			r.MoreNetworks = append(r.MoreNetworks, *v.n)
		}
	})
}

// parts reads what the VPC holds, all side by side.
func (v *vpcReader) parts(ctx context.Context) {
	together(
		func() { v.attributes(ctx) },
		func() { v.subnets(ctx) },
		func() { v.routeTables(ctx) },
		func() { v.gateways(ctx) },
		func() { v.nats(ctx) },
		func() { v.endpoints(ctx) },
		func() { v.groups(ctx) },
		func() { v.acls(ctx) },
	)
}

// describe makes one call of EC2 into out; ok is unset when it told nothing,
// and what is then a part without which nothing on the way is sure.
func (v *vpcReader) describe(ctx context.Context, action, what string, params url.Values, out any) (ok bool) {
	name := v.n.VPC
	if name == "" {
		name = "default"
	}
	q := question{op: "ec2:" + action, kind: reading.AVPC, name: name, link: "network"}
	got, _ := ask(ctx, v.Reader, q, func(ctx context.Context, in url.Values) (*struct{}, error) {
		return &struct{}{}, v.c.Network.Describe(ctx, action, in, out)
	}, params)
	if got == nil && what != "" {
		v.keep(func(*reading.Reading) { v.n.Unread = append(v.n.Unread, what+" (permission ec2:"+action+")") })
	}
	return got != nil
}

// pages makes a call for every page of its answer.
func (v *vpcReader) pages(ctx context.Context, action, what string, params url.Values, page func() (out any, done func() (next string))) {
	for {
		out, done := page()
		if !v.describe(ctx, action, what, params, out) {
			return
		}
		next := done()
		if next == "" {
			return
		}
		params.Set("NextToken", next)
	}
}

func filter(name, value string) url.Values {
	return url.Values{"Filter.1.Name": {name}, "Filter.1.Value.1": {value}}
}

func (v *vpcReader) inVPC() url.Values { return filter("vpc-id", v.n.VPC) }

// vpc reads the VPC itself; false: there is none, or it cannot be told.
func (v *vpcReader) vpc(ctx context.Context) bool {
	params := v.inVPC()
	if v.n.Default {
		params = filter("is-default", "true")
	}
	v.pages(ctx, "DescribeVpcs", "", params, func() (any, func() string) {
		out := &vpcsAnswer{}
		return out, func() string {
			for _, one := range out.Vpcs {
				if v.n.Default { // else it is known, and read by others meanwhile
					v.n.VPC = one.ID
				}
				v.n.CIDRs = one.Blocks
				if len(v.n.CIDRs) == 0 {
					v.n.CIDRs = []string{one.CIDR}
				}
			}
			return out.NextToken
		}
	})
	return len(v.n.CIDRs) > 0
}

func (v *vpcReader) attributes(ctx context.Context) {
	get := func(name string, into *attributeAnswer) {
		v.describe(ctx, "DescribeVpcAttribute", "", url.Values{"VpcId": {v.n.VPC}, "Attribute": {name}}, into)
	}
	var support, names attributeAnswer
	together(func() { get("enableDnsSupport", &support) }, func() { get("enableDnsHostnames", &names) })
	v.n.DNSSupport, v.n.DNSNames = support.Support, names.Hostnames
}

func (v *vpcReader) subnets(ctx context.Context) {
	v.pages(ctx, "DescribeSubnets", "the subnets", v.inVPC(), func() (any, func() string) {
		out := &subnetsAnswer{}
		return out, func() string {
			for _, s := range out.Subnets {
				v.n.Subnets = append(v.n.Subnets, reading.Subnet{ID: s.ID, PublicIPs: s.PublicIPs, DefaultAZ: s.Default})
			}
			return out.NextToken
		}
	})
}

func (v *vpcReader) routeTables(ctx context.Context) {
	v.pages(ctx, "DescribeRouteTables", "the route tables", v.inVPC(), func() (any, func() string) {
		out := &tablesAnswer{}
		return out, func() string {
			for i := range out.Tables {
				v.table(&out.Tables[i])
			}
			return out.NextToken
		}
	})
}

func (v *vpcReader) table(t *tableShape) {
	own := reading.RouteTable{ID: t.ID}
	for _, a := range t.Associations {
		own.Main = own.Main || a.Main
		if a.Subnet != "" {
			v.tables[a.Subnet] = t.ID
		}
	}
	for _, r := range t.Routes {
		if r.Gateway == "local" {
			continue
		}
		target := ""
		for _, id := range []string{r.Gateway, r.NAT, r.Transit, r.Peering, r.EgressOnly, r.Interface, r.Instance, r.Local, r.Carrier} {
			if target == "" {
				target = id
			}
		}
		own.Routes = append(own.Routes, reading.Route{CIDR: r.CIDR, Target: target, State: r.State})
	}
	v.n.RouteTables = append(v.n.RouteTables, own)
}

// associate gives every subnet the route table and network ACL in force: its
// own, else the VPC's main and default ones. What was not read is called by a
// name under which nothing is listed, so that it stays unknown.
func (v *vpcReader) associate() {
	main, open := "", ""
	for _, t := range v.n.RouteTables {
		if t.Main {
			main = t.ID
		}
	}
	for _, a := range v.n.ACLs {
		if a.Default {
			open = a.ID
		}
	}
	first := func(names ...string) string {
		for _, n := range names {
			if n != "" {
				return n
			}
		}
		return ""
	}
	for i := range v.n.Subnets {
		s := &v.n.Subnets[i]
		s.RouteTable = first(v.tables[s.ID], main, "route table of "+s.ID)
		s.ACL = first(v.lists[s.ID], open, "network ACL of "+s.ID)
	}
}

func (v *vpcReader) gateways(ctx context.Context) {
	v.pages(ctx, "DescribeInternetGateways", "the internet gateways", filter("attachment.vpc-id", v.n.VPC), func() (any, func() string) {
		out := &gatewaysAnswer{}
		return out, func() string {
			v.n.Gateways = append(v.n.Gateways, out.IDs...)
			return out.NextToken
		}
	})
}

func (v *vpcReader) nats(ctx context.Context) {
	v.pages(ctx, "DescribeNatGateways", "the NAT gateways", v.inVPC(), func() (any, func() string) {
		out := &natsAnswer{}
		return out, func() string {
			for _, g := range out.NATs {
				if g.State == "available" {
					v.n.NATs = append(v.n.NATs, reading.NAT{ID: g.ID, Subnet: g.Subnet, Private: g.Connectivity == "private"})
				}
			}
			return out.NextToken
		}
	})
}

func (v *vpcReader) endpoints(ctx context.Context) {
	v.pages(ctx, "DescribeVpcEndpoints", "the VPC endpoints", v.inVPC(), func() (any, func() string) {
		out := &endpointsAnswer{}
		return out, func() string {
			for _, e := range out.Endpoints {
				v.n.Endpoints = append(v.n.Endpoints, reading.Endpoint{ID: e.ID, Service: e.Service, Type: e.Type, State: e.State, RouteTables: e.RouteTables,
					Subnets: e.Subnets, SecurityGroups: e.Groups, PrivateDNS: e.PrivateDNS, Policy: e.Policy})
			}
			return out.NextToken
		}
	})
}

func (v *vpcReader) groups(ctx context.Context) {
	v.pages(ctx, "DescribeSecurityGroups", "the security groups", v.inVPC(), func() (any, func() string) {
		out := &groupsAnswer{}
		return out, func() string {
			for _, g := range out.Groups {
				v.n.SecurityGroups = append(v.n.SecurityGroups, reading.SecurityGroup{ID: g.ID, Name: g.Name, Ingress: rules(g.Ingress), Egress: rules(g.Egress)})
			}
			return out.NextToken
		}
	})
}

// rules takes permissions apart: one rule for each range or peer.
func rules(ps []permissionShape) (out []reading.Rule) {
	for _, p := range ps {
		base := reading.Rule{Protocol: p.Protocol, From: -1, To: -1}
		if p.From != nil && p.To != nil {
			base.From, base.To = *p.From, *p.To
		}
		for _, cidr := range p.Ranges {
			r := base
			r.CIDR = cidr
			out = append(out, r)
		}
		for _, peer := range append(p.Groups[:len(p.Groups):len(p.Groups)], p.Lists...) {
			r := base
			r.Peer = peer
			out = append(out, r)
		}
	}
	return out
}

func (v *vpcReader) acls(ctx context.Context) {
	v.pages(ctx, "DescribeNetworkAcls", "the network ACLs", v.inVPC(), func() (any, func() string) {
		out := &aclsAnswer{}
		return out, func() string {
			for i := range out.ACLs {
				v.acl(&out.ACLs[i])
			}
			return out.NextToken
		}
	})
}

func (v *vpcReader) acl(a *aclShape) {
	own := reading.ACL{ID: a.ID, Default: a.Default}
	for _, s := range a.Subnets {
		v.lists[s] = a.ID
	}
	for _, e := range a.Entries {
		if e.CIDR == "" {
			continue // of IPv6
		}
		r := reading.Rule{Protocol: e.Protocol, From: -1, To: -1, CIDR: e.CIDR}
		if p := e.Ports; p != nil {
			r.From, r.To = p.From, p.To
		}
		own.Entries = append(own.Entries, reading.Entry{Number: e.Number, Egress: e.Egress, Allow: e.Action == "allow", Rule: r})
	}
	v.n.ACLs = append(v.n.ACLs, own)
}
