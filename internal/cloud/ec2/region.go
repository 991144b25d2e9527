package ec2

import (
	"context"
	"slices"
	"strconv"

	"beanpole/internal/account"
	"beanpole/internal/cloud/door"
	"beanpole/internal/fact"
)

// region is a region's network whole: with the default VPC, and with what every
// VPC has by itself.
type region struct {
	name, account string
	net           *account.Network
	details       map[string]map[string]string
	defaultVPC    string
	// main, open and own are the VPCs' main route tables, default network ACLs and
	// default security groups, by VPC.
	main, open, own map[string]string
}

// zones are the Availability Zones of a region's default subnets.
var zones = []string{"a", "b", "c"}

// region reads the caller's region.
func (s *Service) region(ctx context.Context) (*region, error) {
	name := door.CallerOf(ctx).Region
	if name == "" {
		name = s.state.Region()
	}
	n, details, err := s.networks.NetworkIn(name)
	if err != nil {
		return nil, err
	}
	r := &region{name: name, account: s.state.AccountID(), net: n, details: details,
		main: map[string]string{}, open: map[string]string{}, own: map[string]string{}}
	r.addDefault()
	for _, v := range n.VPCs {
		r.complete(v)
	}
	for _, g := range n.SecurityGroups {
		if g.VPC == "" { // named by no VPC, it is in the default one
			g.VPC = r.defaultVPC
		}
	}
	for _, sub := range n.Subnets {
		if sub.RouteTable == "" {
			sub.RouteTable = r.main[sub.VPC]
		}
		if sub.ACL == "" {
			sub.ACL = r.open[sub.VPC]
		}
	}
	return r, nil
}

// addDefault adds the VPC that AWS makes in every region of an account: a
// public subnet in each zone, and a way to the internet. [VPC:default-vpc]
func (r *region) addDefault() {
	id := made("vpc-", r.account, r.name)
	gateway := made("igw-", id)
	r.defaultVPC = id
	n := r.net
	n.VPCs = append(n.VPCs, &account.VPC{ID: id, CIDRs: []string{"172.31.0.0/16"}, DNSSupport: fact.Holds, DNSNames: fact.Holds})
	n.Gateways = append(n.Gateways, &account.Gateway{ID: gateway, VPC: id})
	for i, z := range zones {
		sub := &account.Subnet{ID: made("subnet-", id, z), VPC: id, PublicIPs: fact.Holds}
		n.Subnets = append(n.Subnets, sub)
		r.details[sub.ID] = map[string]string{"CidrBlock": "172.31." + strconv.Itoa(16*i) + ".0/20", "AvailabilityZone": r.name + z}
	}
	n.RouteTables = append(n.RouteTables, &account.RouteTable{ID: made("rtb-", id), VPC: id,
		Routes: []account.Route{{CIDR: everywhere, Kind: account.ToGateway, Target: gateway}}})
}

const everywhere = "0.0.0.0/0"

// complete adds what a VPC has by itself: a main route table, a network ACL
// that allows all, and a security group. [VPC:VPC_Route_Tables,
// default-network-acl, default-security-group]
func (r *region) complete(v *account.VPC) {
	n, d := r.net, r.details[v.ID]
	r.main[v.ID] = made("rtb-", v.ID)
	if n.RouteTable(r.main[v.ID]) == nil {
		n.RouteTables = append(n.RouteTables, &account.RouteTable{ID: r.main[v.ID], VPC: v.ID})
	}
	r.open[v.ID] = or(d["DefaultNetworkAcl"], made("acl-", v.ID))
	all := account.Traffic{Protocol: "-1", From: -1, To: -1, CIDR: everywhere}
	n.ACLs = append(n.ACLs, &account.NetworkACL{ID: r.open[v.ID], VPC: v.ID, Entries: []account.ACLEntry{
		{Number: 100, Allow: true, Traffic: all}, {Number: 100, Allow: true, Egress: true, Traffic: all}}})
	r.own[v.ID] = or(d["DefaultSecurityGroup"], made("sg-", v.ID))
	n.SecurityGroups = append(n.SecurityGroups, &account.SecurityGroup{ID: r.own[v.ID], Name: "default", VPC: v.ID,
		Ingress: []account.Traffic{{Protocol: "-1", From: -1, To: -1, Peer: r.own[v.ID]}}, Egress: []account.Traffic{all}})
	r.details[r.own[v.ID]] = map[string]string{"GroupDescription": "default VPC security group", "Name": "default"}
}

// blackhole tells a route whose target is not there, or not attached.
func (r *region) blackhole(table *account.RouteTable, route *account.Route) bool {
	switch route.Kind {
	case account.ToGateway:
		g := r.net.Gateway(route.Target)
		return g == nil || g.VPC != table.VPC
	case account.ToNAT:
		return r.net.NAT(route.Target) == nil
	}
	return false
}

// associated are the subnets that a route table or a network ACL is in force
// for.
func (r *region) associated(of func(*account.Subnet) string, id string) (out []string) {
	for _, sub := range r.net.Subnets {
		if of(sub) == id {
			out = append(out, sub.ID)
		}
	}
	slices.Sort(out)
	return out
}

func or(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

func isOn(v fact.Verdict) bool { return v == fact.Holds }
