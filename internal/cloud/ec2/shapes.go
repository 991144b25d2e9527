package ec2

import (
	"strconv"
	"strings"

	"beanpole/internal/account"
)

// The shapes of what there is, with the names of EC2's API. [EC2 API reference]

type vpcShape struct {
	ID      string  `xml:"vpcId"`
	Owner   string  `xml:"ownerId"`
	State   string  `xml:"state"`
	CIDR    string  `xml:"cidrBlock"`
	Blocks  []block `xml:"cidrBlockAssociationSet>item"`
	Tenancy string  `xml:"instanceTenancy"`
	Default bool    `xml:"isDefault"`
}

type block struct {
	CIDR  string `xml:"cidrBlock"`
	State string `xml:"cidrBlockState>state"`
}

func (r *region) vpcs() (out []item) {
	for _, v := range r.net.VPCs {
		shape := vpcShape{ID: v.ID, Owner: r.account, State: "available", Tenancy: "default", Default: v.ID == r.defaultVPC}
		for _, c := range v.CIDRs {
			shape.CIDR = or(shape.CIDR, c)
			shape.Blocks = append(shape.Blocks, block{c, "associated"})
		}
		out = append(out, item{v.ID, map[string][]string{"vpc-id": {v.ID}, "is-default": {flag(shape.Default)}, "isDefault": {flag(shape.Default)},
			"state": {shape.State}, "cidr": v.CIDRs, "owner-id": {r.account}}, shape})
	}
	return out
}

type subnetShape struct {
	ID      string `xml:"subnetId"`
	State   string `xml:"state"`
	VPC     string `xml:"vpcId"`
	Owner   string `xml:"ownerId"`
	CIDR    string `xml:"cidrBlock,omitempty"`
	Zone    string `xml:"availabilityZone,omitempty"`
	Default bool   `xml:"defaultForAz"`
	Public  bool   `xml:"mapPublicIpOnLaunch"`
}

func (r *region) subnets() (out []item) {
	for _, s := range r.net.Subnets {
		d := r.details[s.ID]
		shape := subnetShape{ID: s.ID, State: "available", VPC: s.VPC, Owner: r.account, CIDR: d["CidrBlock"], Zone: d["AvailabilityZone"],
			Default: s.VPC == r.defaultVPC && d["VpcId"] == "", Public: isOn(s.PublicIPs)}
		out = append(out, item{s.ID, map[string][]string{"subnet-id": {s.ID}, "vpc-id": {s.VPC}, "state": {"available"}, "availability-zone": {shape.Zone},
			"default-for-az": {flag(shape.Default)}, "cidr-block": {shape.CIDR}}, shape})
	}
	return out
}

type tableShape struct {
	ID           string        `xml:"routeTableId"`
	VPC          string        `xml:"vpcId"`
	Owner        string        `xml:"ownerId"`
	Routes       []routeShape  `xml:"routeSet>item"`
	Associations []association `xml:"associationSet>item"`
}

type association struct {
	ID     string `xml:"routeTableAssociationId,omitempty"`
	Table  string `xml:"routeTableId,omitempty"`
	ACLID  string `xml:"networkAclAssociationId,omitempty"`
	ACL    string `xml:"networkAclId,omitempty"`
	Subnet string `xml:"subnetId,omitempty"`
	Main   *bool  `xml:"main"`
}

type routeShape struct {
	CIDR       string `xml:"destinationCidrBlock,omitempty"`
	Prefixes   string `xml:"destinationPrefixListId,omitempty"`
	Gateway    string `xml:"gatewayId,omitempty"`
	NAT        string `xml:"natGatewayId,omitempty"`
	Transit    string `xml:"transitGatewayId,omitempty"`
	Peering    string `xml:"vpcPeeringConnectionId,omitempty"`
	EgressOnly string `xml:"egressOnlyInternetGatewayId,omitempty"`
	Instance   string `xml:"instanceId,omitempty"`
	Interface  string `xml:"networkInterfaceId,omitempty"`
	State      string `xml:"state"`
	Origin     string `xml:"origin"`
}

