// Package template fills an account from an evaluated CloudFormation template:
// what will exist once its stack does. What the template does not mention may
// exist all the same, so the account is never complete.
package template

import (
	"errors"
	"strings"

	"beanpole/internal/account"
	"beanpole/internal/cfn"
	"beanpole/internal/fact"
	"beanpole/internal/iam"
	"beanpole/internal/source"
)

// Fill reads the roles, instance profiles, users, policies, buckets, bucket
// policies, KMS keys and network of a stack. A policy that cannot be read is a problem, and not
// known in the account.
func Fill(s *cfn.Stack, env *cfn.Env) (*account.Account, []*source.Problem) {
	f := &filler{a: &account.Account{
		ID:        orSymbol(env.AccountID, "AWS::AccountId"),
		Partition: partition(env),
		Region:    orSymbol(env.Region, "AWS::Region"),
	}}
	for _, r := range s.Resources {
		switch r.Type {
		case "AWS::IAM::Role":
			f.role(r)
		case "AWS::IAM::InstanceProfile":
			f.profile(r)
		case "AWS::IAM::User":
			f.user(r)
		case "AWS::S3::Bucket":
			f.bucket(r)
		case "AWS::KMS::Key":
			f.key(r)
		default:
			f.networkPart(r)
		}
	}
	for _, r := range s.Resources { // these name the others, in any order
		switch r.Type {
		case "AWS::IAM::Policy", "AWS::IAM::RolePolicy", "AWS::IAM::UserPolicy":
			f.inlinePolicy(r)
		case "AWS::IAM::ManagedPolicy":
			f.managedPolicy(r)
		case "AWS::S3::BucketPolicy":
			f.bucketPolicy(r)
		case "AWS::KMS::Alias":
			f.alias(r)
		case "AWS::CloudFormation::Stack":
			f.nested(r)
		default:
			f.networkLink(r)
		}
	}
	f.awsManaged()
	return f.a, f.problems
}

func orSymbol(value, name string) string {
	if value == "" {
		return fact.Symbol(name)
	}
	return value
}

