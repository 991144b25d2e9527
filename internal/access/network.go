package access

import (
	"net/netip"
	"slices"
	"strings"

	"beanpole/internal/account"
	"beanpole/internal/aws"
	"beanpole/internal/fact"
	"beanpole/internal/source"
)

// Placement is where the instances are.
type Placement struct {
	VPC            string
	Subnets        []string // an instance is in any one of them
	SecurityGroups []string
	// PublicIP: the instances get a public address. Unknown without Auto: it
	// cannot be told; with Auto, each subnet's own setting decides.
	PublicIP fact.Verdict
	Auto     bool
	// Unknown says what of it is not known, "" when all is.
	Unknown string
	At      []source.Pos
}

// way is how one instance's packets get to a server, if they do.
type way struct {
	verdict  fact.Verdict
	says     string // the answer in one line
	missing  string // Unknown: what would settle it
	at       []source.Pos
	endpoint *account.Endpoint // that they go through
	noNames  bool              // names are not resolved at all
	// mixed: all subnets lead to the server, not all through the same endpoint.
	mixed bool
	// some: from some of the subnets no way leads there.
	some bool
}

func blockedWay(at []source.Pos, says string) way {
	return way{verdict: fact.Broken, says: says, at: at}
}

func openWay(at []source.Pos, says string) way { return way{verdict: fact.Holds, says: says, at: at} }

func doubtfulWay(at []source.Pos, says, missing string) way {
	return way{says: says, missing: missing, at: at}
}

// trip is what is to be reached: S3 in a region, on a port.
type trip struct {
	n        *account.Network
	p        *Placement
	region   string // of the S3 endpoint; "" for a server that is not S3
	port     int
	protocol string // "tcp", "udp"
	global   bool   // by the global name
	vpc      *account.VPC
}

// findWay is how the agent's requests get to the server.
func (x *follower) findWay() way {
	var w way
	t := &x.target
	switch {
	case x.w.Placement != nil && t.unknown == "":
		to := &trip{n: &x.a.Network, p: x.w.Placement, port: 80, protocol: "tcp", global: t.Global}
		if t.secure {
			to.port = 443
		}
		if !t.elsewhere {
			to.region = servedFrom(x.a, &t.S3Target)
		}
		w = reach(to)
	case x.w.Placement == nil && x.w.Reachable:
		w = openWay(nil, "the instances reach S3")
	case t.elsewhere:
		w = doubtfulWay(nil, "whether the instances reach the server is not known", "whether the instances' subnets reach that server")
	default:
		w = doubtfulWay(nil, "whether the instances reach S3 is not known", "whether the instances' subnets reach S3")
	}
	return w
}

// servedFrom is the region to whose addresses a name of S3 leads.
func servedFrom(a *account.Account, t *aws.S3Target) string {
	if !t.Global {
		return t.Region
	}
	if b, found := a.Bucket(t.Bucket); found == fact.Holds && !t.PathStyle {
		if region := bucketRegion(a, b); !fact.Known(region) || aws.GlobalEndpointRoutes(region) {
			return region
		}
	} else if found == fact.Unknown && !t.PathStyle {
		return fact.Symbol("region of bucket " + t.Bucket)
	}
	return "us-east-1"
}

// Way is how far packets of an instance get.
type Way struct {
	Verdict fact.Verdict // Broken: they are dropped, and no answer comes
	Says    string       // in one line
	NoNames bool         // the VPC's DNS server does not answer at all
	// Endpoint is the VPC endpoint that they surely go through, nil for none.
	Endpoint *account.Endpoint
}

// WayTo is the way of an instance to S3 by one of its names, or for another
// name, or none, to the internet: what the chain's network link decides. The
// local AWS asks it of what an instance in a VPC may reach.
func WayTo(a *account.Account, p *Placement, host, protocol string, port int) Way {
	to := &trip{n: &a.Network, p: p, port: port, protocol: protocol}
	if s, ok := aws.ServedS3(host, "/"); ok {
		to.global, to.region = s.Global, servedFrom(a, &s)
	}
	w := reach(to)
	way := Way{Verdict: w.verdict, Says: w.says, NoNames: w.noNames}
	if w.verdict == fact.Holds {
		way.Endpoint = w.endpoint
	}
	return way
}

