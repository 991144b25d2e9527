package live

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"
)

// operation is one call that a Reader can make.
type operation struct {
	name     string // service:Operation
	action   string // the permission, where it has another name
	resource string // in a policy; "" is "*"
	flag     string // it is only made under this flag
}

// operations are all calls that a Reader can make. Actions and resource types:
// Service Authorization Reference.
var operations = []operation{
	{name: "sts:GetCallerIdentity"},
	{name: "elasticbeanstalk:DescribeEnvironments"},
	{name: "elasticbeanstalk:DescribeConfigurationSettings"},
	{name: "elasticbeanstalk:DescribeConfigurationOptions"},
	{name: "elasticbeanstalk:DescribeEnvironmentResources"},
	{name: "elasticbeanstalk:DescribeEvents"},
	{name: "elasticbeanstalk:DescribeApplicationVersions"},
	{name: "elasticbeanstalk:RequestEnvironmentInfo", flag: "--fetch-logs"},
	{name: "elasticbeanstalk:RetrieveEnvironmentInfo", flag: "--fetch-logs"},
	{name: "cloudformation:DescribeStacks", resource: "arn:aws:cloudformation:*:*:stack/*"},
	{name: "cloudformation:ListStackResources", resource: "arn:aws:cloudformation:*:*:stack/*"},
	{name: "cloudformation:DescribeStackResource", resource: "arn:aws:cloudformation:*:*:stack/*"},
	{name: "cloudformation:DescribeStackEvents", resource: "arn:aws:cloudformation:*:*:stack/*"},
	{name: "cloudformation:GetTemplate", resource: "arn:aws:cloudformation:*:*:stack/*"},
	{name: "iam:GetInstanceProfile", resource: "arn:aws:iam::*:instance-profile/*"},
	{name: "iam:GetRole", resource: "arn:aws:iam::*:role/*"},
	{name: "iam:ListRolePolicies", resource: "arn:aws:iam::*:role/*"},
	{name: "iam:GetRolePolicy", resource: "arn:aws:iam::*:role/*"},
	{name: "iam:ListAttachedRolePolicies", resource: "arn:aws:iam::*:role/*"},
	{name: "iam:GetPolicy", resource: "arn:aws:iam::*:policy/*"},
	{name: "iam:GetPolicyVersion", resource: "arn:aws:iam::*:policy/*"},
	{name: "s3:ListBuckets", action: "s3:ListAllMyBuckets"},
	{name: "s3:HeadBucket", action: "s3:ListBucket", resource: "arn:aws:s3:::*"},
	{name: "s3:ListObjectsV2", action: "s3:ListBucket", resource: "arn:aws:s3:::*"},
	{name: "s3:HeadObject", action: "s3:GetObject", resource: "arn:aws:s3:::*/*"},
	{name: "s3:GetObject", resource: "arn:aws:s3:::*/*", flag: "--fetch-bundle"},
	{name: "s3:GetBucketPolicy", resource: "arn:aws:s3:::*"},
	{name: "s3:GetBucketPolicyStatus", resource: "arn:aws:s3:::*"},
	{name: "s3:GetPublicAccessBlock", action: "s3:GetBucketPublicAccessBlock", resource: "arn:aws:s3:::*"},
	{name: "s3:GetBucketOwnershipControls", resource: "arn:aws:s3:::*"},
	{name: "s3:GetBucketEncryption", action: "s3:GetEncryptionConfiguration", resource: "arn:aws:s3:::*"},
	{name: "s3control:GetPublicAccessBlock", action: "s3:GetAccountPublicAccessBlock"},
	{name: "kms:DescribeKey", resource: "arn:aws:kms:*:*:key/*"},
	{name: "kms:GetKeyPolicy", resource: "arn:aws:kms:*:*:key/*"},
	{name: "kms:ListGrants", resource: "arn:aws:kms:*:*:key/*"},
	{name: "organizations:DescribeOrganization"},
	{name: "organizations:ListParents"},
	{name: "organizations:ListPoliciesForTarget"},
	{name: "organizations:DescribePolicy"},
	{name: "ec2:DescribeInstances"},
	{name: "ec2:DescribeVpcs"},
	{name: "ec2:DescribeVpcAttribute"},
	{name: "ec2:DescribeSubnets"},
	{name: "ec2:DescribeRouteTables"},
	{name: "ec2:DescribeInternetGateways"},
	{name: "ec2:DescribeNatGateways"},
	{name: "ec2:DescribeVpcEndpoints"},
	{name: "ec2:DescribeSecurityGroups"},
	{name: "ec2:DescribeNetworkAcls"},
}

