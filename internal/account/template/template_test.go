package template

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"beanpole/internal/account"
	"beanpole/internal/cfn"
	"beanpole/internal/fact"
	"beanpole/internal/source"
)

func fill(t *testing.T, env *cfn.Env, text string) (*account.Account, []*source.Problem) {
	t.Helper()
	tpl, err := cfn.Parse("infra.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	s, err := tpl.Evaluate(env)
	if err != nil {
		t.Fatal(err)
	}
	return Fill(s, env)
}

func shop() *cfn.Env {
	return &cfn.Env{StackName: "shop", Region: "eu-west-1", Partition: "aws", URLSuffix: "amazonaws.com"}
}

const everything = `
Parameters:
  Unset: {Type: String}
  Arns: {Type: CommaDelimitedList}
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      Path: /team/
      AssumeRolePolicyDocument:
        Statement: [{Effect: Allow, Principal: {Service: ec2.amazonaws.com}, Action: sts:AssumeRole}]
      Policies:
        - PolicyName: inside
          PolicyDocument: {Statement: [{Effect: Allow, Action: s3:GetObject, Resource: "*"}]}
      ManagedPolicyArns: [arn:aws:iam::aws:policy/AWSElasticBeanstalkWebTier, !Ref Managed]
      PermissionsBoundary: !Ref Managed
  Named:
    Type: AWS::IAM::Role
    Properties:
      RoleName: shop-ec2
      ManagedPolicyArns: !Ref Arns
      AssumeRolePolicyDocument: nonsense
  Profile:
    Type: AWS::IAM::InstanceProfile
    Properties: {InstanceProfileName: shop-ec2, Roles: [!Ref Role]}
  Empty:
    Type: AWS::IAM::InstanceProfile
    Properties: {Roles: []}
  Asked:
    Type: AWS::IAM::InstanceProfile
    Properties: {Roles: [!Ref Unset]}
  Extra:
    Type: AWS::IAM::Policy
    Properties:
      PolicyName: extra
      Roles: [!Ref Role, SHOP-EC2]
      PolicyDocument: {Statement: [{Effect: Deny, Action: "s3:*", Resource: "*"}]}
  Newer:
    Type: AWS::IAM::RolePolicy
    Properties:
      PolicyName: newer
      RoleName: !Ref Role
      PolicyDocument: {Statement: [{Effect: Allow, Action: "logs:*", Resource: "*"}]}
  Perhaps:
    Type: AWS::IAM::Policy
    Properties:
      PolicyName: perhaps
      Roles: [!Ref Unset]
      PolicyDocument: {Statement: [{Effect: Allow, Action: "logs:*", Resource: "*"}]}
  Managed:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      PolicyDocument: {Statement: [{Effect: Allow, Action: "s3:*", Resource: "*"}]}
  Attaching:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      Roles: [shop-ec2]
      PolicyDocument: {Statement: [{Effect: Allow, Action: "s3:*", Resource: "*"}]}
  Certificates:
    Type: AWS::S3::Bucket
  CertificatesPolicy:
    Type: AWS::S3::BucketPolicy
    Properties:
      Bucket: !Ref Certificates
      PolicyDocument:
        Statement: [{Effect: Allow, Principal: {AWS: !GetAtt Role.Arn}, Action: s3:GetObject, Resource: !Sub "${Certificates.Arn}/*"}]
  OthersPolicy:
    Type: AWS::S3::BucketPolicy
    Properties:
      Bucket: legacy-certificates
      PolicyDocument: {Statement: [{Effect: Allow, Principal: "*", Action: s3:GetObject, Resource: "arn:aws:s3:::legacy-certificates/*"}]}
`

func TestFillReadsRolesProfilesPoliciesAndBuckets(t *testing.T) {
	a, problems := fill(t, shop(), everything)
	if a.Complete {
		t.Error("a template is not complete")
	}
	role := logicalRole(t, a, "Role")
	if !strings.HasPrefix(role.Name, "shop-Role-") || fact.Known(role.Name) {
		t.Errorf("name = %q", fact.Show(role.Name))
	}
	if got, want := fact.Show(role.ARN), "arn:aws:iam::${AWS::AccountId}:role/team/shop-Role-…"; got != want {
		t.Errorf("ARN = %q, want %q", got, want)
	}
	if role.Trust == nil || len(role.Trust.Statements) != 1 || !role.Trust.Statements[0].Pos.IsValid() {
		t.Errorf("trust = %+v", role.Trust)
	}
	if got, want := policyNames(role), []string{"inline policy inside of Role", "inline policy extra", "inline policy newer"}; !slices.Equal(got, want) {
		t.Errorf("inline = %q, want %q", got, want)
	}
	if len(role.Attached) != 2 || fact.Equal(role.Attached[1], role.Boundary) != fact.Holds {
		t.Errorf("attached = %q, boundary = %q", role.Attached, role.Boundary)
	}
	for _, arn := range role.Attached {
		if m, v := a.Policy(arn); v != fact.Holds || m.Policy == nil {
			t.Errorf("policy %s: %v", fact.Show(arn), v)
		}
	}
	if got, want := role.PoliciesUnknown, []string{"whether inline policy perhaps belongs to the role"}; !slices.Equal(got, want) {
		t.Errorf("unknown = %q, want %q", got, want)
	}
	if len(problems) != 1 || problems[0].Pos.Line == 0 {
		t.Errorf("problems = %v, want the trust policy of Named with its place", problems)
	}
}

func TestFillSaysWhatItDoesNotKnow(t *testing.T) {
	a, _ := fill(t, shop(), everything)
	named := logicalRole(t, a, "Named")
	if named.Trust != nil {
		t.Error("a trust policy that can't be read is not known")
	}
	if !named.NamePos.IsValid() {
		t.Error("the place of RoleName is missing")
	}
	if got, want := policyNames(named), []string{"inline policy extra"}; !slices.Equal(got, want) {
		t.Errorf("inline = %q, want %q: names have no case", got, want)
	}
	if len(named.Attached) != 1 || !strings.Contains(strings.Join(named.PoliciesUnknown, "\n"), "ManagedPolicyArns of Named") {
		t.Errorf("attached = %q, unknown = %q", named.Attached, named.PoliciesUnknown)
	}
	for logical, want := range map[string]string{"Profile": "[shop-Role-…]", "Empty": "[]", "Asked": "[${parameter Unset}]"} {
		i := slices.IndexFunc(a.Profiles, func(p *account.Profile) bool { return p.Logical == logical })
		var got []string
		for _, r := range a.Profiles[i].Roles {
			got = append(got, fact.Show(r))
		}
		if s := "[" + strings.Join(got, " ") + "]"; s != want && logical != "Asked" || logical == "Asked" && (len(got) != 1 || fact.Known(a.Profiles[i].Roles[0])) {
			t.Errorf("roles of %s = %s, want %s", logical, s, want)
		}
	}
}

func TestBucketPoliciesFindTheirBucket(t *testing.T) {
	a, _ := fill(t, shop(), everything)
	if len(a.Buckets) != 2 {
		t.Fatalf("%d buckets", len(a.Buckets))
	}
	for _, b := range a.Buckets {
		if b.Policy == nil || b.PolicyUnknown != "" || b.Region != "eu-west-1" || b.ObjectsComplete {
			t.Errorf("bucket %s: %+v", fact.Show(b.Name), b)
		}
	}
	p := a.Buckets[0].Policy.Statements[0].Principal.AWS[0].Text
	if fact.Equal(p, logicalRole(t, a, "Role").ARN) != fact.Holds {
		t.Errorf("the policy's principal %q is not the role's ARN", fact.Show(p))
	}
}

func TestARNsAreWhatGetAttGives(t *testing.T) {
	for _, env := range []*cfn.Env{shop(), {}, {Region: "cn-north-1"}, {Region: "us-gov-west-1", AccountID: "123456789012"}} {
		a, _ := fill(t, env, everything)
		got := a.Buckets[0].Policy.Statements[0].Principal.AWS[0].Text
		if want := logicalRole(t, a, "Role").ARN; got != want {
			t.Errorf("GetAtt gives %q, the account has %q", fact.Show(got), fact.Show(want))
		}
	}
}

func TestTheExampleFillsAnAccount(t *testing.T) {
	file := filepath.Join("..", "..", "..", "examples", "https-from-s3", "infra.yaml")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	a, problems := fill(t, shop(), string(data))
	if len(problems) != 0 || len(a.Roles) != 1 || len(a.Profiles) != 1 || len(a.Buckets) != 1 || len(a.Managed) != 1 {
		t.Fatalf("%+v, %v", a, problems)
	}
	if v := fact.Equal(a.Profiles[0].Name, a.Roles[0].Name); v != fact.Broken {
		t.Errorf("profile and role have the same name: %v", v)
	}
	if v := fact.Equal(a.Profiles[0].Roles[0], a.Roles[0].Name); v != fact.Holds {
		t.Errorf("the profile holds the role: %v", v)
	}
}

func logicalRole(t *testing.T, a *account.Account, logical string) *account.Role {
	t.Helper()
	i := slices.IndexFunc(a.Roles, func(r *account.Role) bool { return r.Logical == logical })
	if i < 0 {
		t.Fatalf("no role %s", logical)
	}
	return a.Roles[i]
}

func policyNames(r *account.Role) (out []string) {
	for _, p := range r.Inline {
		out = append(out, p.Name)
	}
	return out
}