// Edges are the ports from which on another rule may decide about what leaves
// an instance: between two of them WayTo answers the same.
func Edges(n *account.Network, p *Placement) []int {
	edges := []int{0, 1 << 16}
	add := func(t *account.Traffic) {
		for _, e := range []int{t.From, t.To + 1} {
			if e > 0 && e < 1<<16 {
				edges = append(edges, e)
			}
		}
	}
	for _, g := range n.SecurityGroups {
		for i := range g.Egress {
			add(&g.Egress[i])
		}
	}
	for _, acl := range n.ACLs {
		for i := range acl.Entries {
			add(&acl.Entries[i].Traffic)
		}
	}
	slices.Sort(edges)
	return slices.Compact(edges)
}

// unreached is what the agent makes of a server that it cannot reach. What no
// route, group or list lets pass is dropped: connecting ends with ETIMEDOUT,
// about two minutes later; without DNS, the name with EAI_AGAIN. The agent
// tries again as for every error of a connection. [cb:util.py; the texts are
// those of cfninit's recorded connection errors]
func (w *way) unreached() Answer {
	inner := "error(110, 'Connection timed out')"
	if w.noNames {
		inner = "gaierror(-3, 'Temporary failure in name resolution')"
	}
	return Answer{From: FromNetwork, Verdict: fact.Broken, Reason: "('Connection aborted.', " + inner + ")", ServerCalls: fetchTries}
}

// unsure are the condition keys of a request of which it is not known whether
// and how they are set. Through an endpoint a request has no public source
// address, elsewhere no endpoint. [S3:example-bucket-policies-vpc-endpoint]
func (w *way) unsure() []string {
	known := map[string]bool{}
	switch {
	case w.verdict != fact.Holds || w.mixed:
	case w.endpoint != nil:
		known["aws:SourceIp"] = true
	default:
		known["aws:SourceVpc"], known["aws:SourceVpce"], known["aws:VpcSourceIp"], known["aws:SourceVpcArn"] = true, true, true, true
	}
	return slices.DeleteFunc(slices.Clone(onTheWay), func(k string) bool { return known[k] })
}

// reach tells how instances reach a server. An instance may be in any of the
// subnets: what differs between them is not known.
func reach(t *trip) way {
	n, p := t.n, t.p
	if p.Unknown != "" {
		return doubtfulWay(p.At, "where the instances are is not known", p.Unknown)
	}
	if t.vpc = n.VPC(p.VPC); t.vpc == nil {
		return doubtfulWay(p.At, "VPC "+quoted(p.VPC)+" is not known", "the template that creates VPC "+quoted(p.VPC)+" (--template)")
	}
	if t.vpc.DNSSupport == fact.Broken {
		w := blockedWay(append([]source.Pos{t.vpc.Pos}, p.At...), "VPC "+quoted(p.VPC)+" has no DNS (EnableDnsSupport is false): no name of S3 is resolved")
		w.noNames = true
		return w
	}
	var all way
	for i, id := range p.Subnets {
		w := t.from(id)
		switch {
		case i == 0:
			all = w
		case w.verdict == fact.Holds && all.verdict == fact.Holds && w.endpoint != all.endpoint:
			all = mix(all, w)
		case w.verdict != all.verdict:
			some := w.verdict == fact.Broken || all.verdict == fact.Broken || all.some
			all = doubtfulWay(append(all.at, w.at...), "it depends on the subnet: "+all.says+"; "+w.says, "in which of the subnets the instance is")
			all.some = some && len(n.Others) == 0
		}
	}
	if len(p.Subnets) == 0 {
		return doubtfulWay(p.At, "in which subnets the instances are is not known", "option aws:ec2:vpc Subnets")
	}
	if all.verdict == fact.Broken && len(n.Others) > 0 && !all.noNames {
		all.verdict, all.missing = fact.Unknown, "what "+strings.Join(n.Others, ", ")+" adds to the network"
	}
	return all
}