func (r *region) tables() (out []item) {
	for _, t := range r.net.RouteTables {
		shape := tableShape{ID: t.ID, VPC: t.VPC, Owner: r.account}
		if v := r.net.VPC(t.VPC); v != nil {
			for _, c := range v.CIDRs {
				shape.Routes = append(shape.Routes, routeShape{CIDR: c, Gateway: "local", State: "active", Origin: "CreateRouteTable"})
			}
		}
		for i := range t.Routes {
			shape.Routes = append(shape.Routes, r.route(t, &t.Routes[i]))
		}
		for _, e := range r.net.Endpoints {
			for _, id := range e.RouteTables {
				if id == t.ID {
					shape.Routes = append(shape.Routes, routeShape{Prefixes: made("pl-", r.name, e.Service)[:11], Gateway: e.ID, State: "active", Origin: "CreateRoute"})
				}
			}
		}
		main := r.main[t.VPC] == t.ID
		if main {
			shape.Associations = append(shape.Associations, association{ID: made("rtbassoc-", t.ID), Table: t.ID, Main: &main})
		}
		joined := r.associated(func(s *account.Subnet) string { return s.RouteTable }, t.ID)
		for _, s := range joined {
			if no := false; !main {
				shape.Associations = append(shape.Associations, association{ID: made("rtbassoc-", t.ID, s), Table: t.ID, Subnet: s, Main: &no})
			}
		}
		out = append(out, item{t.ID, map[string][]string{"route-table-id": {t.ID}, "vpc-id": {t.VPC}, "association.main": {flag(main)}, "association.subnet-id": joined}, shape})
	}
	return out
}

func (r *region) route(t *account.RouteTable, a *account.Route) routeShape {
	out := routeShape{CIDR: a.CIDR, State: "active", Origin: "CreateRoute"}
	if r.blackhole(t, a) {
		out.State = "blackhole"
	}
	switch prefix, _, _ := strings.Cut(a.Target, "-"); prefix {
	case "nat":
		out.NAT = a.Target
	case "tgw":
		out.Transit = a.Target
	case "pcx":
		out.Peering = a.Target
	case "eigw":
		out.EgressOnly = a.Target
	case "i":
		out.Instance = a.Target
	case "eni":
		out.Interface = a.Target
	default:
		out.Gateway = a.Target
	}
	return out
}

type gatewayShape struct {
	ID       string       `xml:"internetGatewayId"`
	Owner    string       `xml:"ownerId"`
	Attached []attachment `xml:"attachmentSet>item"`
}

type attachment struct {
	VPC   string `xml:"vpcId"`
	State string `xml:"state"`
}

func (r *region) gateways() (out []item) {
	for _, g := range r.net.Gateways {
		shape, attrs := gatewayShape{ID: g.ID, Owner: r.account}, map[string][]string{"internet-gateway-id": {g.ID}, "attachment.vpc-id": nil, "attachment.state": nil}
		if g.VPC != "" {
			shape.Attached = []attachment{{g.VPC, "available"}}
			attrs["attachment.vpc-id"], attrs["attachment.state"] = []string{g.VPC}, []string{"available"}
		}
		out = append(out, item{g.ID, attrs, shape})
	}
	return out
}

type natShape struct {
	ID           string `xml:"natGatewayId"`
	Subnet       string `xml:"subnetId"`
	VPC          string `xml:"vpcId"`
	State        string `xml:"state"`
	Connectivity string `xml:"connectivityType"`
}

func (r *region) nats() (out []item) {
	for _, g := range r.net.NATs {
		shape := natShape{ID: g.ID, Subnet: g.Subnet, State: "available", Connectivity: "public"}
		if g.Private {
			shape.Connectivity = "private"
		}
		if s := r.net.Subnet(g.Subnet); s != nil {
			shape.VPC = s.VPC
		}
		out = append(out, item{g.ID, map[string][]string{"nat-gateway-id": {g.ID}, "vpc-id": {shape.VPC}, "subnet-id": {g.Subnet}, "state": {"available"}}, shape})
	}
	return out
}

type endpointShape struct {
	ID         string   `xml:"vpcEndpointId"`
	VPC        string   `xml:"vpcId"`
	Service    string   `xml:"serviceName"`
	Type       string   `xml:"vpcEndpointType"`
	State      string   `xml:"state"`
	Policy     string   `xml:"policyDocument"`
	Tables     []string `xml:"routeTableIdSet>item"`
	Subnets    []string `xml:"subnetIdSet>item"`
	Groups     []group  `xml:"groupSet>item"`
	PrivateDNS bool     `xml:"privateDnsEnabled"`
	Owner      string   `xml:"ownerId"`
}

type group struct {
	ID string `xml:"groupId"`
}

// openPolicy is that of an endpoint to which none was given
// [VPC:vpc-endpoints-access, Default endpoint policy].
const openPolicy = `{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`

