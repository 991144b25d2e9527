package access

import (
	"strings"
	"testing"

	"beanpole/internal/account"
	"beanpole/internal/fact"
)

// inVPC puts the instances into a private subnet from which a gateway endpoint
// leads to S3.
func (w *world) inVPC() *account.Endpoint {
	e := &account.Endpoint{ID: "vpce-s3", VPC: "vpc-1", Service: "com.amazonaws.eu-west-1.s3", Type: "Gateway", RouteTables: []string{"rtb-1"}, Pos: at(60)}
	w.a.Network = account.Network{
		VPCs:        []*account.VPC{{ID: "vpc-1", CIDRs: []string{"10.0.0.0/16"}, DNSSupport: fact.Holds, DNSNames: fact.Holds, Pos: at(61)}},
		Subnets:     []*account.Subnet{{ID: "subnet-1", VPC: "vpc-1", RouteTable: "rtb-1", PublicIPs: fact.Broken, Pos: at(62)}},
		RouteTables: []*account.RouteTable{{ID: "rtb-1", VPC: "vpc-1", Pos: at(63)}},
		Endpoints:   []*account.Endpoint{e},
	}
	w.Placement = &Placement{VPC: "vpc-1", Subnets: []string{"subnet-1"}, Auto: true}
	return e
}

// inPublic puts them into a subnet that leads to an internet gateway.
func (w *world) inPublic() (*account.Subnet, *account.RouteTable) {
	w.inVPC()
	n := &w.a.Network
	n.Endpoints = nil
	n.Gateways = []*account.Gateway{{ID: "igw-1", VPC: "vpc-1", Pos: at(64)}}
	n.RouteTables[0].Routes = []account.Route{{CIDR: "0.0.0.0/0", Kind: account.ToGateway, Target: "igw-1", Pos: at(65)}}
	n.Subnets[0].PublicIPs = fact.Holds
	return n.Subnets[0], n.RouteTables[0]
}

// behindNAT puts them behind a NAT gateway in a public subnet.
func (w *world) behindNAT() *account.NAT {
	public, table := w.inPublic()
	n := &w.a.Network
	public.ID, table.ID = "subnet-public", "rtb-public"
	public.RouteTable = "rtb-public"
	nat := &account.NAT{ID: "nat-1", Subnet: "subnet-public", Pos: at(66)}
	n.NATs = []*account.NAT{nat}
	n.Subnets = append(n.Subnets, &account.Subnet{ID: "subnet-1", VPC: "vpc-1", RouteTable: "rtb-1", PublicIPs: fact.Broken, Pos: at(67)})
	n.RouteTables = append(n.RouteTables, &account.RouteTable{ID: "rtb-1", VPC: "vpc-1", Pos: at(68),
		Routes: []account.Route{{CIDR: "0.0.0.0/0", Kind: account.ToNAT, Target: "nat-1", Pos: at(69)}}})
	return nat
}

func rule(protocol string, from, to int, cidr string) account.Traffic {
	return account.Traffic{Protocol: protocol, From: from, To: to, CIDR: cidr, Pos: at(70)}
}

// listed gives the instances' subnet a network ACL.
func (w *world) listed(entries ...account.ACLEntry) {
	n := &w.a.Network
	n.ACLs = []*account.NetworkACL{{ID: "acl-1", VPC: "vpc-1", Entries: entries, Pos: at(71)}}
	n.Subnet("subnet-1").ACL = "acl-1"
}

func entry(number int, egress, allow bool, t account.Traffic) account.ACLEntry {
	return account.ACLEntry{Number: number, Egress: egress, Allow: allow, Traffic: t}
}

const (
	timedOut = `('Connection aborted.', error(110, 'Connection timed out'))`
	anywhere = "0.0.0.0/0"
)