// mix joins the ways of two subnets that both lead to the server. Endpoints
// whose policies let everything through are as good as none.
func mix(a, b way) way {
	for _, e := range []*account.Endpoint{a.endpoint, b.endpoint} {
		if e != nil && (e.Policy != nil || e.PolicyUnknown != "") {
			return doubtfulWay(append(a.at, b.at...), "it depends on the subnet: "+a.says+"; "+b.says, "in which of the subnets the instance is")
		}
	}
	a.endpoint, a.mixed, a.at = nil, true, append(a.at, b.at...)
	return a
}

// from is the way out of one subnet: out of the security groups, past the
// subnet's network ACL, along its routes.
func (t *trip) from(id string) way {
	s := t.n.Subnet(id)
	if s == nil {
		return doubtfulWay(t.p.At, "subnet "+quoted(id)+" is not known", "the template that creates subnet "+quoted(id)+" (--template)")
	}
	w := t.route(s)
	if w.verdict == fact.Broken {
		return w
	}
	for _, barrier := range []way{t.groups(&w), t.acl(s, &w)} {
		switch {
		case barrier.verdict == fact.Broken:
			barrier.endpoint = w.endpoint
			return barrier
		case barrier.verdict == fact.Unknown && w.verdict == fact.Holds:
			w.verdict, w.says, w.missing = fact.Unknown, barrier.says, barrier.missing
		}
		w.at = append(w.at, barrier.at...)
	}
	return w
}

// route follows the subnet's route table. [VPC:VPC_Route_Tables]
func (t *trip) route(s *account.Subnet) way {
	at := []source.Pos{s.Pos}
	if s.RouteTable == "" {
		return blockedWay(at, "subnet "+quoted(s.ID)+" has no route table of its own, and the VPC's main one leads nowhere but into the VPC")
	}
	table := t.n.RouteTable(s.RouteTable)
	if table == nil {
		return doubtfulWay(at, "route table "+quoted(s.RouteTable)+" is not known", "the routes of "+quoted(s.RouteTable))
	}
	at = append(at, table.Pos)
	if e, v := t.endpoint(s); v != fact.Broken {
		if v == fact.Unknown {
			return doubtfulWay(append(at, e.Pos), "whether endpoint "+quoted(e.ID)+" is the way to S3 is not known", endpointMissing(e))
		}
		w := openWay(append(at, e.Pos), "the instances reach S3 through VPC endpoint "+quoted(e.ID))
		w.endpoint = e
		return w
	}
	var out *account.Route
	for i := range table.Routes {
		r := &table.Routes[i]
		switch {
		case r.CIDR == "0.0.0.0/0":
			out = r
		case r.CIDR == "", isPrivate(r.CIDR) == fact.Holds:
		default: // a narrower route that may hold S3's addresses
			return doubtfulWay(append(at, r.Pos), "whether S3's addresses are in "+quoted(r.CIDR)+" is not known", "where the route to "+quoted(r.CIDR)+" leads")
		}
	}
	if out == nil {
		return blockedWay(at, "route table "+quoted(table.ID)+" of subnet "+quoted(s.ID)+" leads nowhere but into the VPC: no internet or NAT gateway, no endpoint for S3")
	}
	return t.along(s, out, append(at, out.Pos))
}

