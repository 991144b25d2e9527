package cli

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cfntypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"beanpole/internal/account/live"
)

// plainWorkers is a stack without Elastic Beanstalk whose instance fetches a
// key with the instance profile's name for the role's.
const plainWorkers = `
Resources:
  VPC: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}
  Internet: {Type: AWS::EC2::InternetGateway}
  Attachment: {Type: AWS::EC2::VPCGatewayAttachment, Properties: {VpcId: !Ref VPC, InternetGatewayId: !Ref Internet}}
  Subnet: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref VPC, CidrBlock: 10.0.1.0/24}}
  Table: {Type: AWS::EC2::RouteTable, Properties: {VpcId: !Ref VPC}}
  Out: {Type: AWS::EC2::Route, Properties: {RouteTableId: !Ref Table, DestinationCidrBlock: 0.0.0.0/0, GatewayId: !Ref Internet}}
  Association: {Type: AWS::EC2::SubnetRouteTableAssociation, Properties: {SubnetId: !Ref Subnet, RouteTableId: !Ref Table}}
  Host:
    Type: AWS::EC2::Instance
    Properties:
      LaunchTemplate: {LaunchTemplateId: !Ref Worker, Version: "1"}
      SubnetId: !Ref Subnet
      ImageId: ami-12c6146b
      InstanceType: t3.micro
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {Service: ec2.amazonaws.com}, Action: "sts:AssumeRole"}]}
  Profile:
    Type: AWS::IAM::InstanceProfile
    Properties: {Roles: [!Ref Role]}
  Worker:
    Type: AWS::EC2::LaunchTemplate
    Properties:
      LaunchTemplateName: worker
      LaunchTemplateData:
        IamInstanceProfile: {Name: !Ref Profile}
        UserData:
          Fn::Base64: !Sub "cfn-init --stack ${AWS::StackName} --resource Worker --region ${AWS::Region}"
        NetworkInterfaces: [{DeviceIndex: 0, SubnetId: !Ref Subnet, AssociatePublicIpAddress: PUBLIC}]
    Metadata:
      AWS::CloudFormation::Authentication:
        S3Auth: {type: S3, roleName: !Ref NAME, buckets: [worker-keys]}
      AWS::CloudFormation::Init:
        config:
          files:
            /etc/worker.key: {source: "https://worker-keys.s3.us-east-1.amazonaws.com/worker.key", authentication: S3Auth}
`

