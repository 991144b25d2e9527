package check

import (
	"strings"
	"testing"

	"beanpole/internal/access"
	"beanpole/internal/account"
	"beanpole/internal/cfn"
	"beanpole/internal/fact"
	"beanpole/internal/source"
)

// hosts are instances of a plain stack whose network stands elsewhere.
const hosts = `
Resources:
  Host:
    Type: AWS::EC2::Instance
    Metadata:
      AWS::CloudFormation::Init: {config: {files: {/etc/key: {source: "https://keys.s3.eu-west-1.amazonaws.com/key"}}}}
    Properties:
      ImageId: ami-1
`

// readVPC is a VPC as it was read, with a way out for public addresses.
func readVPC() account.Network {
	return account.Network{
		VPCs:        []*account.VPC{{ID: "vpc-1", CIDRs: []string{"10.0.0.0/16"}, DNSSupport: fact.Holds, DNSNames: fact.Holds}},
		Subnets:     []*account.Subnet{{ID: "subnet-1", VPC: "vpc-1", RouteTable: "rtb-1", PublicIPs: fact.Holds}, {ID: "subnet-2", VPC: "vpc-1", RouteTable: "rtb-1", PublicIPs: fact.Broken}},
		RouteTables: []*account.RouteTable{{ID: "rtb-1", VPC: "vpc-1", Routes: []account.Route{{CIDR: "0.0.0.0/0", Kind: account.ToGateway, Target: "igw-1"}}}},
		Gateways:    []*account.Gateway{{ID: "igw-1", VPC: "vpc-1"}},
		SecurityGroups: []*account.SecurityGroup{{ID: "sg-1", Name: "default", VPC: "vpc-1", Egress: []account.Traffic{{Protocol: "-1", From: -1, To: -1, CIDR: "0.0.0.0/0"}}},
			{ID: "sg-2", Name: "closed", VPC: "vpc-1"}},
	}
}

func TestWhereAPlainStacksInstancesAre(t *testing.T) {
	for name, c := range map[string]struct {
		properties string
		launched   *Launched
		want       fact.Verdict
		says       string
	}{
		"nothing is known":              {"", &Launched{}, fact.Unknown, ""},
		"the default VPC":               {"", &Launched{DefaultVPC: "vpc-1", Subnets: []string{"subnet-1"}}, fact.Holds, ""},
		"a subnet by its ID":            {"SubnetId: subnet-1", &Launched{}, fact.Holds, ""},
		"a subnet without addresses":    {"SubnetId: subnet-2", &Launched{}, fact.Broken, "no public address"},
		"a subnet that was not read":    {"SubnetId: subnet-9", &Launched{}, fact.Unknown, ""},
		"an address of its own":         {"NetworkInterfaces: [{DeviceIndex: 0, SubnetId: subnet-2, AssociatePublicIpAddress: true}]", &Launched{}, fact.Holds, ""},
		"a group that lets nothing out": {"SubnetId: subnet-1\n      SecurityGroupIds: [sg-2]", &Launched{}, fact.Broken, "let nothing out"},
		"an import, and an instance": {"SubnetId: !ImportValue shared", &Launched{Instances: []Launch{{LogicalID: "Host", VPC: "vpc-1", Subnet: "subnet-2", SecurityGroups: []string{"sg-1"}}}},
			fact.Broken, "no public address"},
		"an import, and an instance with an address": {"SubnetId: !ImportValue shared",
			&Launched{Instances: []Launch{{LogicalID: "Host", VPC: "vpc-1", Subnet: "subnet-2", SecurityGroups: []string{"sg-1"}, PublicIP: true}}}, fact.Holds, ""},
		"an import, and instances of others": {"SubnetId: !ImportValue shared", &Launched{Instances: []Launch{{LogicalID: "Other", VPC: "vpc-1", Subnet: "subnet-1"}}}, fact.Unknown, ""},
	} {
		template, err := cfn.Parse("t.yaml", []byte(hosts+"      "+c.properties+"\n"))
		if err != nil {
			t.Fatal(err)
		}
		r, err := Run(&Input{Bundle: source.NoBundle("t"), Template: template, Env: &cfn.Env{Region: "eu-west-1", AccountID: "111122223333"},
			Launched: c.launched, Account: &account.Account{ID: "111122223333", Region: "eu-west-1", Network: readVPC()}})
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Chains) != 1 {
			t.Fatalf("%s: %d fetches", name, len(r.Chains))
		}
		if l := r.Chains[0].Link(access.Network); l.Verdict != c.want || !strings.Contains(l.Says, c.says) {
			t.Errorf("%s: %v %s (%s)", name, l.Verdict, l.Says, l.Missing)
		}
	}
}
