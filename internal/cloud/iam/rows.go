package iam

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"beanpole/internal/cloud/door"
	"beanpole/internal/cloud/state"
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
		door.Keys(op("CreateRole", func(_ context.Context, in *iam.CreateRoleInput) string {
			return s.state.ARN("iam", "", "role"+pathOr(in.Path)+door.Value(in.RoleName))
		}, s.CreateRole), func(_ context.Context, in *iam.CreateRoleInput) map[string][]string {
			return taggedKeys(in.Tags, "iam:PermissionsBoundary", door.Value(in.PermissionsBoundary))
		}),
		op("GetRole", func(ctx context.Context, in *iam.GetRoleInput) string { return s.roleARN(ctx, in.RoleName) }, s.GetRole),
		door.Keys(op("DeleteRole", func(ctx context.Context, in *iam.DeleteRoleInput) string { return s.roleARN(ctx, in.RoleName) }, s.DeleteRole), func(_ context.Context, in *iam.DeleteRoleInput) map[string][]string { return s.roleKeys(in.RoleName) }),
		op("ListRoles", func(_ context.Context, in *iam.ListRolesInput) string {
			return s.state.ARN("iam", "", "role"+pathOr(in.PathPrefix))
		}, s.ListRoles),
		op("UpdateAssumeRolePolicy", func(ctx context.Context, in *iam.UpdateAssumeRolePolicyInput) string {
			return s.roleARN(ctx, in.RoleName)
		}, s.UpdateAssumeRolePolicy),
		door.Keys(op("PutRolePolicy", func(ctx context.Context, in *iam.PutRolePolicyInput) string { return s.roleARN(ctx, in.RoleName) }, s.PutRolePolicy), func(_ context.Context, in *iam.PutRolePolicyInput) map[string][]string {
			return s.roleKeys(in.RoleName)
		}),
		op("GetRolePolicy", func(ctx context.Context, in *iam.GetRolePolicyInput) string { return s.roleARN(ctx, in.RoleName) }, s.GetRolePolicy),
		door.Keys(op("DeleteRolePolicy", func(ctx context.Context, in *iam.DeleteRolePolicyInput) string { return s.roleARN(ctx, in.RoleName) }, s.DeleteRolePolicy), func(_ context.Context, in *iam.DeleteRolePolicyInput) map[string][]string {
			return s.roleKeys(in.RoleName)
		}),
		op("ListRolePolicies", func(ctx context.Context, in *iam.ListRolePoliciesInput) string { return s.roleARN(ctx, in.RoleName) }, s.ListRolePolicies),
		door.Keys(op("AttachRolePolicy", func(ctx context.Context, in *iam.AttachRolePolicyInput) string { return s.roleARN(ctx, in.RoleName) }, s.AttachRolePolicy), func(_ context.Context, in *iam.AttachRolePolicyInput) map[string][]string {
			return s.roleKeys(in.RoleName, "iam:PolicyARN", door.Value(in.PolicyArn))
		}),
		door.Keys(op("DetachRolePolicy", func(ctx context.Context, in *iam.DetachRolePolicyInput) string { return s.roleARN(ctx, in.RoleName) }, s.DetachRolePolicy), func(_ context.Context, in *iam.DetachRolePolicyInput) map[string][]string {
			return s.roleKeys(in.RoleName, "iam:PolicyARN", door.Value(in.PolicyArn))
		}),
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
			Context: s.roleKeys(in.RoleName, "iam:PassedToService", "ec2.amazonaws.com")}}
	})
	return []door.Row{
		door.Keys(op("CreateInstanceProfile", func(_ context.Context, in *iam.CreateInstanceProfileInput) string {
			return s.state.ARN("iam", "", "instance-profile"+pathOr(in.Path)+door.Value(in.InstanceProfileName))
		}, s.CreateInstanceProfile), func(_ context.Context, in *iam.CreateInstanceProfileInput) map[string][]string {
			return taggedKeys(in.Tags)
		}),
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
		door.Keys(op("CreatePolicy", func(_ context.Context, in *iam.CreatePolicyInput) string {
			return s.state.ARN("iam", "", "policy"+pathOr(in.Path)+door.Value(in.PolicyName))
		}, s.CreatePolicy), func(_ context.Context, in *iam.CreatePolicyInput) map[string][]string { return taggedKeys(in.Tags) }),
		op("GetPolicy", func(_ context.Context, in *iam.GetPolicyInput) string { return door.Value(in.PolicyArn) }, s.GetPolicy),
		op("GetPolicyVersion", func(_ context.Context, in *iam.GetPolicyVersionInput) string { return door.Value(in.PolicyArn) }, s.GetPolicyVersion),
		op("DeletePolicy", func(_ context.Context, in *iam.DeletePolicyInput) string { return door.Value(in.PolicyArn) }, s.DeletePolicy),
	}
}

// pathOr is the path of a request, "/" when there is none.
func pathOr(p *string) string {
	if p == nil {
		return "/"
	}
	return *p
}

// keys are condition keys of names and values, without those that are empty.
func keys(pairs ...string) map[string][]string {
	out := map[string][]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			out[pairs[i]] = []string{pairs[i+1]}
		}
	}
	return out
}

// roleKeys are those of a request about a role that exists: its boundary and
// tags, and more.
func (s *Service) roleKeys(name *string, more ...string) map[string][]string {
	out := keys(more...)
	s.read(func(tx *state.Tx) error {
		r, ok, err := tx.Role(door.Value(name))
		if !ok || err != nil {
			return err
		}
		if r.Boundary != "" {
			out["iam:PermissionsBoundary"] = []string{r.Boundary}
		}
		for k, v := range r.Tags {
			out["aws:ResourceTag/"+k], out["iam:ResourceTag/"+k] = []string{v}, []string{v}
		}
		return nil
	})
	return out
}

// taggedKeys are those of a request that gives tags.
func taggedKeys(tags []types.Tag, more ...string) map[string][]string {
	out := keys(more...)
	for _, t := range tags {
		out["aws:RequestTag/"+door.Value(t.Key)] = []string{door.Value(t.Value)}
		out["aws:TagKeys"] = append(out["aws:TagKeys"], door.Value(t.Key))
	}
	return out
}
