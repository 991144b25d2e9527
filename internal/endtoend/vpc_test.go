package endtoend

import (
	"strings"
	"testing"
)

// vpc is a network without a way out, but for what stands in WAY.
const vpc = `  VPC:
    Type: AWS::EC2::VPC
    Properties:
      CidrBlock: 10.0.0.0/16
  Subnet:
    Type: AWS::EC2::Subnet
    Properties:
      VpcId: !Ref VPC
      CidrBlock: 10.0.1.0/24
  Table:
    Type: AWS::EC2::RouteTable
    Properties:
      VpcId: !Ref VPC
  TableOfSubnet:
    Type: AWS::EC2::SubnetRouteTableAssociation
    Properties:
      SubnetId: !Ref Subnet
      RouteTableId: !Ref Table
WAY
`

const endpoint = `  Endpoint:
    Type: AWS::EC2::VPCEndpoint
    Properties:
      VpcId: !Ref VPC
      ServiceName: !Sub com.amazonaws.${AWS::Region}.s3
      RouteTableIds: [!Ref Table]`

const inVPC = `      OptionSettings:
        - Namespace: aws:ec2:vpc
          OptionName: VPCId
          Value: !Ref VPC
        - Namespace: aws:ec2:vpc
          OptionName: Subnets
          Value: !Ref Subnet
`

// A subnet without a route to S3: check predicts it, the instance gets no
// answers, and up says why. With an endpoint for S3 the same works.
func TestAVPCThatLeadsNowhereFailsAsPredictedAndWorksWithAnEndpoint(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.fix()
	s.edit("infra.yaml", "  Application:\n", strings.Replace(vpc, "WAY", "", 1)+"\n  Application:\n")
	s.edit("infra.yaml", "      OptionSettings:\n", inVPC)
	nowhere := "leads nowhere but into the VPC: no internet or NAT gateway, no endpoint for S3"
	predicted := s.must(1, "check", "app", "--template", "infra.yaml")
	contains(t, unfolded(predicted.out), "[network-unreachable]", nowhere)
	r := s.must(1, s.upArgs()...)
	contains(t, unfolded(r.out), "WARN beanpole: an instance in this VPC does not get its source bundle, nor anything else from S3: route table", nowhere,
		"connection timed out", "[network-unreachable]")
	s.down()
	s.edit("infra.yaml", "\n  Application:\n", endpoint+"\n\n  Application:\n")
	if p := s.run("check", "app", "--template", "infra.yaml", "--region", "us-east-1"); strings.Contains(p.out, "[network-unreachable]") {
		t.Errorf("with an endpoint: %s", p)
	}
	r = s.must(0, s.upArgs()...)
	contains(t, r.out, "shop-production is up")
	r = s.must(28, "shell", "--", "curl", "--silent", "--connect-timeout", "2", "http://198.51.100.7/")
	s.down()
}

// unfolded is text without what lines it is set in.
func unfolded(text string) string { return strings.Join(strings.Fields(text), " ") }