// along is the way by a default route.
func (t *trip) along(s *account.Subnet, r *account.Route, at []source.Pos) way {
	switch r.Kind {
	case account.ToGateway:
		if w := t.attached(r, at); w.verdict != fact.Holds {
			return w
		}
		public := t.p.PublicIP
		if public == fact.Unknown && t.p.Auto {
			public = s.PublicIPs
		}
		at = append(at, t.p.At...)
		switch public {
		case fact.Broken:
			return blockedWay(at, "subnet "+quoted(s.ID)+" leads to an internet gateway, but the instances get no public address")
		case fact.Unknown:
			return doubtfulWay(at, "whether the instances get a public address is not known", "option aws:ec2:vpc AssociatePublicIpAddress")
		}
		return openWay(at, "the instances reach S3 through the internet gateway")
	case account.ToNAT:
		return t.throughNAT(r, at)
	case account.ToIPv6:
		return blockedWay(at, "the default route leads to an egress-only internet gateway, which takes IPv6 alone; the agent's names of S3 have IPv4 addresses")
	}
	return doubtfulWay(at, "the default route leads to "+string(r.Kind)+" "+quoted(r.Target), "where "+quoted(r.Target)+" leads")
}

// attached tells whether an internet gateway belongs to the VPC.
func (t *trip) attached(r *account.Route, at []source.Pos) way {
	g := t.n.Gateway(r.Target)
	switch {
	case g == nil:
		return doubtfulWay(at, "internet gateway "+quoted(r.Target)+" is not known", "whether internet gateway "+quoted(r.Target)+" is attached to the VPC")
	case g.VPC == "":
		return blockedWay(append(at, g.Pos), "internet gateway "+quoted(g.ID)+" is attached to no VPC: the route is a black hole")
	case fact.Equal(g.VPC, t.p.VPC) != fact.Holds:
		return doubtfulWay(append(at, g.Pos), "internet gateway "+quoted(g.ID)+" is attached to VPC "+quoted(g.VPC), "to which VPC internet gateway "+quoted(g.ID)+" is attached")
	}
	return openWay(at, "")
}

// throughNAT: a NAT gateway must itself be in a subnet that leads to an
// internet gateway. [VPC:vpc-nat-gateway]
func (t *trip) throughNAT(r *account.Route, at []source.Pos) way {
	nat := t.n.NAT(r.Target)
	if nat == nil {
		return doubtfulWay(at, "NAT gateway "+quoted(r.Target)+" is not known", "where NAT gateway "+quoted(r.Target)+" is")
	}
	at = append(at, nat.Pos)
	if nat.Private {
		return doubtfulWay(at, "NAT gateway "+quoted(nat.ID)+" is private: it has no public address", "whether NAT gateway "+quoted(nat.ID)+" leads to S3")
	}
	s := t.n.Subnet(nat.Subnet)
	if s == nil {
		return doubtfulWay(at, "the subnet of NAT gateway "+quoted(nat.ID)+" is not known", "subnet "+quoted(nat.Subnet))
	}
	at = append(at, s.Pos)
	table := t.n.RouteTable(s.RouteTable)
	if table == nil && s.RouteTable != "" {
		return doubtfulWay(at, "the routes of NAT gateway "+quoted(nat.ID)+" are not known", "the routes of "+quoted(s.RouteTable))
	}
	if table != nil {
		for i := range table.Routes {
			if out := &table.Routes[i]; out.CIDR == "0.0.0.0/0" {
				if out.Kind != account.ToGateway {
					return doubtfulWay(append(at, out.Pos), "NAT gateway "+quoted(nat.ID)+" is in a subnet that leads to "+string(out.Kind), "where "+quoted(out.Target)+" leads")
				}
				if w := t.attached(out, append(at, out.Pos)); w.verdict != fact.Holds {
					return w
				}
				if s.ACL != "" && !letsAll(t.n.ACL(s.ACL)) {
					return doubtfulWay(at, "what the network ACL of NAT gateway "+quoted(nat.ID)+" lets through is not looked at", "the network ACL of subnet "+quoted(s.ID))
				}
				return openWay(at, "the instances reach S3 through NAT gateway "+quoted(nat.ID))
			}
		}
	}
	return blockedWay(at, "NAT gateway "+quoted(nat.ID)+" is in subnet "+quoted(s.ID)+", which itself leads to no internet gateway")
}

