package template

import (
	"slices"
	"strings"
	"testing"

	"beanpole/internal/fact"
)

// TestWhatMayNotStandIsNotKnown: resources of which the condition is not
// known, properties that a transform adds to, and nested stacks that are told
// of a role or bucket leave doubts, each with a name.
func TestWhatMayNotStandIsNotKnown(t *testing.T) {
	const head = `
Parameters: {Stage: {Type: String}}
Conditions: {Live: !Equals [!Ref Stage, live]}
Resources:
  Role: {Type: AWS::IAM::Role, Properties: {RoleName: web}}
  Bucket: {Type: AWS::S3::Bucket, Properties: {BucketName: certs}}
`
	const allow = `{Statement: [{Effect: Allow, Action: "s3:*", Resource: "*"}]}`
	const public = `{Statement: [{Effect: Allow, Principal: "*", Action: "s3:GetObject", Resource: "arn:aws:s3:::certs/*"}]}`
	for name, c := range map[string]struct{ text, role, bucket string }{
		"nothing else":            {"", "", ""},
		"a policy":                {"  P: {Type: AWS::IAM::Policy, Properties: {PolicyName: p, Roles: [!Ref Role], PolicyDocument: " + allow + "}}", "", ""},
		"a conditional policy":    {"  P: {Type: AWS::IAM::Policy, Condition: Live, Properties: {PolicyName: p, Roles: [!Ref Role], PolicyDocument: " + allow + "}}", "inline policy p", ""},
		"a policy for others":     {"  P: {Type: AWS::IAM::Policy, Condition: Live, Properties: {PolicyName: p, Roles: [other], PolicyDocument: " + allow + "}}", "", ""},
		"a conditional effect":    {"  P: {Type: AWS::IAM::Policy, Properties: {PolicyName: p, Roles: [!Ref Role], PolicyDocument: {Statement: {Effect: !If [Live, Allow, Deny], Action: 's3:*', Resource: '*'}}}}", "inline policy p", ""},
		"a conditional statement": {"  P: {Type: AWS::IAM::Policy, Properties: {PolicyName: p, Roles: [!Ref Role], PolicyDocument: {Statement: [!If [Live, {Effect: Allow, Action: 's3:*', Resource: '*'}, !Ref AWS::NoValue]]}}}", "inline policy p", ""},
		"an included policy":      {"  P: {Type: AWS::IAM::Policy, Properties: {Fn::Transform: {Name: AWS::Include}}}", "whether inline policy P belongs to the role", ""},
		"a bucket policy":         {"  P: {Type: AWS::S3::BucketPolicy, Properties: {Bucket: certs, PolicyDocument: " + public + "}}", "", ""},
		"a conditional bucket policy": {"  P: {Type: AWS::S3::BucketPolicy, Condition: Live, Properties: {Bucket: !Ref Bucket, PolicyDocument: " + public + "}}", "",
			"whether bucket policy P is created as it stands here"},
		"a nested stack":               {"  N: {Type: AWS::CloudFormation::Stack, Properties: {Parameters: {A: x}}}", "", ""},
		"a nested stack with the role": {"  N: {Type: AWS::CloudFormation::Stack, Properties: {Parameters: {A: !Ref Role}}}", "what nested stack N adds to the role", ""},
		"a nested stack with its ARN":  {"  N: {Type: AWS::CloudFormation::Stack, Properties: {Parameters: {A: !GetAtt Role.Arn}}}", "what nested stack N adds to the role", ""},
		"a nested stack with the bucket": {"  N: {Type: AWS::CloudFormation::Stack, Properties: {Parameters: {A: !Ref Bucket}}}", "",
			"whether nested stack N gives the bucket a policy"},
	} {
		a, problems := fill(t, shop(), head+c.text+"\n")
		if len(problems) > 0 {
			t.Errorf("%s: %v", name, problems)
		}
		role, bucket := a.Roles[0], a.Buckets[0]
		if got := strings.Join(role.PoliciesUnknown, "; "); got != c.role {
			t.Errorf("%s: of the role %q is not known, want %q", name, got, c.role)
		}
		if bucket.PolicyUnknown != c.bucket {
			t.Errorf("%s: of the bucket %q is not known, want %q", name, bucket.PolicyUnknown, c.bucket)
		}
	}
}

func TestPropertiesThatATransformMakesAreNotAbsent(t *testing.T) {
	a, _ := fill(t, shop(), `
Resources:
  Role: {Type: AWS::IAM::Role, Properties: {Fn::Transform: {Name: AWS::Include}}}
  User: {Type: AWS::IAM::User, Properties: {Fn::Transform: {Name: AWS::Include}, UserName: u}}
  Profile: {Type: AWS::IAM::InstanceProfile, Properties: {InstanceProfileName: p, Fn::Transform: {Name: AWS::Include}}}
`)
	if len(a.Roles[0].PoliciesUnknown) != 1 || len(a.Users[0].PoliciesUnknown) != 1 {
		t.Errorf("role %q, user %q", a.Roles[0].PoliciesUnknown, a.Users[0].PoliciesUnknown)
	}
	if p := a.Profiles[0]; len(p.Roles) != 1 || fact.Known(p.Roles[0]) || slices.Contains(p.Roles, "") {
		t.Errorf("the profile holds %q", p.Roles)
	}
}
