package template

import (
	"strconv"

	"beanpole/internal/account"
	"beanpole/internal/cfn"
	"beanpole/internal/fact"
	"beanpole/internal/iam"
	"beanpole/internal/source"
)

// networkPart reads what stands for itself in a network.
// [CFN: AWS::EC2::* resource types]
func (f *filler) networkPart(r *cfn.Resource) {
	n, p := &f.a.Network, r.Properties
	text := func(key string) string { return p.Get(key).TextOr("") }
	if r.Created == fact.Unknown {
		switch r.Type {
		case "AWS::EC2::Subnet", "AWS::EC2::RouteTable", "AWS::EC2::InternetGateway", "AWS::EC2::NatGateway", "AWS::EC2::VPCEndpoint", "AWS::EC2::NetworkAcl":
			n.Others = append(n.Others, r.LogicalID+", which a condition may leave out,")
		}
	}
	switch r.Type {
	case "AWS::EC2::VPC":
		n.VPCs = append(n.VPCs, &account.VPC{ID: r.PhysicalID, CIDRs: []string{text("CidrBlock")}, Pos: r.Pos,
			DNSSupport: flag(p.Get("EnableDnsSupport"), fact.Holds), DNSNames: flag(p.Get("EnableDnsHostnames"), fact.Broken)})
	case "AWS::EC2::Subnet":
		n.Subnets = append(n.Subnets, &account.Subnet{ID: r.PhysicalID, VPC: text("VpcId"), Pos: r.Pos,
			PublicIPs: flag(p.Get("MapPublicIpOnLaunch"), fact.Broken)})
	case "AWS::EC2::RouteTable":
		n.RouteTables = append(n.RouteTables, &account.RouteTable{ID: r.PhysicalID, VPC: text("VpcId"), Pos: r.Pos})
	case "AWS::EC2::InternetGateway":
		n.Gateways = append(n.Gateways, &account.Gateway{ID: r.PhysicalID, Pos: r.Pos})
	case "AWS::EC2::NatGateway":
		n.NATs = append(n.NATs, &account.NAT{ID: r.PhysicalID, Subnet: text("SubnetId"), Private: text("ConnectivityType") == "private", Pos: r.Pos})
	case "AWS::EC2::VPCEndpoint":
		f.vpcEndpoint(r)
	case "AWS::EC2::SecurityGroup":
		g := &account.SecurityGroup{ID: r.PhysicalID, Name: text("GroupName"), VPC: text("VpcId"), Pos: r.Pos}
		g.Ingress = traffics(p.Get("SecurityGroupIngress"))
		if egress := p.Get("SecurityGroupEgress"); egress != nil && len(egress.Items) > 0 {
			g.Egress = traffics(egress)
		} else { // without a rule all goes out [CFN:aws-resource-ec2-securitygroup]
			g.Egress = []account.Traffic{{Protocol: "-1", From: -1, To: -1, CIDR: "0.0.0.0/0", Pos: r.Pos}}
		}
		n.SecurityGroups = append(n.SecurityGroups, g)
	case "AWS::EC2::NetworkAcl":
		n.ACLs = append(n.ACLs, &account.NetworkACL{ID: r.PhysicalID, VPC: text("VpcId"), Pos: r.Pos})
	case "AWS::CloudFormation::Stack":
		n.Others = append(n.Others, "nested stack "+r.LogicalID)
	}
}

// networkLink reads what joins parts of a network.
func (f *filler) networkLink(r *cfn.Resource) {
	n, p := &f.a.Network, r.Properties
	text := func(key string) string { return p.Get(key).TextOr("") }
	lost := func() { n.Others = append(n.Others, r.LogicalID) } // it joins what is not known
	if r.Created == fact.Unknown {
		switch r.Type {
		case "AWS::EC2::Route", "AWS::EC2::SubnetRouteTableAssociation", "AWS::EC2::VPCGatewayAttachment", "AWS::EC2::SubnetNetworkAclAssociation", "AWS::EC2::NetworkAclEntry":
			lost()
			return
		}
	}
	switch r.Type {
	case "AWS::EC2::VPCGatewayAttachment":
		if g := n.Gateway(text("InternetGatewayId")); g != nil {
			g.VPC = text("VpcId")
		}
	case "AWS::EC2::SubnetRouteTableAssociation":
		if s := n.Subnet(text("SubnetId")); s != nil {
			s.RouteTable = text("RouteTableId")
		}
	case "AWS::EC2::SubnetNetworkAclAssociation":
		if s := n.Subnet(text("SubnetId")); s != nil {
			s.ACL = text("NetworkAclId")
		}
	case "AWS::EC2::Route":
		if table := n.RouteTable(text("RouteTableId")); table != nil {
			table.Routes = append(table.Routes, route(r))
		}
	case "AWS::EC2::NetworkAclEntry":
		if acl := n.ACL(text("NetworkAclId")); acl != nil {
			acl.Entries = append(acl.Entries, aclEntry(r))
		}
	case "AWS::EC2::SecurityGroupEgress", "AWS::EC2::SecurityGroupIngress":
		g := n.SecurityGroup(text("GroupId"))
		switch {
		case g == nil:
		case r.Type == "AWS::EC2::SecurityGroupIngress":
			g.Ingress = append(g.Ingress, traffic(p, r.Pos))
		default: // beside what the group itself lets out
			g.Egress = append(g.Egress, traffic(p, r.Pos))
		}
	}
}

