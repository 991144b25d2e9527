package cloud

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms"

	"beanpole/internal/access"
	"beanpole/internal/account"
	"beanpole/internal/account/live"
	"beanpole/internal/fact"
)

// networkParts are parts of a VPC, from which networks are put together.
var networkParts = map[string]string{
	"base": `
  VPC: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}
  Subnet: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref VPC, CidrBlock: 10.0.1.0/24}}
  Table: {Type: AWS::EC2::RouteTable, Properties: {VpcId: !Ref VPC}}
  Gateway: {Type: AWS::EC2::InternetGateway}`,
	"joined": `
  Joined: {Type: AWS::EC2::SubnetRouteTableAssociation, Properties: {SubnetId: !Ref Subnet, RouteTableId: !Ref Table}}`,
	"attached": `
  Attached: {Type: AWS::EC2::VPCGatewayAttachment, Properties: {VpcId: !Ref VPC, InternetGatewayId: !Ref Gateway}}`,
	"out": `
  Out: {Type: AWS::EC2::Route, Properties: {RouteTableId: !Ref Table, DestinationCidrBlock: 0.0.0.0/0, GatewayId: !Ref Gateway}}`,
	"nat": `
  Second: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref VPC, CidrBlock: 10.0.2.0/24}}
  NAT: {Type: AWS::EC2::NatGateway, Properties: {SubnetId: !Ref Second}}
  Way: {Type: AWS::EC2::RouteTable, Properties: {VpcId: !Ref VPC}}
  WayOut: {Type: AWS::EC2::Route, Properties: {RouteTableId: !Ref Way, DestinationCidrBlock: 0.0.0.0/0, GatewayId: !Ref Gateway}}
  Along: {Type: AWS::EC2::SubnetRouteTableAssociation, Properties: {SubnetId: !Ref Second, RouteTableId: !Ref Way}}
  Out: {Type: AWS::EC2::Route, Properties: {RouteTableId: !Ref Table, DestinationCidrBlock: 0.0.0.0/0, NatGatewayId: !Ref NAT}}`,
	"endpoint": `
  Endpoint: {Type: AWS::EC2::VPCEndpoint, Properties: {VpcId: !Ref VPC, ServiceName: com.amazonaws.eu-west-1.s3, RouteTableIds: [!Ref Table],
    PolicyDocument: {Statement: [{Effect: Allow, Principal: "*", Action: "s3:*", Resource: "arn:aws:s3:::one/*"}]}}}`,
	"group": `
  Group: {Type: AWS::EC2::SecurityGroup, Properties: {VpcId: !Ref VPC, GroupDescription: g, SecurityGroupEgress: [{IpProtocol: tcp, FromPort: 443, ToPort: 443, CidrIp: 0.0.0.0/0}]}}`,
	"list": `
  List: {Type: AWS::EC2::NetworkAcl, Properties: {VpcId: !Ref VPC}}
  Entry: {Type: AWS::EC2::NetworkAclEntry, Properties: {NetworkAclId: !Ref List, RuleNumber: 100, Protocol: -1, RuleAction: allow, Egress: true, CidrBlock: 0.0.0.0/0}}
  Answers: {Type: AWS::EC2::NetworkAclEntry, Properties: {NetworkAclId: !Ref List, RuleNumber: 200, Protocol: 6, RuleAction: allow, CidrBlock: 0.0.0.0/0, PortRange: {From: 1024, To: 65535}}}
  Listed: {Type: AWS::EC2::SubnetNetworkAclAssociation, Properties: {SubnetId: !Ref Subnet, NetworkAclId: !Ref List}}`,
	"no names": `
  Deaf: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.1.0.0/16, EnableDnsSupport: false}}`,
}

// read reads the local AWS as a real account is read.
func (w *world) read(t *testing.T, n *live.Needs) *live.Reader {
	t.Helper()
	admin, err := w.State().Admin()
	must(t, err)
	for k, v := range map[string]string{"AWS_ACCESS_KEY_ID": admin.KeyID, "AWS_SECRET_ACCESS_KEY": admin.Secret, "AWS_SESSION_TOKEN": "",
		"AWS_CONFIG_FILE": "none", "AWS_SHARED_CREDENTIALS_FILE": "none", "AWS_EC2_METADATA_DISABLED": "true"} {
		t.Setenv(k, v)
	}
	c, err := live.Connect(t.Context(), live.Options{Region: "eu-west-1", Endpoint: w.url})
	must(t, err)
	x := live.New(c)
	x.Needed(t.Context(), n)
	return x
}

