package iam

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"beanpole/internal/cloud/door"
	"beanpole/internal/cloud/state"
)

// profileType is an instance profile as IAM shows it.
func (s *Service) profileType(tx *state.Tx, p *state.Profile) (*types.InstanceProfile, error) {
	out := &types.InstanceProfile{Arn: door.Pointer(s.state.ProfileARN(p)), CreateDate: at(p.Created), InstanceProfileId: door.Pointer(p.ID),
		InstanceProfileName: door.Pointer(p.Name), Path: door.Pointer(p.Path), Roles: []types.Role{}, Tags: tags(p.Tags)}
	for _, name := range p.Roles {
		r, ok, err := tx.Role(name)
		if err != nil {
			return nil, err
		}
		if ok {
			out.Roles = append(out.Roles, *s.roleType(r))
		}
	}
	return out, nil
}

// CreateInstanceProfile makes an instance profile, without a role.
func (s *Service) CreateInstanceProfile(_ context.Context, in *iam.CreateInstanceProfileInput) (*iam.CreateInstanceProfileOutput, error) {
	if err := checkName("instanceProfileName", in.InstanceProfileName, 128); err != nil {
		return nil, err
	}
	path, err := checkPath(in.Path)
	if err != nil {
		return nil, err
	}
	var out iam.CreateInstanceProfileOutput
	err = s.state.Update(func(tx *state.Tx) error {
		p := &state.Profile{Name: *in.InstanceProfileName, Path: path, ID: state.NewID("AIPA"), Created: time.Now().UTC(), Tags: tagMap(in.Tags)}
		if _, found, err := tx.Profile(p.Name); err != nil {
			return err
		} else if found {
			return fault("EntityAlreadyExists", http.StatusConflict, "Instance Profile "+p.Name+" already exists.")
		}
		if err := tx.PutProfile(p); err != nil {
			return err
		}
		var err error
		out.InstanceProfile, err = s.profileType(tx, p)
		return err
	})
	return &out, err
}

// GetInstanceProfile shows an instance profile and the role that it holds.
func (s *Service) GetInstanceProfile(_ context.Context, in *iam.GetInstanceProfileInput) (*iam.GetInstanceProfileOutput, error) {
	var out iam.GetInstanceProfileOutput
	err := s.state.Read(func(tx *state.Tx) error {
		p, err := profile(tx, in.InstanceProfileName)
		if err == nil {
			out.InstanceProfile, err = s.profileType(tx, p)
		}
		return err
	})
	return &out, err
}

// DeleteInstanceProfile deletes an instance profile that holds no role.
func (s *Service) DeleteInstanceProfile(_ context.Context, in *iam.DeleteInstanceProfileInput) (*iam.DeleteInstanceProfileOutput, error) {
	return &iam.DeleteInstanceProfileOutput{}, s.state.Update(func(tx *state.Tx) error {
		p, err := profile(tx, in.InstanceProfileName)
		if err != nil {
			return err
		}
		if len(p.Roles) > 0 {
			return conflict("Cannot delete entity, must remove roles from instance profile first.")
		}
		return tx.DeleteProfile(p.Name)
	})
}

// ListInstanceProfiles lists instance profiles by name.
func (s *Service) ListInstanceProfiles(_ context.Context, in *iam.ListInstanceProfilesInput) (*iam.ListInstanceProfilesOutput, error) {
	all, err := s.profiles(func(p *state.Profile) bool { return strings.HasPrefix(p.Path, door.Value(in.PathPrefix)) })
	if err != nil {
		return nil, err
	}
	part, more, next, err := page(all, in.Marker, in.MaxItems)
	return &iam.ListInstanceProfilesOutput{InstanceProfiles: part, IsTruncated: more, Marker: next}, err
}

// ListInstanceProfilesForRole lists the instance profiles that hold a role.
func (s *Service) ListInstanceProfilesForRole(_ context.Context, in *iam.ListInstanceProfilesForRoleInput) (*iam.ListInstanceProfilesForRoleOutput, error) {
	err := s.state.Read(func(tx *state.Tx) error {
		_, err := role(tx, in.RoleName)
		return err
	})
	if err != nil {
		return nil, err
	}
	all, err := s.profiles(func(p *state.Profile) bool { return holds(p, *in.RoleName) >= 0 })
	if err != nil {
		return nil, err
	}
	part, more, next, err := page(all, in.Marker, in.MaxItems)
	return &iam.ListInstanceProfilesForRoleOutput{InstanceProfiles: part, IsTruncated: more, Marker: next}, err
}

func (s *Service) profiles(wanted func(*state.Profile) bool) (all []types.InstanceProfile, err error) {
	err = s.state.Read(func(tx *state.Tx) error {
		ps, err := tx.Profiles()
		if err != nil {
			return err
		}
		for _, p := range ps {
			if !wanted(p) {
				continue
			}
			t, err := s.profileType(tx, p)
			if err != nil {
				return err
			}
			all = append(all, *t)
		}
		return nil
	})
	return all, err
}

func holds(p *state.Profile, role string) int {
	return slices.IndexFunc(p.Roles, func(n string) bool { return strings.EqualFold(n, role) })
}

// AddRoleToInstanceProfile puts a role into an instance profile. The quota of
// one role can't be raised [IAM:id_roles_use_switch-role-ec2_instance-profiles].
func (s *Service) AddRoleToInstanceProfile(_ context.Context, in *iam.AddRoleToInstanceProfileInput) (*iam.AddRoleToInstanceProfileOutput, error) {
	return &iam.AddRoleToInstanceProfileOutput{}, s.state.Update(func(tx *state.Tx) error {
		p, err := profile(tx, in.InstanceProfileName)
		if err != nil {
			return err
		}
		r, err := role(tx, in.RoleName)
		if err != nil {
			return err
		}
		if len(p.Roles) > 0 {
			return fault("LimitExceeded", http.StatusConflict, "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1")
		}
		p.Roles = []string{r.Name}
		return tx.PutProfile(p)
	})
}

// RemoveRoleFromInstanceProfile takes a role out of an instance profile.
func (s *Service) RemoveRoleFromInstanceProfile(_ context.Context, in *iam.RemoveRoleFromInstanceProfileInput) (*iam.RemoveRoleFromInstanceProfileOutput, error) {
	return &iam.RemoveRoleFromInstanceProfileOutput{}, s.state.Update(func(tx *state.Tx) error {
		p, err := profile(tx, in.InstanceProfileName)
		if err != nil {
			return err
		}
		i := holds(p, door.Value(in.RoleName))
		if i < 0 {
			return fault("NoSuchEntity", http.StatusNotFound, "Role "+door.Value(in.RoleName)+" in Instance Profile "+p.Name+" cannot be found.")
		}
		p.Roles = slices.Delete(p.Roles, i, i+1)
		return tx.PutProfile(p)
	})
}
