package live

import (
	"context"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"beanpole/internal/account/reading"
)

// noSuchEntity is IAM's word for what does not exist.
var noSuchEntity = []string{"NoSuchEntity"}

// profile reads an instance profile, by name or ARN, and the role in it.
func (x *Reader) profile(ctx context.Context, name string) {
	if strings.HasPrefix(name, "arn:") && !strings.Contains(name, ":instance-profile/") {
		return // of something else; check says so
	}
	name = name[strings.LastIndexByte(name, '/')+1:]
	if !x.first(reading.AProfile, name) {
		return
	}
	q := question{op: "iam:GetInstanceProfile", kind: reading.AProfile, name: name, link: "profile", none: noSuchEntity}
	out, none := ask(ctx, x, q, func(ctx context.Context, in *iam.GetInstanceProfileInput) (*iam.GetInstanceProfileOutput, error) {
		return x.c.IAM.GetInstanceProfile(ctx, in)
	}, &iam.GetInstanceProfileInput{InstanceProfileName: &name})
	if none != "" {
		x.absent(reading.AProfile, name)
	}
	if out == nil || out.InstanceProfile == nil {
		return
	}
	p := reading.Profile{Name: aws.ToString(out.InstanceProfile.InstanceProfileName), Path: aws.ToString(out.InstanceProfile.Path),
		ARN: aws.ToString(out.InstanceProfile.Arn), ID: aws.ToString(out.InstanceProfile.InstanceProfileId), Roles: []string{}}
	for _, r := range out.InstanceProfile.Roles {
		p.Roles = append(p.Roles, aws.ToString(r.RoleName))
	}
	x.keep(func(r *reading.Reading) { r.Profiles = append(r.Profiles, p) })
	each(p.Roles, func(role string) { x.role(ctx, role) })
}

// role reads a role with its policies.
func (x *Reader) role(ctx context.Context, name string) {
	if !x.first(reading.ARole, name) {
		return
	}
	role := reading.Role{Name: name, Inline: map[string]string{}}
	var attached, inline []string
	gone := false
	together(
		func() { gone = !x.getRole(ctx, &role) },
		func() { inline = x.inlineNames(ctx, name, &role) },
		func() { attached = x.attachedTo(ctx, name, &role) },
	)
	if gone {
		return
	}
	role.Attached = attached
	var found []string
	together(
		func() { found = x.inline(ctx, &role, inline) },
		func() { each(attached, func(arn string) { x.policy(ctx, arn) }) },
		func() { x.policy(ctx, role.Boundary) },
	)
	role.Unknown = append(role.Unknown, found...)
	x.keep(func(r *reading.Reading) { r.Roles = append(r.Roles, role) })
}

// getRole reads the role itself; without an answer its name is all that is
// known. false: there is none.
func (x *Reader) getRole(ctx context.Context, role *reading.Role) bool {
	q := question{op: "iam:GetRole", kind: reading.ARole, name: role.Name, link: "trust", none: noSuchEntity}
	out, none := ask(ctx, x, q, func(ctx context.Context, in *iam.GetRoleInput) (*iam.GetRoleOutput, error) {
		return x.c.IAM.GetRole(ctx, in)
	}, &iam.GetRoleInput{RoleName: &role.Name})
	if none != "" {
		x.absent(reading.ARole, role.Name)
		return false
	}
	if out == nil || out.Role == nil {
		return false
	}
	role.Name, role.Path, role.ARN, role.ID = aws.ToString(out.Role.RoleName), aws.ToString(out.Role.Path), aws.ToString(out.Role.Arn), aws.ToString(out.Role.RoleId)
	role.Trust = document(out.Role.AssumeRolePolicyDocument)
	if b := out.Role.PermissionsBoundary; b != nil {
		role.Boundary = aws.ToString(b.PermissionsBoundaryArn)
	}
	return true
}

// document is a policy's text, which IAM sends URL-encoded [IAM API: GetRole].
func document(s *string) string {
	text := aws.ToString(s)
	if strings.HasPrefix(strings.TrimSpace(text), "{") {
		return text
	}
	if plain, err := url.PathUnescape(text); err == nil {
		return plain
	}
	return text
}