// A network that was read through EC2's API leads where the network that stacks
// have made leads.
func TestANetworkThatWasReadLeadsWhereItIsLed(t *testing.T) {
	for _, parts := range []string{"base", "base joined", "base joined attached out", "base joined out", "base joined attached nat", "base joined nat",
		"base joined endpoint", "base joined endpoint attached out", "base joined attached out group", "base joined attached out list", "base attached out", "base no_names"} {
		w := start(t, "eu-west-1")
		text := "Resources:"
		for _, p := range strings.Fields(parts) {
			text += networkParts[strings.ReplaceAll(p, "_", " ")]
		}
		if status, why := w.made(t, "net", text+"\n"); status != "CREATE_COMPLETE" {
			t.Fatalf("%s: %s: %s", parts, status, why)
		}
		n, err := w.stacks.Network()
		must(t, err)
		vpc := n.VPCs[len(n.VPCs)-1].ID
		r := w.read(t, &live.Needs{VPCs: []string{vpc}}).Reading()
		if len(r.NotRead) > 0 {
			t.Fatalf("%s: not read: %v", parts, r.NotRead)
		}
		p := &access.Placement{VPC: vpc, Subnets: []string{n.Subnets[0].ID}, PublicIP: fact.Holds}
		for _, g := range n.SecurityGroups {
			p.SecurityGroups = append(p.SecurityGroups, g.ID)
		}
		want, got := ways(&account.Account{Region: "eu-west-1", Complete: true, Network: *n}, p), ways(r.Facts(), p)
		if want != got {
			t.Errorf("%s: it leads\n%s\nand was read to lead\n%s", parts, want, got)
		}
	}
}

// ways are how far packets to several servers get.
func ways(a *account.Account, p *access.Placement) (out string) {
	for _, host := range []string{"b.s3.eu-west-1.amazonaws.com", "b.s3.us-west-2.amazonaws.com", ""} {
		for _, port := range []int{80, 443} {
			w := access.WayTo(a, p, host, "tcp", port)
			out += fmt.Sprintf("  %s:%d %v", host, port, w.Verdict)
			if w.Endpoint != nil {
				out += fmt.Sprintf(" by %s, which lets through %d statements", w.Endpoint.ID, len(w.Endpoint.Policy.Statements))
			}
			out += "\n"
		}
	}
	return out
}

func TestTheDefaultVPCLeadsEverywhere(t *testing.T) {
	w := start(t, "eu-west-1")
	r := w.read(t, &live.Needs{VPCs: []string{""}}).Reading()
	if len(r.Network.Subnets) != 3 || !r.Network.Subnets[0].DefaultAZ {
		t.Fatalf("the default VPC is %+v", r.Network)
	}
	p := &access.Placement{VPC: r.Network.VPC, Subnets: []string{r.Network.Subnets[0].ID}, Auto: true}
	if got := ways(r.Facts(), p); strings.Count(got, "holds") != 6 {
		t.Errorf("it leads\n%s", got)
	}
}

func TestEC2RefusesFiltersAndIDsItDoesNotKnow(t *testing.T) {
	w := start(t, "eu-west-1")
	for form, want := range map[string]string{
		"Action=DescribeVpcs&Filter.1.Name=cidr&Filter.1.Value.1=172.*":      "<isDefault>true</isDefault>",
		"Action=DescribeVpcs&Filter.1.Name=cidr&Filter.1.Value.1=10.*":       "<vpcSet></vpcSet>",
		"Action=DescribeVpcs&Filter.1.Name=colour&Filter.1.Value.1=x":        "The filter &#39;colour&#39; is invalid",
		"Action=DescribeSubnets&SubnetId.1=subnet-1":                         "<Code>InvalidSubnetID.NotFound</Code>",
		"Action=DescribeVpcAttribute&VpcId=vpc-1&Attribute=enableDnsSupport": "<Code>InvalidVpcID.NotFound</Code>",
		"Action=RunInstances": "beanpole does not carry out ec2:RunInstances yet",
	} {
		res, err := http.DefaultClient.Do(w.request(t, "ec2", "POST", "/", form))
		must(t, err)
		got, err := io.ReadAll(res.Body)
		must(t, err)
		res.Body.Close()
		if !strings.Contains(string(got), want) {
			t.Errorf("%s: %s", form, got)
		}
	}
}

func TestKMSShowsAKeyAndItsPolicy(t *testing.T) {
	w := start(t, "eu-west-1")
	if status, why := w.made(t, "key", "Resources:\n  K: {Type: AWS::KMS::Key, Properties: {Enabled: false}}\n  A: {Type: AWS::KMS::Alias, Properties: {AliasName: alias/certs, TargetKeyId: !Ref K}}\n"); status != "CREATE_COMPLETE" {
		t.Fatal(why)
	}
	c, name := kms.NewFromConfig(w.config), "alias/certs"
	k, err := c.DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: &name})
	must(t, err)
	if k.KeyMetadata.KeyState != "Disabled" || k.KeyMetadata.Enabled {
		t.Errorf("the key is %+v", k.KeyMetadata)
	}
	p, err := c.GetKeyPolicy(t.Context(), &kms.GetKeyPolicyInput{KeyId: k.KeyMetadata.Arn})
	must(t, err)
	if !strings.Contains(*p.Policy, w.State().AccountID()+":root") {
		t.Errorf("its policy is %s", *p.Policy)
	}
	gone := "alias/gone"
	_, err = c.ListGrants(t.Context(), &kms.ListGrantsInput{KeyId: &gone})
	wantCode(t, err, "NotFoundException")
}
