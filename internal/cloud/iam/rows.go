package iam

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/iam"

	"beanpole/internal/cloud/door"
)

// Rows are the operations with their actions and resources
// [service authorization reference: AWS Identity and Access Management].
func (s *Service) Rows() []door.Row {
	return append(append(s.roleRows(), s.profileRows()...), s.policyRows()...)
}

// op is a row of this service.
func op[I, O any](name string, resource func(context.Context, *I) string, h func(context.Context, *I) (*O, error)) door.Row {
	return door.Op("iam", name, "iam:"+name, resource, h)
}

func (s *Service) roleRows() []door.Row {
	return []door.Row{
		op("CreateRole", func(_ context.Context, in *iam.CreateRoleInput) string {
			return s.state.ARN("iam", "", "role"+pathOr(in.Path)+deref(in.RoleName))
		}, s.CreateRole),
		op("GetRole", func(ctx context.Context, in *iam.GetRoleInput) string { return s.roleARN(ctx, in.RoleName) }, s.GetRole),
		op("DeleteRole", func(ctx context.Context, in *iam.DeleteRoleInput) string { return s.roleARN(ctx, in.RoleName) }, s.DeleteRole),
		op("ListRoles", func(_ context.Context, in *iam.ListRolesInput) string {
			return s.state.ARN("iam", "", "role"+pathOr(in.PathPrefix))
		}, s.ListRoles),
		op("UpdateAssumeRolePolicy", func(ctx context.Context, in *iam.UpdateAssumeRolePolicyInput) string {
			return s.roleARN(ctx, in.RoleName)
		}, s.UpdateAssumeRolePolicy),
		op("PutRolePolicy", func(ctx context.Context, in *iam.PutRolePolicyInput) string { return s.roleARN(ctx, in.RoleName) }, s.PutRolePolicy),
		op("GetRolePolicy", func(ctx context.Context, in *iam.GetRolePolicyInput) string { return s.roleARN(ctx, in.RoleName) }, s.GetRolePolicy),
		op("DeleteRolePolicy", func(ctx context.Context, in *iam.DeleteRolePolicyInput) string { return s.roleARN(ctx, in.RoleName) }, s.DeleteRolePolicy),
		op("ListRolePolicies", func(ctx context.Context, in *iam.ListRolePoliciesInput) string { return s.roleARN(ctx, in.RoleName) }, s.ListRolePolicies),
		op("AttachRolePolicy", func(ctx context.Context, in *iam.AttachRolePolicyInput) string { return s.roleARN(ctx, in.RoleName) }, s.AttachRolePolicy),
		op("DetachRolePolicy", func(ctx context.Context, in *iam.DetachRolePolicyInput) string { return s.roleARN(ctx, in.RoleName) }, s.DetachRolePolicy),
		op("ListAttachedRolePolicies", func(ctx context.Context, in *iam.ListAttachedRolePoliciesInput) string {
			return s.roleARN(ctx, in.RoleName)
		}, s.ListAttachedRolePolicies),
	}
}

func (s *Service) profileRows() []door.Row {
	add := op("AddRoleToInstanceProfile", func(ctx context.Context, in *iam.AddRoleToInstanceProfileInput) string {
		return s.profileARN(ctx, in.InstanceProfileName)
	}, s.AddRoleToInstanceProfile)
	// Whoever puts a role where instances get at it hands the role over.
	add = door.Also(add, func(ctx context.Context, in *iam.AddRoleToInstanceProfileInput) []door.Ask {
		return []door.Ask{{Action: "iam:PassRole", Resource: s.roleARN(ctx, in.RoleName),
			Context: map[string][]string{"iam:PassedToService": {"ec2.amazonaws.com"}}}}
	})
	return []door.Row{
		op("CreateInstanceProfile", func(_ context.Context, in *iam.CreateInstanceProfileInput) string {
			return s.state.ARN("iam", "", "instance-profile"+pathOr(in.Path)+deref(in.InstanceProfileName))
		}, s.CreateInstanceProfile),
		op("GetInstanceProfile", func(ctx context.Context, in *iam.GetInstanceProfileInput) string {
			return s.profileARN(ctx, in.InstanceProfileName)
		}, s.GetInstanceProfile),
		op("DeleteInstanceProfile", func(ctx context.Context, in *iam.DeleteInstanceProfileInput) string {
			return s.profileARN(ctx, in.InstanceProfileName)
		}, s.DeleteInstanceProfile),
		op("ListInstanceProfiles", func(_ context.Context, in *iam.ListInstanceProfilesInput) string {
			return s.state.ARN("iam", "", "instance-profile"+pathOr(in.PathPrefix))
		}, s.ListInstanceProfiles),
		op("ListInstanceProfilesForRole", func(ctx context.Context, in *iam.ListInstanceProfilesForRoleInput) string {
			return s.roleARN(ctx, in.RoleName)
		}, s.ListInstanceProfilesForRole),
		add,
		op("RemoveRoleFromInstanceProfile", func(ctx context.Context, in *iam.RemoveRoleFromInstanceProfileInput) string {
			return s.profileARN(ctx, in.InstanceProfileName)
		}, s.RemoveRoleFromInstanceProfile),
	}
}

func (s *Service) policyRows() []door.Row {
	return []door.Row{
		op("CreatePolicy", func(_ context.Context, in *iam.CreatePolicyInput) string {
			return s.state.ARN("iam", "", "policy"+pathOr(in.Path)+deref(in.PolicyName))
		}, s.CreatePolicy),
		op("GetPolicy", func(_ context.Context, in *iam.GetPolicyInput) string { return deref(in.PolicyArn) }, s.GetPolicy),
		op("GetPolicyVersion", func(_ context.Context, in *iam.GetPolicyVersionInput) string { return deref(in.PolicyArn) }, s.GetPolicyVersion),
		op("DeletePolicy", func(_ context.Context, in *iam.DeletePolicyInput) string { return deref(in.PolicyArn) }, s.DeletePolicy),
	}
}

// pathOr is the path of a request, "/" when there is none.
func pathOr(p *string) string {
	if p == nil {
		return "/"
	}
	return *p
}