// inlineNames are the names of a role's inline policies. The role's own name is
// given apart, since getRole fills the role meanwhile.
func (x *Reader) inlineNames(ctx context.Context, name string, role *reading.Role) (names []string) {
	in := &iam.ListRolePoliciesInput{RoleName: &name}
	for {
		q := question{op: "iam:ListRolePolicies", kind: reading.ARole, name: name, link: "identity", none: noSuchEntity}
		out, none := ask(ctx, x, q, func(ctx context.Context, in *iam.ListRolePoliciesInput) (*iam.ListRolePoliciesOutput, error) {
			return x.c.IAM.ListRolePolicies(ctx, in)
		}, in)
		if out == nil {
			if none == "" {
				x.unknown(role, "inline policies (permission iam:ListRolePolicies)")
			}
			return names
		}
		names = append(names, out.PolicyNames...)
		if !out.IsTruncated {
			return names
		}
		in.Marker = out.Marker
	}
}

// unknown names a part of a role's policies that could not be read.
func (x *Reader) unknown(role *reading.Role, what string) {
	x.keep(func(*reading.Reading) { role.Unknown = append(role.Unknown, what) })
}

func (x *Reader) attachedTo(ctx context.Context, name string, role *reading.Role) (arns []string) {
	in := &iam.ListAttachedRolePoliciesInput{RoleName: &name}
	for {
		q := question{op: "iam:ListAttachedRolePolicies", kind: reading.ARole, name: name, link: "identity", none: noSuchEntity}
		out, none := ask(ctx, x, q, func(ctx context.Context, in *iam.ListAttachedRolePoliciesInput) (*iam.ListAttachedRolePoliciesOutput, error) {
			return x.c.IAM.ListAttachedRolePolicies(ctx, in)
		}, in)
		if out == nil {
			if none == "" {
				x.unknown(role, "attached policies (permission iam:ListAttachedRolePolicies)")
			}
			return arns
		}
		for _, p := range out.AttachedPolicies {
			arns = append(arns, aws.ToString(p.PolicyArn))
		}
		if !out.IsTruncated {
			return arns
		}
		in.Marker = out.Marker
	}
}

// inline reads inline policies, and gives back what could not be read.
func (x *Reader) inline(ctx context.Context, role *reading.Role, names []string) (unknown []string) {
	each(names, func(name string) {
		q := question{op: "iam:GetRolePolicy", kind: reading.ARole, name: role.Name, link: "identity"}
		out, _ := ask(ctx, x, q, func(ctx context.Context, in *iam.GetRolePolicyInput) (*iam.GetRolePolicyOutput, error) {
			return x.c.IAM.GetRolePolicy(ctx, in)
		}, &iam.GetRolePolicyInput{RoleName: &role.Name, PolicyName: &name})
		x.keep(func(*reading.Reading) {
			if out == nil {
				unknown = append(unknown, "inline policy "+name+" (permission iam:GetRolePolicy)")
				return
			}
			role.Inline[name] = document(out.PolicyDocument)
		})
	})
	return unknown
}

// policy reads a managed policy in its default version.
func (x *Reader) policy(ctx context.Context, arn string) {
	if !x.first(reading.APolicy, arn) {
		return
	}
	q := question{op: "iam:GetPolicy", kind: reading.APolicy, name: arn, link: "identity", none: noSuchEntity}
	got, none := ask(ctx, x, q, func(ctx context.Context, in *iam.GetPolicyInput) (*iam.GetPolicyOutput, error) {
		return x.c.IAM.GetPolicy(ctx, in)
	}, &iam.GetPolicyInput{PolicyArn: &arn})
	if none != "" {
		x.absent(reading.APolicy, arn)
	}
	if got == nil || got.Policy == nil {
		return
	}
	q.op, q.none = "iam:GetPolicyVersion", nil
	out, _ := ask(ctx, x, q, func(ctx context.Context, in *iam.GetPolicyVersionInput) (*iam.GetPolicyVersionOutput, error) {
		return x.c.IAM.GetPolicyVersion(ctx, in)
	}, &iam.GetPolicyVersionInput{PolicyArn: &arn, VersionId: got.Policy.DefaultVersionId})
	if out == nil || out.PolicyVersion == nil {
		return
	}
	p := reading.Policy{ARN: arn, Version: aws.ToString(out.PolicyVersion.VersionId), Document: document(out.PolicyVersion.Document)}
	x.keep(func(r *reading.Reading) { r.Policies = append(r.Policies, p) })
}