func route(r *cfn.Resource) account.Route {
	p := r.Properties
	out := account.Route{CIDR: p.Get("DestinationCidrBlock").TextOr(""), Kind: account.ToUnknown, Pos: r.Pos}
	for _, k := range []struct {
		property string
		kind     account.RouteKind
	}{
		{"GatewayId", account.ToGateway}, {"NatGatewayId", account.ToNAT}, {"InstanceId", account.ToInstance}, {"NetworkInterfaceId", account.ToInstance},
		{"EgressOnlyInternetGatewayId", account.ToIPv6}, {"TransitGatewayId", account.ToTransit}, {"VpcPeeringConnectionId", account.ToTransit},
	} {
		if id := p.Get(k.property); id != nil {
			out.Kind, out.Target = k.kind, id.TextOr("")
			break
		}
	}
	return out
}

func (f *filler) vpcEndpoint(r *cfn.Resource) {
	p := r.Properties
	e := &account.Endpoint{
		ID: r.PhysicalID, VPC: p.Get("VpcId").TextOr(""), Service: p.Get("ServiceName").TextOr(fact.Symbol("ServiceName")),
		Type: p.Get("VpcEndpointType").TextOr("Gateway"), PrivateDNS: flag(p.Get("PrivateDnsEnabled"), fact.Broken), Pos: r.Pos,
	}
	var unknown [3][]string
	e.RouteTables, unknown[0] = list(p.Get("RouteTableIds"), "RouteTableIds of "+r.LogicalID)
	e.Subnets, unknown[1] = list(p.Get("SubnetIds"), "SubnetIds of "+r.LogicalID)
	e.SecurityGroups, unknown[2] = list(p.Get("SecurityGroupIds"), "SecurityGroupIds of "+r.LogicalID)
	for _, u := range unknown {
		if len(u) > 0 {
			e.Unknown = u[0]
		}
	}
	if r.Created == fact.Unknown {
		e.Unknown = "whether VPC endpoint " + r.LogicalID + " is created"
	}
	if n := p.Get("PolicyDocument"); n != nil {
		if e.Policy = f.policy("the policy of VPC endpoint "+r.LogicalID, iam.ForResource, n); e.Policy == nil {
			e.PolicyUnknown = "the policy of VPC endpoint " + r.LogicalID
		}
	}
	f.a.Network.Endpoints = append(f.a.Network.Endpoints, e)
}

func traffics(n *source.Node) []account.Traffic {
	if n == nil {
		return nil
	}
	if n.Kind != source.Seq {
		return []account.Traffic{traffic(n, n.Pos)}
	}
	var out []account.Traffic
	for _, it := range n.Items {
		out = append(out, traffic(it, it.Pos))
	}
	return out
}

// traffic reads a rule of a security group.
func traffic(n *source.Node, at source.Pos) account.Traffic {
	t := account.Traffic{Protocol: scalar(n.Get("IpProtocol")), CIDR: n.Get("CidrIp").TextOr(""), Pos: at}
	for _, key := range []string{"DestinationPrefixListId", "DestinationSecurityGroupId", "SourcePrefixListId", "SourceSecurityGroupId"} {
		if p := n.Get(key); p != nil {
			t.Peer = p.TextOr(fact.Symbol(key))
		}
	}
	t.From, t.To = port(n.Get("FromPort"), &t), port(n.Get("ToPort"), &t)
	return t
}

func aclEntry(r *cfn.Resource) account.ACLEntry {
	p := r.Properties
	e := account.ACLEntry{Egress: flag(p.Get("Egress"), fact.Broken) == fact.Holds, Allow: p.Get("RuleAction").TextOr("") == "allow"}
	e.Protocol, e.CIDR, e.Pos = scalar(p.Get("Protocol")), p.Get("CidrBlock").TextOr(""), r.Pos
	e.From, e.To = port(p.At("PortRange", "From"), &e.Traffic), port(p.At("PortRange", "To"), &e.Traffic)
	if number, err := strconv.Atoi(scalar(p.Get("RuleNumber"))); err == nil {
		e.Number = number
	} else {
		e.Unknown = "RuleNumber of " + r.LogicalID
	}
	return e
}

// port reads a port; none stands for all of them.
func port(n *source.Node, t *account.Traffic) int {
	text := scalar(n)
	if text == "" {
		return -1
	}
	p, err := strconv.Atoi(text)
	if err != nil {
		t.Unknown = "a port"
	}
	return p
}

// scalar is a number or text as text.
func scalar(n *source.Node) string {
	if n == nil || !n.IsScalar() {
		return ""
	}
	return n.Value()
}