func (r *region) endpoints() (out []item) {
	for _, e := range r.net.Endpoints {
		shape := endpointShape{ID: e.ID, VPC: e.VPC, Service: e.Service, Type: e.Type, State: "available", Owner: r.account,
			Policy: or(r.details[e.ID]["PolicyDocument"], openPolicy), Tables: e.RouteTables, Subnets: e.Subnets, PrivateDNS: isOn(e.PrivateDNS)}
		for _, g := range e.SecurityGroups {
			shape.Groups = append(shape.Groups, group{g})
		}
		out = append(out, item{e.ID, map[string][]string{"vpc-endpoint-id": {e.ID}, "vpc-id": {e.VPC}, "service-name": {e.Service},
			"vpc-endpoint-type": {e.Type}, "vpc-endpoint-state": {"available"}}, shape})
	}
	return out
}

type groupShape struct {
	Owner       string       `xml:"ownerId"`
	ID          string       `xml:"groupId"`
	Name        string       `xml:"groupName"`
	Description string       `xml:"groupDescription"`
	VPC         string       `xml:"vpcId"`
	Ingress     []permission `xml:"ipPermissions>item"`
	Egress      []permission `xml:"ipPermissionsEgress>item"`
}

type permission struct {
	Protocol string   `xml:"ipProtocol"`
	From     *int     `xml:"fromPort"`
	To       *int     `xml:"toPort"`
	Ranges   []string `xml:"ipRanges>item>cidrIp"`
	Groups   []group  `xml:"groups>item"`
	Lists    []string `xml:"prefixListIds>item>prefixListId"`
}

func (r *region) groups() (out []item) {
	for _, g := range r.net.SecurityGroups {
		d := r.details[g.ID]
		name := or(g.Name, d["Name"])
		out = append(out, item{g.ID, map[string][]string{"group-id": {g.ID}, "vpc-id": {g.VPC}, "group-name": {name}, "owner-id": {r.account}},
			groupShape{r.account, g.ID, name, d["GroupDescription"], g.VPC, permissions(g.Ingress), permissions(g.Egress)}})
	}
	return out
}

// permissions are the rules of a security group, each by itself.
func permissions(rules []account.Traffic) (out []permission) {
	for i := range rules {
		t := &rules[i]
		p := permission{Protocol: t.Protocol}
		if t.From >= 0 || t.To >= 0 {
			p.From, p.To = &t.From, &t.To
		}
		switch {
		case t.CIDR != "":
			p.Ranges = []string{t.CIDR}
		case strings.HasPrefix(t.Peer, "pl-"):
			p.Lists = []string{t.Peer}
		case t.Peer != "":
			p.Groups = []group{{t.Peer}}
		default:
			continue // of IPv6
		}
		out = append(out, p)
	}
	return out
}

type aclShape struct {
	ID           string        `xml:"networkAclId"`
	VPC          string        `xml:"vpcId"`
	Owner        string        `xml:"ownerId"`
	Default      bool          `xml:"default"`
	Entries      []entry       `xml:"entrySet>item"`
	Associations []association `xml:"associationSet>item"`
}

type entry struct {
	Number   int    `xml:"ruleNumber"`
	Protocol string `xml:"protocol"`
	Action   string `xml:"ruleAction"`
	Egress   bool   `xml:"egress"`
	CIDR     string `xml:"cidrBlock"`
	Ports    *ports `xml:"portRange"`
}

type ports struct {
	From int `xml:"from"`
	To   int `xml:"to"`
}

// lastRule is the number of the rule at every list's end, which denies.
const lastRule = 32767

func (r *region) acls() (out []item) {
	for _, l := range r.net.ACLs {
		shape := aclShape{ID: l.ID, VPC: l.VPC, Owner: r.account, Default: r.open[l.VPC] == l.ID}
		for i := range l.Entries {
			shape.Entries = append(shape.Entries, entryOf(&l.Entries[i]))
		}
		for _, egress := range []bool{false, true} {
			shape.Entries = append(shape.Entries, entry{Number: lastRule, Protocol: "-1", Action: "deny", Egress: egress, CIDR: everywhere})
		}
		joined := r.associated(func(s *account.Subnet) string { return s.ACL }, l.ID)
		for _, s := range joined {
			shape.Associations = append(shape.Associations, association{ACLID: made("aclassoc-", l.ID, s), ACL: l.ID, Subnet: s})
		}
		out = append(out, item{l.ID, map[string][]string{"network-acl-id": {l.ID}, "vpc-id": {l.VPC}, "default": {flag(shape.Default)}, "association.subnet-id": joined}, shape})
	}
	return out
}

func entryOf(e *account.ACLEntry) entry {
	out := entry{Number: e.Number, Protocol: e.Protocol, Action: "deny", Egress: e.Egress, CIDR: e.CIDR}
	if e.Allow {
		out.Action = "allow"
	}
	if e.From >= 0 || e.To >= 0 {
		out.Ports = &ports{e.From, e.To}
	}
	return out
}

func flag(b bool) string { return strconv.FormatBool(b) }
