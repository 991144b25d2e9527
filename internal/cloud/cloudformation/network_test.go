package cloudformation

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"beanpole/internal/access"
	"beanpole/internal/account"
	"beanpole/internal/fact"
)

// base is a VPC with one subnet, and a group that lets out what MORE says.
const base = `Resources:
  VPC: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}
  Subnet: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref VPC, CidrBlock: 10.0.1.0/24}}
  Table: {Type: AWS::EC2::RouteTable, Properties: {VpcId: !Ref VPC}}
  Joined: {Type: AWS::EC2::SubnetRouteTableAssociation, Properties: {SubnetId: !Ref Subnet, RouteTableId: !Ref Table}}
`

// The parts that make ways.
const (
	gateway = `  Gateway: {Type: AWS::EC2::InternetGateway}
  Attached: {Type: AWS::EC2::VPCGatewayAttachment, Properties: {VpcId: !Ref VPC, InternetGatewayId: !Ref Gateway}}
  Out: {Type: AWS::EC2::Route, Properties: {RouteTableId: !Ref Table, DestinationCidrBlock: 0.0.0.0/0, GatewayId: !Ref Gateway}}
`
	endpoint = `  Endpoint: {Type: AWS::EC2::VPCEndpoint, Properties: {VpcId: !Ref VPC, ServiceName: !Sub "com.amazonaws.${AWS::Region}.s3", RouteTableIds: [!Ref Table]}}
`
	httpsOnly = `  Group: {Type: AWS::EC2::SecurityGroup, Properties: {VpcId: !Ref VPC, GroupDescription: g, SecurityGroupEgress: [{IpProtocol: tcp, FromPort: 443, ToPort: 443, CidrIp: 0.0.0.0/0}]}}
`
	noAnswers = `  List: {Type: AWS::EC2::NetworkAcl, Properties: {VpcId: !Ref VPC}}
  OutEntry: {Type: AWS::EC2::NetworkAclEntry, Properties: {NetworkAclId: !Ref List, RuleNumber: 100, Protocol: -1, RuleAction: allow, Egress: true, CidrBlock: 0.0.0.0/0}}
  Listed: {Type: AWS::EC2::SubnetNetworkAclAssociation, Properties: {SubnetId: !Ref Subnet, NetworkAclId: !Ref List}}
`
)

func TestWaysOfTheNetworkThatStacksHaveMade(t *testing.T) {
	for _, c := range []struct {
		name, template string
		open           string // of S3 here 443 and 80, S3 elsewhere 443, the internet 443 and 80, DNS over UDP: 1 or 0
	}{
		{"nothing", base, "000000"},
		{"gateway", base + gateway, "111111"},
		{"endpoint", base + endpoint, "110000"},
		{"gateway, group for HTTPS", base + gateway + httpsOnly, "101100"},
		{"gateway, list without answers", base + gateway + noAnswers, "000000"},
	} {
		w := start(t, t.TempDir())
		if err := w.create(c.template, nil); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if status := w.settle(); status != types.StackStatusCreateComplete {
			t.Fatalf("%s: %s", c.name, status)
		}
		n, err := w.s.Network()
		if err != nil {
			t.Fatal(err)
		}
		if len(n.VPCs) != 1 || len(n.Subnets) != 1 {
			t.Fatalf("%s: the network is %+v", c.name, n)
		}
		p := &access.Placement{VPC: n.VPCs[0].ID, Subnets: []string{n.Subnets[0].ID}, PublicIP: fact.Holds}
		for _, g := range n.SecurityGroups {
			p.SecurityGroups = append(p.SecurityGroups, g.ID)
		}
		a := &account.Account{Region: "eu-west-1", Complete: true, Network: *n}
		got := ""
		for _, to := range []struct {
			host, protocol string
			port           int
		}{
			{"b.s3.eu-west-1.amazonaws.com", "tcp", 443}, {"b.s3.eu-west-1.amazonaws.com", "tcp", 80}, {"b.s3.us-west-2.amazonaws.com", "tcp", 443},
			{"", "tcp", 443}, {"", "tcp", 80}, {"", "udp", 53},
		} {
			way := access.WayTo(a, p, to.host, to.protocol, to.port)
			if way.Verdict == fact.Unknown {
				t.Errorf("%s: %s:%d is not known: %s", c.name, to.host, to.port, way.Says)
			}
			got += fmt.Sprint(map[bool]int{true: 1}[way.Verdict == fact.Holds])
		}
		if got != c.open {
			t.Errorf("%s: open are %s, want %s", c.name, got, c.open)
		}
	}
}