// permission is the action that a call needs.
func permission(op string) string {
	for _, o := range operations {
		if o.name == op && o.action != "" {
			return o.action
		}
	}
	return op
}

// allowed finds an operation by the SDK's names of service and operation.
func allowed(service, name string, flags []string) bool {
	key := strings.ReplaceAll(strings.ToLower(service), " ", "") + ":" + name
	return slices.ContainsFunc(operations, func(o operation) bool {
		return o.name == key && (o.flag == "" || slices.Contains(flags, o.flag))
	})
}

// Guard keeps an SDK client from any call that is not among the operations, or
// whose flag was not given: what is promised to be read-only cannot write.
func Guard(flags []string, seen func(operation string)) func(*middleware.Stack) error {
	return func(stack *middleware.Stack) error {
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("beanpole read-only", func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
			service, name := awsmiddleware.GetServiceID(ctx), awsmiddleware.GetOperationName(ctx)
			if !allowed(service, name, flags) {
				return middleware.InitializeOutput{}, middleware.Metadata{}, fmt.Errorf("%s %s is no call that reading makes", service, name)
			}
			if seen != nil {
				seen(service + ":" + name)
			}
			return next.HandleInitialize(ctx, in)
		}), middleware.After)
	}
}

// statement is one of the policy that Policy prints.
type statement struct {
	Sid      string
	Effect   string
	Action   []string
	Resource any // a text, or several
}

// onBehalf are actions that Elastic Beanstalk takes in the caller's name to
// answer DescribeEnvironmentResources and DescribeConfigurationSettings, as in
// AWS's own policy AWSElasticBeanstalkReadOnly.
var onBehalf = []string{
	"autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeLaunchConfigurations", "ec2:DescribeLaunchTemplates", "ec2:DescribeLaunchTemplateVersions",
	"elasticloadbalancing:DescribeLoadBalancers", "elasticloadbalancing:DescribeListeners",
}

// Policy is the least IAM policy with which everything can be read, in
// partition ("aws").
func Policy(partition string, flags []string) []byte {
	byResource := map[string][]string{}
	order := []string{""}
	for _, o := range operations {
		if o.name == "sts:GetCallerIdentity" || o.flag != "" && !slices.Contains(flags, o.flag) {
			continue // the former needs no permission at all
		}
		if action := permission(o.name); !slices.Contains(byResource[o.resource], action) {
			byResource[o.resource] = append(byResource[o.resource], action)
		}
		if !slices.Contains(order, o.resource) {
			order = append(order, o.resource)
		}
	}
	var out struct {
		Version   string
		Statement []statement
	}
	out.Version = "2012-10-17"
	for _, resource := range order {
		s := statement{Sid: sids[resource], Effect: "Allow", Action: byResource[resource], Resource: "*"}
		if resource != "" {
			s.Resource = strings.Replace(resource, "arn:aws:", "arn:"+partition+":", 1)
		}
		if resource == "arn:aws:iam::*:policy/*" { // AWS's own policies are of another account
			s.Resource = []any{s.Resource, "arn:" + partition + ":iam::aws:policy/*"}
		}
		out.Statement = append(out.Statement, s)
	}
	out.Statement = append(out.Statement, statement{Sid: "AskedByElasticBeanstalk", Effect: "Allow", Action: onBehalf, Resource: "*"})
	text, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return nil // made of texts alone
	}
	return append(text, '\n')
}

var sids = map[string]string{
	"": "Lists", "arn:aws:iam::*:instance-profile/*": "InstanceProfiles", "arn:aws:iam::*:role/*": "Roles", "arn:aws:iam::*:policy/*": "Policies",
	"arn:aws:s3:::*": "Buckets", "arn:aws:s3:::*/*": "Objects", "arn:aws:kms:*:*:key/*": "Keys", "arn:aws:cloudformation:*:*:stack/*": "Stacks",
}