// letsAll tells a network ACL whose first rules allow everything both ways, as
// those of a default one do. [VPC:default-network-acl]
func letsAll(l *account.NetworkACL) bool {
	if l == nil {
		return false
	}
	var first [2]*account.ACLEntry
	for i := range l.Entries {
		e, way := &l.Entries[i], 0
		if e.Unknown != "" {
			return false
		}
		if e.Egress {
			way = 1
		}
		if first[way] == nil || e.Number < first[way].Number {
			first[way] = e
		}
	}
	for _, e := range first {
		if e == nil || !e.Allow || e.Protocol != "-1" || e.CIDR != "0.0.0.0/0" {
			return false
		}
	}
	return true
}

// endpoint is the VPC endpoint through which the subnet's requests to S3 go.
// Broken: none.
func (t *trip) endpoint(s *account.Subnet) (*account.Endpoint, fact.Verdict) {
	var maybe *account.Endpoint
	for _, e := range t.n.Endpoints {
		switch t.uses(e, s) {
		case fact.Holds:
			return e, fact.Holds
		case fact.Unknown:
			maybe = e
		}
	}
	if maybe != nil {
		return maybe, fact.Unknown
	}
	return nil, fact.Broken
}

// uses: a gateway endpoint takes what is for S3 in its own region, out of the
// subnets whose route tables it is in. An interface endpoint is only found
// under the names that its private DNS covers, regional ones.
// [S3:privatelink-interface-endpoints; VPC:vpc-endpoints-s3]
func (t *trip) uses(e *account.Endpoint, s *account.Subnet) fact.Verdict {
	if t.region == "" || !strings.HasSuffix(e.Service, ".s3") && fact.Known(e.Service) {
		return fact.Broken
	}
	v := fact.All(fact.Equal(e.VPC, t.p.VPC), fact.Equal(e.Service, "com.amazonaws."+t.region+".s3"))
	if e.Unknown != "" {
		v = fact.All(v, fact.Unknown)
	}
	if e.Type == "Interface" {
		v = fact.All(v, e.PrivateDNS, fact.Not(fact.Of(t.global)))
		if v == fact.Holds && !t.open(e) {
			return fact.Unknown
		}
		return v
	}
	in := fact.Broken
	for _, table := range e.RouteTables {
		in = fact.Any(in, fact.Equal(table, s.RouteTable))
	}
	return fact.All(v, in)
}

// open reports whether an interface endpoint's security groups surely let the
// VPC's instances in.
func (t *trip) open(e *account.Endpoint) bool {
	for _, id := range e.SecurityGroups {
		if g := t.n.SecurityGroup(id); g != nil && slices.ContainsFunc(g.Ingress, func(r account.Traffic) bool {
			return r.Unknown == "" && carries(&r, "tcp", t.port) == fact.Holds && (r.CIDR == "0.0.0.0/0" || slices.Contains(t.vpc.CIDRs, r.CIDR))
		}) {
			return true
		}
	}
	return false
}

func endpointMissing(e *account.Endpoint) string {
	if e.Unknown != "" {
		return e.Unknown
	}
	return "whether VPC endpoint " + quoted(e.ID) + " serves S3 in the region of the URL"
}

// privateRanges hold no address of S3. [RFC 1918, RFC 6598, RFC 3927]
var privateRanges = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("169.254.0.0/16"),
}

// isPrivate tells whether a range holds none of the internet's addresses.
func isPrivate(cidr string) fact.Verdict {
	p, err := netip.ParsePrefix(cidr)
	if err != nil {
		return fact.Unknown
	}
	for _, r := range privateRanges {
		if r.Bits() <= p.Bits() && r.Contains(p.Addr()) {
			return fact.Holds
		}
	}
	return fact.Broken
}
