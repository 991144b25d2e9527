package iam

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"beanpole/internal/cloud/door"
	"beanpole/internal/cloud/state"
)

func sortedKeys[V any](m map[string]V) []string {
	var ks []string
	for k := range m {
		ks = append(ks, k)
	}
	sort.Strings(ks)
	return ks
}

// roleType is a role as IAM shows it.
func (s *Service) roleType(r *state.Role) *types.Role {
	out := &types.Role{
		Arn: door.Pointer(s.state.RoleARN(r)), CreateDate: at(r.Created), Path: door.Pointer(r.Path), RoleId: door.Pointer(r.ID), RoleName: door.Pointer(r.Name),
		AssumeRolePolicyDocument: encoded(r.Trust.Text), MaxSessionDuration: door.Pointer(r.MaxSession), Tags: tags(r.Tags),
	}
	if r.Description != "" {
		out.Description = door.Pointer(r.Description)
	}
	if r.Boundary != "" {
		out.PermissionsBoundary = &types.AttachedPermissionsBoundary{PermissionsBoundaryArn: door.Pointer(r.Boundary),
			PermissionsBoundaryType: types.PermissionsBoundaryAttachmentTypePolicy}
	}
	return out
}

// CreateRole makes a role.
func (s *Service) CreateRole(_ context.Context, in *iam.CreateRoleInput) (*iam.CreateRoleOutput, error) {
	if err := checkName("roleName", in.RoleName, 64); err != nil {
		return nil, err
	}
	path, err := checkPath(in.Path)
	if err != nil {
		return nil, err
	}
	lifetime := int32(3600)
	if in.MaxSessionDuration != nil {
		if lifetime = *in.MaxSessionDuration; lifetime < 3600 || lifetime > 43200 {
			return nil, invalid(fmt.Sprintf("Value '%d'", lifetime), "maxSessionDuration", "Member must have value between 3600 and 43200")
		}
	}
	r := &state.Role{Name: *in.RoleName, Path: path, ID: state.NewID("AROA"), Description: door.Value(in.Description), MaxSession: lifetime,
		Created: time.Now().UTC(), Boundary: door.Value(in.PermissionsBoundary), Tags: tagMap(in.Tags)}
	err = s.state.Update(func(tx *state.Tx) error {
		if _, found, err := tx.Role(r.Name); err != nil {
			return err
		} else if found {
			return fault("EntityAlreadyExists", http.StatusConflict, "Role with name "+r.Name+" already exists.")
		}
		var err error
		if r.Trust, err = s.trustPolicy(tx, in.AssumeRolePolicyDocument); err != nil {
			return err
		}
		return tx.PutRole(r)
	})
	if err != nil {
		return nil, err
	}
	return &iam.CreateRoleOutput{Role: s.roleType(r)}, nil
}

// GetRole shows a role.
func (s *Service) GetRole(_ context.Context, in *iam.GetRoleInput) (*iam.GetRoleOutput, error) {
	var out iam.GetRoleOutput
	err := s.state.Read(func(tx *state.Tx) error {
		r, err := role(tx, in.RoleName)
		if err == nil {
			out.Role = s.roleType(r)
		}
		return err
	})
	return &out, err
}

