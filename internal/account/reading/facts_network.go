package reading

import (
	"strings"

	"beanpole/internal/account"
	"beanpole/internal/fact"
	"beanpole/internal/iam"
)

func (x *Network) facts(n *account.Network, region string) {
	if len(x.CIDRs) == 0 {
		n.Others = append(n.Others, x.Unread...)
		return // nothing but its name is known
	}
	n.VPCs = append(n.VPCs, &account.VPC{ID: x.VPC, CIDRs: x.CIDRs, DNSSupport: verdict(x.DNSSupport), DNSNames: verdict(x.DNSNames)})
	for _, s := range x.Subnets {
		n.Subnets = append(n.Subnets, &account.Subnet{ID: s.ID, VPC: x.VPC, RouteTable: s.RouteTable, ACL: s.ACL, PublicIPs: fact.Of(s.PublicIPs)})
	}
	for _, t := range x.RouteTables {
		n.RouteTables = append(n.RouteTables, x.table(t))
	}
	for _, g := range x.Gateways {
		n.Gateways = append(n.Gateways, &account.Gateway{ID: g, VPC: x.VPC})
	}
	for _, g := range x.NATs {
		n.NATs = append(n.NATs, &account.NAT{ID: g.ID, Subnet: g.Subnet, Private: g.Private})
	}
	for _, e := range x.Endpoints {
		n.Endpoints = append(n.Endpoints, x.endpoint(e))
	}
	for _, g := range x.SecurityGroups {
		n.SecurityGroups = append(n.SecurityGroups, &account.SecurityGroup{ID: g.ID, Name: g.Name, VPC: x.VPC, Ingress: traffics(g.Ingress), Egress: traffics(g.Egress)})
	}
	for _, l := range x.ACLs {
		acl := &account.NetworkACL{ID: l.ID, VPC: x.VPC}
		for _, e := range l.Entries {
			acl.Entries = append(acl.Entries, account.ACLEntry{Number: e.Number, Egress: e.Egress, Allow: e.Allow, Traffic: traffic(e.Rule)})
		}
		n.ACLs = append(n.ACLs, acl)
	}
	n.Others = append(n.Others, x.Unread...)
	n.Endpoints = append(n.Endpoints, x.unreadEndpoints()...)
}

// unreadEndpoints stand for endpoints that could not be read: any subnet's way
// to S3 may lead through one, with a policy that denies.
func (x *Network) unreadEndpoints() (out []*account.Endpoint) {
	for _, what := range x.Unread {
		if !strings.Contains(what, "ec2:DescribeVpcEndpoints") {
			continue
		}
		e := &account.Endpoint{ID: "not read", VPC: x.VPC, Service: fact.Symbol("services of the VPC endpoints"), Type: "Gateway", Unknown: what}
		for _, t := range x.RouteTables {
			e.RouteTables = append(e.RouteTables, t.ID)
		}
		out = append(out, e)
	}
	return out
}

func verdict(b *bool) fact.Verdict {
	if b == nil {
		return fact.Unknown
	}
	return fact.Of(*b)
}

// table is a route table without the routes of gateway endpoints, which the
// endpoint itself names, and those that lead nowhere any more.
func (x *Network) table(t RouteTable) *account.RouteTable {
	out := &account.RouteTable{ID: t.ID, VPC: x.VPC}
	for _, r := range t.Routes {
		if strings.HasPrefix(r.Target, "vpce-") || r.State == "blackhole" {
			continue
		}
		out.Routes = append(out.Routes, account.Route{CIDR: r.CIDR, Kind: routeKind(r.Target), Target: r.Target})
	}
	return out
}

func routeKind(target string) account.RouteKind {
	prefix, _, _ := strings.Cut(target, "-")
	switch prefix {
	case "igw":
		return account.ToGateway
	case "nat":
		return account.ToNAT
	case "eigw":
		return account.ToIPv6
	case "i", "eni":
		return account.ToInstance
	case "tgw", "pcx", "vgw", "lgw", "cagw":
		return account.ToTransit
	}
	return account.ToUnknown
}

func (x *Network) endpoint(e Endpoint) *account.Endpoint {
	out := &account.Endpoint{ID: e.ID, VPC: x.VPC, Service: e.Service, Type: e.Type, RouteTables: e.RouteTables, Subnets: e.Subnets,
		SecurityGroups: e.SecurityGroups, PrivateDNS: fact.Of(e.PrivateDNS)}
	if e.State != "" && !strings.EqualFold(e.State, "available") {
		out.Unknown = "whether VPC endpoint " + e.ID + ", which is " + e.State + ", works"
	}
	if e.Policy != "" {
		name := "the policy of VPC endpoint " + e.ID
		p, err := iam.ParseJSON(name, name, []byte(e.Policy))
		if err != nil {
			out.PolicyUnknown = err.Error()
		}
		out.Policy = p
	}
	return out
}

func traffics(rules []Rule) (out []account.Traffic) {
	for _, r := range rules {
		out = append(out, traffic(r))
	}
	return out
}

func traffic(r Rule) account.Traffic {
	return account.Traffic{Protocol: r.Protocol, From: r.From, To: r.To, CIDR: r.CIDR, Peer: r.Peer}
}