// partition is AWS::Partition as cfn evaluates it, so that ARNs come out equal.
func partition(env *cfn.Env) string {
	switch {
	case env.Partition != "":
		return env.Partition
	case env.Region == "" || !fact.Known(env.Region):
		return fact.Symbol("AWS::Partition")
	case strings.HasPrefix(env.Region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(env.Region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

type filler struct {
	a        *account.Account
	problems []*source.Problem
}

func (f *filler) arn(kind, path, name string) string {
	return "arn:" + f.a.Partition + ":iam::" + f.a.ID + ":" + kind + path + name
}

func path(r *cfn.Resource) string { return r.Properties.Get("Path").TextOr("/") }

func (f *filler) role(r *cfn.Resource) {
	x := &account.Role{
		Name: r.PhysicalID, Path: path(r), Boundary: r.Properties.Get("PermissionsBoundary").TextOr(""),
		Pos: r.Pos, NamePos: r.Properties.Get("RoleName").Place(), Logical: r.LogicalID,
	}
	x.ARN = f.arn("role", x.Path, x.Name)
	if n := r.Properties.Get("AssumeRolePolicyDocument"); n != nil {
		x.Trust = f.policy("trust policy of role "+r.LogicalID, iam.ForTrust, n)
	}
	x.Inline, x.PoliciesUnknown = f.embedded(r)
	var unknown []string
	x.Attached, unknown = list(r.Properties.Get("ManagedPolicyArns"), "ManagedPolicyArns of "+r.LogicalID)
	x.PoliciesUnknown = append(x.PoliciesUnknown, unknown...)
	if open := r.Open(); open != "" {
		x.PoliciesUnknown = append(x.PoliciesUnknown, open)
	}
	f.a.Roles = append(f.a.Roles, x)
}

func (f *filler) user(r *cfn.Resource) {
	x := &account.User{Name: r.PhysicalID, Path: path(r), Boundary: r.Properties.Get("PermissionsBoundary").TextOr("")}
	x.ARN = f.arn("user", x.Path, x.Name)
	x.Inline, x.PoliciesUnknown = f.embedded(r)
	var unknown []string
	x.Attached, unknown = list(r.Properties.Get("ManagedPolicyArns"), "ManagedPolicyArns of "+r.LogicalID)
	x.PoliciesUnknown = append(x.PoliciesUnknown, unknown...)
	if open := r.Open(); open != "" {
		x.PoliciesUnknown = append(x.PoliciesUnknown, open)
	}
	if r.Properties.Get("Groups") != nil {
		x.PoliciesUnknown = append(x.PoliciesUnknown, "policies of the groups of "+r.LogicalID)
	}
	f.a.Users = append(f.a.Users, x)
}

func (f *filler) profile(r *cfn.Resource) {
	x := &account.Profile{
		Name: r.PhysicalID, Path: path(r), Pos: r.Pos, Logical: r.LogicalID,
		NamePos:  r.Properties.Get("InstanceProfileName").Place(),
		RolesPos: r.Properties.Get("Roles").Place(),
	}
	x.ARN = f.arn("instance-profile", x.Path, x.Name)
	roles, unknown := list(r.Properties.Get("Roles"), "Roles of "+r.LogicalID)
	if open := r.Open(); open != "" && len(roles) == 0 {
		unknown = append(unknown, open)
	}
	for _, u := range unknown {
		roles = append(roles, fact.Symbol(u))
	}
	x.Roles = roles
	f.a.Profiles = append(f.a.Profiles, x)
}

func (f *filler) bucket(r *cfn.Resource) {
	b := &account.Bucket{
		Name: r.PhysicalID, Region: f.a.Region,
		Pos: r.Pos, NamePos: r.Properties.Get("BucketName").Place(), Logical: r.LogicalID,
	}
	BucketSettings(b, r.Properties)
	f.a.Buckets = append(f.a.Buckets, b)
}

// embedded are the policies written inside a role or user.
func (f *filler) embedded(r *cfn.Resource) (out []*iam.Policy, unknown []string) {
	n := r.Properties.Get("Policies")
	if n == nil {
		return nil, nil
	}
	if n.Kind != source.Seq {
		return nil, []string{"Policies of " + r.LogicalID}
	}
	for _, item := range n.Items {
		name := "inline policy " + fact.Show(item.Get("PolicyName").TextOr("")) + " of " + r.LogicalID
		if p := f.policy(name, iam.ForIdentity, item.Get("PolicyDocument")); p != nil {
			out = append(out, p)
		} else {
			unknown = append(unknown, name)
		}
	}
	return out, unknown
}

// policy parses a document for its use, nil when it is not known or AWS takes
// none like it.
func (f *filler) policy(name string, use iam.Use, n *source.Node) *iam.Policy {
	if n == nil || n.IsScalar() && !fact.Known(n.Text) || undecided(n.Get("Statement")) {
		return nil
	}
	p, err := iam.Parse(name, n)
	if err == nil {
		err = p.Check(use)
	}
	if err == nil {
		return p
	}
	var problem *source.Problem
	if !errors.As(err, &problem) {
		problem = &source.Problem{Pos: n.Pos, What: name + ": " + err.Error()}
	}
	f.problems = append(f.problems, problem)
	return nil
}

// undecided reports that whether a statement stands in a policy, or what it
// does, is not known: a condition of unknown truth decides.
func undecided(statements *source.Node) bool {
	unknown := func(n *source.Node) bool {
		s, ok := n.Str()
		return ok && !fact.Known(s)
	}
	if statements == nil || unknown(statements) || unknown(statements.Get("Effect")) {
		return statements != nil
	}
	for _, s := range statements.Items {
		if unknown(s) || unknown(s.Get("Effect")) {
			return true
		}
	}
	return false
}

// list reads a list of texts. A part of it that is not known yet is named.
func list(n *source.Node, what string) (texts, unknown []string) {
	if n == nil || n.Kind == source.Null {
		return nil, nil
	}
	if s, ok := n.Str(); ok {
		if fact.Known(s) {
			return []string{s}, nil
		}
		return nil, []string{what}
	}
	if n.Kind == source.Map {
		return nil, []string{what}
	}
	for _, item := range n.Items {
		if s, ok := item.Str(); ok {
			texts = append(texts, s)
		} else {
			unknown = append(unknown, what)
		}
	}
	return texts, unknown
}