// ListRoles lists roles by name.
func (s *Service) ListRoles(_ context.Context, in *iam.ListRolesInput) (*iam.ListRolesOutput, error) {
	var all []types.Role
	err := s.state.Read(func(tx *state.Tx) error {
		rs, err := tx.Roles()
		for _, r := range rs {
			if strings.HasPrefix(r.Path, door.Value(in.PathPrefix)) {
				all = append(all, *s.roleType(r))
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	part, more, next, err := page(all, in.Marker, in.MaxItems)
	return &iam.ListRolesOutput{Roles: part, IsTruncated: more, Marker: next}, err
}

// DeleteRole deletes a role that nothing hangs on any more.
func (s *Service) DeleteRole(_ context.Context, in *iam.DeleteRoleInput) (*iam.DeleteRoleOutput, error) {
	return &iam.DeleteRoleOutput{}, s.state.Update(func(tx *state.Tx) error {
		r, err := role(tx, in.RoleName)
		if err != nil {
			return err
		}
		switch {
		case len(r.Attached) > 0:
			return conflict("Cannot delete entity, must detach all policies first.")
		case len(r.Inline) > 0:
			return conflict("Cannot delete entity, must delete policies first.")
		}
		ps, err := tx.Profiles()
		if err != nil {
			return err
		}
		for _, p := range ps {
			if slices.ContainsFunc(p.Roles, func(n string) bool { return strings.EqualFold(n, r.Name) }) {
				return conflict("Cannot delete entity, must remove roles from instance profile first.")
			}
		}
		return tx.DeleteRole(r.Name)
	})
}

// changeRole changes a role that must exist.
func (s *Service) changeRole(name *string, change func(*state.Tx, *state.Role) error) error {
	return s.state.Update(func(tx *state.Tx) error {
		r, err := role(tx, name)
		if err != nil {
			return err
		}
		if err := change(tx, r); err != nil {
			return err
		}
		return tx.PutRole(r)
	})
}

// UpdateAssumeRolePolicy replaces a role's trust policy.
func (s *Service) UpdateAssumeRolePolicy(_ context.Context, in *iam.UpdateAssumeRolePolicyInput) (*iam.UpdateAssumeRolePolicyOutput, error) {
	return &iam.UpdateAssumeRolePolicyOutput{}, s.changeRole(in.RoleName, func(tx *state.Tx, r *state.Role) (err error) {
		r.Trust, err = s.trustPolicy(tx, in.PolicyDocument)
		return err
	})
}

// PutRolePolicy writes an inline policy.
func (s *Service) PutRolePolicy(_ context.Context, in *iam.PutRolePolicyInput) (*iam.PutRolePolicyOutput, error) {
	if err := checkName("policyName", in.PolicyName, 128); err != nil {
		return nil, err
	}
	text, err := identityPolicy(in.PolicyDocument)
	if err != nil {
		return nil, err
	}
	return &iam.PutRolePolicyOutput{}, s.changeRole(in.RoleName, func(_ *state.Tx, r *state.Role) error {
		d := state.Document{Name: *in.PolicyName, Text: text}
		if i := inline(r, *in.PolicyName); i >= 0 {
			r.Inline[i] = d
		} else {
			r.Inline = append(r.Inline, d)
		}
		return nil
	})
}

func inline(r *state.Role, name string) int {
	return slices.IndexFunc(r.Inline, func(d state.Document) bool { return d.Name == name })
}

func noInline(name *string) error {
	return fault("NoSuchEntity", http.StatusNotFound, "The role policy with name "+door.Value(name)+" cannot be found.")
}

// GetRolePolicy shows an inline policy.
func (s *Service) GetRolePolicy(_ context.Context, in *iam.GetRolePolicyInput) (*iam.GetRolePolicyOutput, error) {
	var out iam.GetRolePolicyOutput
	err := s.state.Read(func(tx *state.Tx) error {
		r, err := role(tx, in.RoleName)
		if err != nil {
			return err
		}
		i := inline(r, door.Value(in.PolicyName))
		if i < 0 {
			return noInline(in.PolicyName)
		}
		out = iam.GetRolePolicyOutput{RoleName: door.Pointer(r.Name), PolicyName: in.PolicyName, PolicyDocument: encoded(r.Inline[i].Text)}
		return nil
	})
	return &out, err
}

// DeleteRolePolicy deletes an inline policy.
func (s *Service) DeleteRolePolicy(_ context.Context, in *iam.DeleteRolePolicyInput) (*iam.DeleteRolePolicyOutput, error) {
	return &iam.DeleteRolePolicyOutput{}, s.changeRole(in.RoleName, func(_ *state.Tx, r *state.Role) error {
		i := inline(r, door.Value(in.PolicyName))
		if i < 0 {
			return noInline(in.PolicyName)
		}
		r.Inline = slices.Delete(r.Inline, i, i+1)
		return nil
	})
}

// ListRolePolicies names a role's inline policies.
func (s *Service) ListRolePolicies(_ context.Context, in *iam.ListRolePoliciesInput) (*iam.ListRolePoliciesOutput, error) {
	var names []string
	err := s.state.Read(func(tx *state.Tx) error {
		r, err := role(tx, in.RoleName)
		if err != nil {
			return err
		}
		for _, d := range r.Inline {
			names = append(names, d.Name)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	part, more, next, err := page(names, in.Marker, in.MaxItems)
	return &iam.ListRolePoliciesOutput{PolicyNames: part, IsTruncated: more, Marker: next}, err
}
