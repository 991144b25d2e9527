package account

import (
	"beanpole/internal/fact"
	"beanpole/internal/iam"
	"beanpole/internal/source"
)

// Network is what is known of virtual private clouds. An ID that is not
// listed may exist all the same. Of a VPC that is listed every part is, unless
// Others names what may add some.
type Network struct {
	VPCs           []*VPC
	Subnets        []*Subnet
	RouteTables    []*RouteTable
	Gateways       []*Gateway
	NATs           []*NAT
	Endpoints      []*Endpoint
	SecurityGroups []*SecurityGroup
	ACLs           []*NetworkACL
	// Others are resources that may add parts which are not listed: nested
	// stacks, resources of types that are not known, or not surely created.
	Others []string
}

// VPC is a virtual private cloud.
type VPC struct {
	ID string
	// CIDRs are its IPv4 ranges.
	CIDRs []string
	// DNSSupport is Broken when Amazon's DNS server does not answer in it,
	// DNSNames when instances get no DNS names, which private DNS of interface
	// endpoints needs too. [VPC:vpc-dns]
	DNSSupport, DNSNames fact.Verdict
	Pos                  source.Pos
}

// Subnet is a subnet.
type Subnet struct {
	ID, VPC string
	// RouteTable is the one that it is associated with; "": the VPC's main
	// one. ACL likewise: "" is the VPC's default one, which allows all.
	RouteTable, ACL string
	// PublicIPs: instances get a public IPv4 address unless their launch says
	// otherwise (MapPublicIpOnLaunch).
	PublicIPs fact.Verdict
	Pos       source.Pos
}

// RouteTable is a route table. Its local route is not listed.
type RouteTable struct {
	ID, VPC string
	Routes  []Route
	Pos     source.Pos
}

// RouteKind is what a route leads to.
type RouteKind string

// The kinds of targets. To an endpoint of the gateway kind no route is listed:
// Endpoint.RouteTables says which tables lead there.
const (
	ToGateway  RouteKind = "internet gateway"
	ToNAT      RouteKind = "NAT gateway"
	ToInstance RouteKind = "NAT instance or network interface"
	ToTransit  RouteKind = "transit gateway, peering or virtual private gateway"
	ToIPv6     RouteKind = "egress-only internet gateway"
	ToUnknown  RouteKind = "a target that is not known"
)

// Route is one route of a table.
type Route struct {
	CIDR   string // IPv4 destination; "" for other kinds of destination
	Kind   RouteKind
	Target string // ID
	Pos    source.Pos
}

// Gateway is an internet gateway. VPC is "" when it is attached to none.
type Gateway struct {
	ID, VPC string
	Pos     source.Pos
}

// NAT is a NAT gateway.
type NAT struct {
	ID, Subnet string
	Private    bool // has no public address, and leads to no internet
	Pos        source.Pos
}

// Endpoint is a VPC endpoint.
type Endpoint struct {
	ID, VPC string
	Service string // "com.amazonaws.eu-west-1.s3"
	Type    string // "Gateway", "Interface"
	// RouteTables are of the Gateway kind, the others of Interface.
	RouteTables    []string
	Subnets        []string
	SecurityGroups []string
	PrivateDNS     fact.Verdict
	// Policy filters every request through the endpoint. nil without
	// PolicyUnknown: the default one, which allows all.
	Policy        *iam.Policy
	PolicyUnknown string
	// Unknown names properties of which the value is not known.
	Unknown string
	Pos     source.Pos
}

// SecurityGroup is a security group. Without an egress rule of its own it
// allows all outbound traffic, which the reader of a template writes out.
type SecurityGroup struct {
	ID, Name, VPC string
	Ingress       []Traffic
	Egress        []Traffic
	Pos           source.Pos
}

// Traffic is what a rule of a security group or network ACL is about.
type Traffic struct {
	Protocol string // "-1" for all, "tcp", "6", …
	// From and To are ports; -1 stands for all.
	From, To int
	CIDR     string // IPv4 range; "" when the rule is about something else
	Peer     string // a security group's or prefix list's ID instead of a range
	// Unknown says what of the rule is not known.
	Unknown string
	Pos     source.Pos
}

// NetworkACL is a network ACL that a template makes: what no entry allows is
// denied. [VPC:vpc-network-acls]
type NetworkACL struct {
	ID, VPC string
	Entries []ACLEntry
	Pos     source.Pos
}

// ACLEntry is one entry of a network ACL; the lowest number that fits decides.
type ACLEntry struct {
	Number int
	Egress bool
	Allow  bool
	Traffic
}

// Add takes in what another description lists.
func (n *Network) Add(o *Network) {
	n.VPCs = append(n.VPCs, o.VPCs...)
	n.Subnets = append(n.Subnets, o.Subnets...)
	n.RouteTables = append(n.RouteTables, o.RouteTables...)
	n.Gateways = append(n.Gateways, o.Gateways...)
	n.NATs = append(n.NATs, o.NATs...)
	n.Endpoints = append(n.Endpoints, o.Endpoints...)
	n.SecurityGroups = append(n.SecurityGroups, o.SecurityGroups...)
	n.ACLs = append(n.ACLs, o.ACLs...)
	n.Others = append(n.Others, o.Others...)
}

// Subnet finds a subnet by its ID, nil when none is listed.
func (n *Network) Subnet(id string) *Subnet {
	return lookup(n.Subnets, id, func(x *Subnet) string { return x.ID })
}

// VPC finds a VPC by its ID, nil when none is listed.
func (n *Network) VPC(id string) *VPC {
	return lookup(n.VPCs, id, func(x *VPC) string { return x.ID })
}

// RouteTable finds a route table by its ID, nil when none is listed.
func (n *Network) RouteTable(id string) *RouteTable {
	return lookup(n.RouteTables, id, func(x *RouteTable) string { return x.ID })
}

// NAT finds a NAT gateway by its ID, nil when none is listed.
func (n *Network) NAT(id string) *NAT {
	return lookup(n.NATs, id, func(x *NAT) string { return x.ID })
}

// Gateway finds an internet gateway by its ID, nil when none is listed.
func (n *Network) Gateway(id string) *Gateway {
	return lookup(n.Gateways, id, func(x *Gateway) string { return x.ID })
}

// SecurityGroup finds a security group by its ID or name.
func (n *Network) SecurityGroup(id string) *SecurityGroup {
	if g := lookup(n.SecurityGroups, id, func(x *SecurityGroup) string { return x.ID }); g != nil {
		return g
	}
	return lookup(n.SecurityGroups, id, func(x *SecurityGroup) string { return x.Name })
}

// ACL finds a network ACL by its ID, nil when none is listed.
func (n *Network) ACL(id string) *NetworkACL {
	return lookup(n.ACLs, id, func(x *NetworkACL) string { return x.ID })
}

func lookup[T any](all []*T, id string, of func(*T) string) *T {
	if id == "" {
		return nil
	}
	for _, x := range all {
		if fact.Equal(of(x), id) == fact.Holds {
			return x
		}
	}
	return nil
}
