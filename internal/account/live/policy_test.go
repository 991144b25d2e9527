package live

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"beanpole/internal/fact"
	"beanpole/internal/iam"
)

// resourceFor is a thing that a call is about, as services name it.
var resourceFor = map[string]string{
	"cloudformation":         "arn:aws:cloudformation:eu-west-1:111122223333:stack/awseb-e-abcdefghij-stack/0a1b2c",
	"iam:GetInstanceProfile": "arn:aws:iam::111122223333:instance-profile/team/shop-profile",
	"iam:GetRole":            roleARN, "iam:ListRolePolicies": roleARN, "iam:GetRolePolicy": roleARN, "iam:ListAttachedRolePolicies": roleARN,
	"iam:GetPolicy": "arn:aws:iam::aws:policy/AWSElasticBeanstalkWebTier", "iam:GetPolicyVersion": "arn:aws:iam::111122223333:policy/team/attached",
	"s3:HeadObject": "arn:aws:s3:::certs/tls/server.key", "s3:GetObject": "arn:aws:s3:::bundles/shop.zip", "s3:ListBuckets": "*",
	"s3": "arn:aws:s3:::certs", "kms": keyARN,
}

// may tells whether the printed policy allows a call, by our own evaluator.
func may(t *testing.T, flags []string, action, resource string) fact.Verdict {
	t.Helper()
	p, err := iam.ParseJSON("the printed policy", "policy", Policy("aws", flags))
	if err != nil {
		t.Fatal(err)
	}
	who := iam.Principal{Account: testAccount, ARN: "arn:aws:iam::111122223333:user/reader", UserID: "AIDAEXAMPLE"}
	return iam.Evaluate(&iam.Request{Principal: who, Action: action, Resource: resource}, &iam.Policies{Identity: []*iam.Policy{p}}).Verdict()
}

// What the policy says is put to the evaluator: every call that was really made
// is allowed on a thing of its kind.
func TestThePolicyAllowsEveryCallThatIsMade(t *testing.T) {
	for _, flags := range [][]string{nil, {"--fetch-logs", "--fetch-bundle"}} {
		f := &fakeAWS{}
		everything(t, f, flags...)
		for _, op := range f.made() {
			if op == "sts:GetCallerIdentity" {
				continue // which needs none
			}
			service, _, _ := strings.Cut(op, ":")
			resource := "*"
			for _, of := range []string{service, op} {
				if r, ok := resourceFor[of]; ok {
					resource = r
				}
			}
			if v := may(t, flags, permission(op), resource); v != fact.Holds {
				t.Errorf("flags %v: %s on %s: %v", flags, permission(op), resource, v)
			}
		}
		var made []string
		for _, o := range operations {
			if o.flag == "" || len(flags) > 0 {
				made = append(made, o.name)
			}
		}
		for _, op := range made {
			if !slices.Contains(f.made(), op) {
				t.Errorf("flags %v: no test makes %s", flags, op)
			}
		}
	}
}

// Nothing else is: no action that writes, hands out credentials or content, and
// what has a flag not without it.
func TestThePolicyAllowsNothingElse(t *testing.T) {
	for _, action := range []string{
		"s3:PutObject", "s3:DeleteObject", "s3:PutBucketPolicy", "iam:PutRolePolicy", "iam:PassRole", "iam:CreateAccessKey", "sts:AssumeRole", "kms:Decrypt", "kms:CreateGrant",
		"kms:GenerateDataKey", "ec2:RunInstances", "ec2:TerminateInstances", "ec2:DescribeInstanceAttribute", "elasticbeanstalk:UpdateEnvironment", "elasticbeanstalk:TerminateEnvironment",
		"elasticbeanstalk:RequestEnvironmentInfo", "elasticbeanstalk:RetrieveEnvironmentInfo", "cloudformation:UpdateStack", "organizations:AttachPolicy", "secretsmanager:GetSecretValue",
		"ssm:GetParameter", "lambda:InvokeFunction", "iam:ListUsers", "iam:GetUser",
	} {
		for _, resource := range []string{"*", roleARN, keyARN, "arn:aws:s3:::certs/tls/server.key", "arn:aws:cloudformation:eu-west-1:111122223333:stack/s/1"} {
			if v := may(t, nil, action, resource); v != fact.Broken {
				t.Errorf("%s on %s: %v", action, resource, v)
			}
		}
	}
	if v := may(t, []string{"--fetch-logs"}, "elasticbeanstalk:RequestEnvironmentInfo", "*"); v != fact.Holds {
		t.Errorf("with its flag RequestEnvironmentInfo is %v", v)
	}
	for _, flags := range [][]string{nil, {"--fetch-bundle"}} {
		text := string(Policy("aws", flags))
		for _, o := range operations {
			verb := permission(o.name)[strings.IndexByte(permission(o.name), ':')+1:]
			if strings.Contains(text, fmt.Sprintf("%q", permission(o.name))) && !slices.ContainsFunc([]string{"Get", "List", "Describe", "Head"}, func(p string) bool { return strings.HasPrefix(verb, p) }) {
				t.Errorf("flags %v: %s is no reading", flags, permission(o.name))
			}
		}
	}
}