// moto starts moto's server, another program that answers as AWS.
func moto(t *testing.T) *localAWS {
	t.Helper()
	program, err := exec.LookPath("moto_server")
	if err != nil || testing.Short() {
		t.Skip("moto_server is not installed, or the test is to be short")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	_, port, _ := strings.Cut(address, ":")
	ctx, stop := context.WithCancel(context.Background())
	server := exec.CommandContext(ctx, program, "-H", "127.0.0.1", "-p", port)
	if err := server.Start(); err != nil {
		stop()
		t.Skipf("moto_server does not start: %v", err)
	}
	t.Cleanup(func() {
		stop()
		_ = server.Wait() // it was killed
	})
	w := &localAWS{url: "http://" + address}
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		answer, err := http.Get(w.url + "/moto-api/")
		if err == nil {
			answer.Body.Close()
			break
		}
		if time.Now().After(end) {
			t.Skip("moto_server does not answer within 30 seconds")
		}
	}
	w.config = aws.Config{Region: "us-east-1", BaseEndpoint: &w.url, Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")}
	w.env = []string{"AWS_ENDPOINT_URL=" + w.url, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
		"AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=none", "AWS_SHARED_CREDENTIALS_FILE=none"}
	return w
}

func TestALiveStackIsReadFromMoto(t *testing.T) {
	w := moto(t)
	w.asking(t)
	ctx := t.Context()
	objects := s3.NewFromConfig(w.config, func(o *s3.Options) { o.UsePathStyle = true })
	if _, err := objects.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("worker-keys")}); err != nil {
		t.Fatal(err)
	}
	if _, err := objects.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("worker-keys"), Key: aws.String("worker.key"), Body: bytes.NewReader([]byte("k"))}); err != nil {
		t.Fatal(err)
	}
	stacks := cloudformation.NewFromConfig(w.config)
	for name, role := range map[string]string{"broken": "Profile", "sound": "Role", "closed": "Role"} {
		text := strings.Replace(plainWorkers, "!Ref NAME", "!Ref "+role, 1)
		text = strings.Replace(text, "PUBLIC", fmt.Sprint(name != "closed"), 1)
		text = strings.ReplaceAll(text, "LaunchTemplateName: worker", "LaunchTemplateName: worker-"+name)
		if _, err := stacks.CreateStack(ctx, &cloudformation.CreateStackInput{StackName: &name, TemplateBody: &text,
			Capabilities: []cfntypes.Capability{cfntypes.CapabilityCapabilityIam}}); err != nil {
			t.Fatal(err)
		}
		// Not by the template: moto leaves a role's policies and routes out there.
		w.associate(t, stacks, name)
		got, err := stacks.DescribeStackResource(ctx, &cloudformation.DescribeStackResourceInput{StackName: &name, LogicalResourceId: aws.String("Role")})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := iam.NewFromConfig(w.config).PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: got.StackResourceDetail.PhysicalResourceId, PolicyName: aws.String("read"),
			PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::worker-keys/*"}]}`)}); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	status, out, errs := command(t, dir, "check", "--stack", "broken", "-v", "--save", "broken.json")
	if status != exitFindings {
		t.Errorf("status %d\n%s%s", status, out, errs)
	}
	expect(t, out, "[role-name-is-profile]", "ruled out: document, source, authentication, profile, trust, identity, bucket, object")
	status, out, errs = command(t, dir, "check", "--account", "broken.json")
	if status != exitFindings {
		t.Errorf("saved: status %d\n%s%s", status, out, errs)
	}
	expect(t, out, "[role-name-is-profile]")
	if status, out, errs = command(t, dir, "check", "--stack", "sound"); status != exitClean {
		t.Errorf("sound: status %d\n%s%s", status, out, errs)
	}
	status, out, errs = command(t, dir, "check", "--stack", "closed")
	if status != exitFindings {
		t.Errorf("closed: status %d\n%s%s", status, out, errs)
	}
	expect(t, out, "[network-unreachable]", "ruled out: document, source, authentication, name, profile, metadata, trust, identity, bucket, object")
	if _, err := os.Stat(filepath.Join(dir, "broken.json")); err != nil {
		t.Error(err)
	}
}

// associate gives a stack's subnet its route table.
func (w *localAWS) associate(t *testing.T, stacks *cloudformation.Client, stack string) {
	t.Helper()
	form := url.Values{"Action": {"AssociateRouteTable"}, "Version": {"2016-11-15"}}
	for key, logical := range map[string]string{"RouteTableId": "Table", "SubnetId": "Subnet"} {
		got, err := stacks.DescribeStackResource(t.Context(), &cloudformation.DescribeStackResourceInput{StackName: &stack, LogicalResourceId: &logical})
		if err != nil {
			t.Fatal(err)
		}
		form.Set(key, aws.ToString(got.StackResourceDetail.PhysicalResourceId))
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url+"/", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20261126/us-east-1/ec2/aws4_request, SignedHeaders=host, Signature=0") // names the service; moto does not verify it
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("AssociateRouteTable: HTTP %d", answer.StatusCode)
	}
}

// moto has a default VPC with EC2's own answers in XML.
func TestAVPCIsReadFromMoto(t *testing.T) {
	w := moto(t)
	w.asking(t)
	c, err := live.Connect(t.Context(), live.Options{})
	if err != nil {
		t.Fatal(err)
	}
	x := live.New(c)
	x.Needed(t.Context(), &live.Needs{VPCs: []string{""}})
	n := x.Reading().Network
	if n == nil || n.VPC == "" || len(n.CIDRs) != 1 || len(n.Subnets) == 0 || len(n.RouteTables) == 0 || len(n.SecurityGroups) == 0 || len(n.ACLs) == 0 || n.DNSSupport == nil {
		t.Fatalf("network %+v, not read: %v", n, x.Reading().NotRead)
	}
	for _, s := range n.Subnets {
		if !s.DefaultAZ || s.RouteTable != n.RouteTables[0].ID || s.ACL != n.ACLs[0].ID {
			t.Errorf("subnet %+v", s)
		}
	}
	if e := n.ACLs[0].Entries; len(e) != 4 && len(e) != 2 {
		t.Errorf("entries of the network ACL: %+v", e)
	}
	if g := n.SecurityGroups[0]; len(g.Egress) != 1 || g.Egress[0].CIDR != "0.0.0.0/0" || g.Egress[0].Protocol != "-1" || g.Egress[0].From != -1 {
		t.Errorf("security group %+v", g)
	}
	if len(x.Reading().NotRead) > 0 {
		t.Errorf("not read: %v", x.Reading().NotRead)
	}
}