var networks = []outcome{
	{"gateway endpoint", func(w *world) { w.inVPC() }, fact.Holds, "200 S3", "", "1/1", "", ""},
	{"gateway endpoint of another region", func(w *world) { w.inVPC().Service = "com.amazonaws.us-east-1.s3" }, fact.Broken, "0 the network", timedOut, "5/5", Network, ""},
	{"gateway endpoint in another route table", func(w *world) { w.inVPC().RouteTables = []string{"rtb-2"} }, fact.Broken, "0 the network", timedOut, "5/5", Network, ""},
	{"endpoint of another service", func(w *world) { w.inVPC().Service = "com.amazonaws.eu-west-1.dynamodb" }, fact.Broken, "0 the network", timedOut, "5/5", Network, ""},
	{"no way out", func(w *world) { w.inVPC(); w.a.Network.Endpoints = nil }, fact.Broken, "0 the network", timedOut, "5/5", Network, ""},
	{"no way out, and the bucket denies", func(w *world) { w.inVPC(); w.a.Network.Endpoints = nil; w.policy(denyRole) }, fact.Broken, "0 the network", timedOut, "5/5", Network, ""},
	{"no way out, and no credentials", func(w *world) { w.inVPC(); w.a.Network.Endpoints = nil; w.asks("shop-profile") }, fact.Broken, "404 instance metadata", page404, "50/0", Name, ""},
	{"no way out, unsigned", func(w *world) { w.inVPC(); w.a.Network.Endpoints = nil; w.unsigned("") }, fact.Broken, "0 the network", timedOut, "0/5", Network, ""},
	{"no way out, unless a nested stack adds one", func(w *world) {
		w.inVPC()
		w.a.Network.Endpoints, w.a.Network.Others = nil, []string{"nested stack Routes"}
		w.Reachable = false
	}, fact.Unknown, "0 S3", "", "0/0", "", "network"},
	{"the main route table", func(w *world) { w.inVPC(); w.a.Network.Subnets[0].RouteTable = "" }, fact.Broken, "0 the network", timedOut, "5/5", Network, ""},
	{"internet gateway", func(w *world) { w.inPublic() }, fact.Holds, "200 S3", "", "1/1", "", ""},
	{"internet gateway, no public address", func(w *world) { s, _ := w.inPublic(); s.PublicIPs = fact.Broken }, fact.Broken, "0 the network", timedOut, "5/5", Network, ""},
	{"internet gateway, the option gives an address", func(w *world) {
		s, _ := w.inPublic()
		s.PublicIPs = fact.Broken
		w.Placement.PublicIP, w.Placement.Auto = fact.Holds, false
	}, fact.Holds, "200 S3", "", "1/1", "", ""},
	{"internet gateway attached to nothing", func(w *world) { w.inPublic(); w.a.Network.Gateways[0].VPC = "" }, fact.Broken, "0 the network", timedOut, "5/5", Network, ""},
	{"egress-only gateway", func(w *world) { _, r := w.inPublic(); r.Routes[0].Kind = account.ToIPv6 }, fact.Broken, "0 the network", timedOut, "5/5", Network, ""},
	{"NAT gateway", func(w *world) { w.behindNAT() }, fact.Holds, "200 S3", "", "1/1", "", ""},
	{"NAT gateway in the private subnet", func(w *world) { w.behindNAT().Subnet = "subnet-1" }, fact.Unknown, "0 S3", "", "0/0", "", "network"},
	{"NAT gateway without a way out", func(w *world) { w.behindNAT(); w.a.Network.RouteTable("rtb-public").Routes = nil }, fact.Broken, "0 the network", timedOut, "5/5", Network, ""},
	{"no DNS", func(w *world) { w.inPublic(); w.a.Network.VPCs[0].DNSSupport = fact.Broken }, fact.Broken, "0 the network", `('Connection aborted.', gaierror(-3, 'Temporary failure in name resolution'))`, "5/5", Network, ""},
	{"security group lets 443 out", func(w *world) { w.inPublic(); w.grouped(rule("tcp", 443, 443, anywhere)) }, fact.Holds, "200 S3", "", "1/1", "", ""},
	{"security group lets 80 out", func(w *world) { w.inPublic(); w.grouped(rule("tcp", 80, 80, anywhere)) }, fact.Broken, "0 the network", timedOut, "5/5", Network, ""},
	{"security group lets out to the VPC", func(w *world) { w.inPublic(); w.grouped(rule("-1", -1, -1, "10.0.0.0/16")) }, fact.Broken, "0 the network", timedOut, "5/5", Network, ""},
	{"security group lets out to a prefix list", func(w *world) {
		w.inPublic()
		w.grouped(account.Traffic{Protocol: "tcp", From: 443, To: 443, Peer: "pl-1"})
	}, fact.Unknown, "0 S3", "", "0/0", "", "network"},
	{"network ACL", func(w *world) {
		w.inPublic()
		w.listed(entry(100, true, true, rule("6", 443, 443, anywhere)), entry(100, false, true, rule("6", 1024, 65535, anywhere)))
	}, fact.Holds, "200 S3", "", "1/1", "", ""},
	{"network ACL without ephemeral ports", func(w *world) {
		w.inPublic()
		w.listed(entry(100, true, true, rule("-1", -1, -1, anywhere)), entry(100, false, true, rule("6", 443, 443, anywhere)))
	}, fact.Broken, "0 the network", timedOut, "5/5", Network, ""},
	{"network ACL: a deny comes first", func(w *world) {
		w.inPublic()
		w.listed(entry(200, true, true, rule("-1", -1, -1, anywhere)), entry(100, true, false, rule("6", 443, 443, anywhere)), entry(100, false, true, rule("-1", -1, -1, anywhere)))
	}, fact.Broken, "0 the network", timedOut, "5/5", Network, ""},
	{"network ACL with half of the ephemeral ports", func(w *world) {
		w.inPublic()
		w.listed(entry(100, true, true, rule("-1", -1, -1, anywhere)), entry(100, false, true, rule("6", 1024, 49152, anywhere)))
	}, fact.Unknown, "0 S3", "", "0/0", "", "network"},
	{"network ACL that lists nothing", func(w *world) { w.inPublic(); w.listed() }, fact.Broken, "0 the network", timedOut, "5/5", Network, ""},
	{"one subnet of two", func(w *world) {
		w.inPublic()
		w.a.Network.Subnets = append(w.a.Network.Subnets, &account.Subnet{ID: "subnet-2", VPC: "vpc-1"})
		w.Placement.Subnets = append(w.Placement.Subnets, "subnet-2")
	}, fact.Unknown, "0 S3", "", "0/0", "", "network"},
	{"two subnets, one with an endpoint", func(w *world) {
		w.behindNAT()
		w.a.Network.Subnets = append(w.a.Network.Subnets, &account.Subnet{ID: "subnet-2", VPC: "vpc-1", RouteTable: "rtb-2"})
		w.a.Network.RouteTables = append(w.a.Network.RouteTables, &account.RouteTable{ID: "rtb-2", VPC: "vpc-1"})
		w.a.Network.Endpoints = []*account.Endpoint{{ID: "vpce-s3", VPC: "vpc-1", Service: "com.amazonaws.eu-west-1.s3", Type: "Gateway", RouteTables: []string{"rtb-2"}}}
		w.Placement.Subnets = append(w.Placement.Subnets, "subnet-2")
	}, fact.Holds, "200 S3", "", "1/1", "", ""},
	{"interface endpoint without private DNS", func(w *world) { e := w.inVPC(); e.Type, e.PrivateDNS = "Interface", fact.Broken }, fact.Broken, "0 the network", timedOut, "5/5", Network, ""},
	{"interface endpoint with private DNS", func(w *world) {
		e := w.inVPC()
		e.Type, e.PrivateDNS, e.SecurityGroups = "Interface", fact.Holds, []string{"sg-e"}
		w.a.Network.SecurityGroups = []*account.SecurityGroup{{ID: "sg-e", Ingress: []account.Traffic{rule("tcp", 443, 443, "10.0.0.0/16")}}}
	}, fact.Holds, "200 S3", "", "1/1", "", ""},
	{"a VPC of somewhere else", func(w *world) {
		w.Placement = &Placement{VPC: "vpc-9", Subnets: []string{"subnet-9"}}
		w.Reachable = false
	}, fact.Unknown, "0 S3", "", "0/0", "", "network"},
	{"global URL through an endpoint", func(w *world) { w.inVPC(); w.fetch("https://certs.s3.amazonaws.com/client.pem") }, fact.Holds, "200 S3", "", "1/1", "", ""},
	{"global path style past an endpoint", func(w *world) { w.inVPC(); w.fetch("https://s3.amazonaws.com/certs/client.pem") }, fact.Broken, "0 the network", timedOut, "5/5", Network, ""},

	{"session tokens only, an agent of Amazon Linux 1", func(w *world) { w.TokensRequired, w.PlainAgent = true, true }, fact.Broken, "401 instance metadata", "[Errno 401] HTTP Error 401 : ", "5/0", Metadata, ""},
	{"session tokens only, a newer agent", func(w *world) { w.TokensRequired = true }, fact.Holds, "200 S3", "", "1/1", "", ""},
}

// grouped gives the instances one security group with these egress rules.
func (w *world) grouped(rules ...account.Traffic) {
	w.a.Network.SecurityGroups = []*account.SecurityGroup{{ID: "sg-1", Egress: rules, Pos: at(72)}}
	w.Placement.SecurityGroups = []string{"sg-1"}
}

func TestFollowThroughNetworks(t *testing.T) {
	for i := range networks { // a network decides for itself, whatever else is known
		change := networks[i].change
		networks[i].change = func(w *world) {
			change(w)
			if networks[i].verdict == fact.Unknown {
				w.Reachable = false
			}
		}
	}
	followAll(t, networks)
}

func TestTheWrongSubnetIsADoubt(t *testing.T) {
	w := working(t)
	w.inPublic()
	w.Reachable = false
	w.a.Network.Subnets = append(w.a.Network.Subnets, &account.Subnet{ID: "subnet-2", VPC: "vpc-1"})
	w.Placement.Subnets = append(w.Placement.Subnets, "subnet-2")
	c := Follow(w.World, w.f)
	if len(c.Doubts) != 1 || !strings.Contains(c.Doubts[0].Says, "subnet-2") {
		t.Errorf("doubts = %+v", c.Doubts)
	}
}
