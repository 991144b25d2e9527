package iam

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"beanpole/internal/aws"
	"beanpole/internal/cloud/door"
	"beanpole/internal/cloud/state"
	policy "beanpole/internal/iam"
)

// awsOwned is what the ARNs of AWS's own managed policies begin with.
const awsOwned = "arn:aws:iam::aws:policy/"

func noPolicy(arn string) error {
	return fault("NoSuchEntity", http.StatusNotFound, "Policy "+arn+" was not found.")
}

// managed finds a customer managed policy that must exist, by ARN.
func (s *Service) managed(tx *state.Tx, arn string) (*state.Policy, error) {
	p, ok, err := tx.Policy(arn[strings.LastIndex(arn, "/")+1:])
	if err != nil {
		return nil, err
	}
	if !ok || s.state.PolicyARN(p) != arn {
		return nil, noPolicy(arn)
	}
	return p, nil
}

// AttachRolePolicy attaches a managed policy. AWS's own ones exist even when
// beanpole does not know their text; access then says what it can't tell.
func (s *Service) AttachRolePolicy(_ context.Context, in *iam.AttachRolePolicyInput) (*iam.AttachRolePolicyOutput, error) {
	arn := door.Value(in.PolicyArn)
	if _, ok := aws.ParseARN(arn); !ok {
		return nil, fault("InvalidInput", http.StatusBadRequest, "ARN "+arn+" is not valid.")
	}
	return &iam.AttachRolePolicyOutput{}, s.changeRole(in.RoleName, func(tx *state.Tx, r *state.Role) error {
		if !strings.HasPrefix(arn, awsOwned) {
			if _, err := s.managed(tx, arn); err != nil {
				return fault("NoSuchEntity", http.StatusNotFound, "Policy "+arn+" does not exist or is not attachable.")
			}
		}
		if !slices.Contains(r.Attached, arn) {
			r.Attached = append(r.Attached, arn)
		}
		return nil
	})
}

// DetachRolePolicy detaches a managed policy.
func (s *Service) DetachRolePolicy(_ context.Context, in *iam.DetachRolePolicyInput) (*iam.DetachRolePolicyOutput, error) {
	return &iam.DetachRolePolicyOutput{}, s.changeRole(in.RoleName, func(_ *state.Tx, r *state.Role) error {
		i := slices.Index(r.Attached, door.Value(in.PolicyArn))
		if i < 0 {
			return noPolicy(door.Value(in.PolicyArn))
		}
		r.Attached = slices.Delete(r.Attached, i, i+1)
		return nil
	})
}

// ListAttachedRolePolicies lists the managed policies of a role.
func (s *Service) ListAttachedRolePolicies(_ context.Context, in *iam.ListAttachedRolePoliciesInput) (*iam.ListAttachedRolePoliciesOutput, error) {
	var all []types.AttachedPolicy
	err := s.state.Read(func(tx *state.Tx) error {
		r, err := role(tx, in.RoleName)
		if err != nil {
			return err
		}
		for _, arn := range r.Attached {
			all = append(all, types.AttachedPolicy{PolicyArn: door.Pointer(arn), PolicyName: door.Pointer(arn[strings.LastIndex(arn, "/")+1:])})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	part, more, next, err := page(all, in.Marker, in.MaxItems)
	return &iam.ListAttachedRolePoliciesOutput{AttachedPolicies: part, IsTruncated: more, Marker: next}, err
}

func (s *Service) policyType(tx *state.Tx, p *state.Policy) (*types.Policy, error) {
	n, err := s.attachments(tx, s.state.PolicyARN(p))
	out := &types.Policy{Arn: door.Pointer(s.state.PolicyARN(p)), AttachmentCount: door.Pointer(n), CreateDate: at(p.Created), UpdateDate: at(p.Created),
		DefaultVersionId: door.Pointer("v1"), IsAttachable: true, Path: door.Pointer(p.Path), PolicyId: door.Pointer(p.ID), PolicyName: door.Pointer(p.Name),
		PermissionsBoundaryUsageCount: door.Pointer(int32(0))}
	if p.Description != "" {
		out.Description = door.Pointer(p.Description)
	}
	return out, err
}

// attachments is how many roles a policy is attached to.
func (s *Service) attachments(tx *state.Tx, arn string) (n int32, err error) {
	rs, err := tx.Roles()
	for _, r := range rs {
		if slices.Contains(r.Attached, arn) {
			n++
		}
	}
	return n, err
}

// CreatePolicy makes a customer managed policy.
func (s *Service) CreatePolicy(_ context.Context, in *iam.CreatePolicyInput) (*iam.CreatePolicyOutput, error) {
	if err := checkName("policyName", in.PolicyName, 128); err != nil {
		return nil, err
	}
	path, err := checkPath(in.Path)
	if err != nil {
		return nil, err
	}
	text, err := identityPolicy(in.PolicyDocument)
	if err != nil {
		return nil, err
	}
	var out iam.CreatePolicyOutput
	err = s.state.Update(func(tx *state.Tx) error {
		p := &state.Policy{Name: *in.PolicyName, Path: path, ID: state.NewID("ANPA"), Description: door.Value(in.Description), Created: time.Now().UTC(), Text: text}
		if _, found, err := tx.Policy(p.Name); err != nil {
			return err
		} else if found {
			return fault("EntityAlreadyExists", http.StatusConflict, "A policy called "+p.Name+" already exists. Duplicate names are not allowed.")
		}
		if err := tx.PutPolicy(p); err != nil {
			return err
		}
		out.Policy, err = s.policyType(tx, p)
		return err
	})
	return &out, err
}

// GetPolicy shows a managed policy.
func (s *Service) GetPolicy(_ context.Context, in *iam.GetPolicyInput) (*iam.GetPolicyOutput, error) {
	var out iam.GetPolicyOutput
	if p := ofAWS(in.PolicyArn); p != nil {
		name := (*in.PolicyArn)[strings.LastIndexByte(*in.PolicyArn, '/')+1:]
		path := strings.TrimPrefix(strings.TrimSuffix(*in.PolicyArn, name), awsOwned)
		out.Policy = &types.Policy{Arn: in.PolicyArn, DefaultVersionId: door.Pointer("v1"), IsAttachable: true, Path: door.Pointer("/" + path), PolicyName: &name}
		return &out, nil
	}
	err := s.readPolicy(in.PolicyArn, func(tx *state.Tx, p *state.Policy) (err error) {
		out.Policy, err = s.policyType(tx, p)
		return err
	})
	return &out, err
}

// ofAWS is one of AWS's own policies, nil for another. They are known in one
// version, which is v1 here.
func ofAWS(arn *string) *policy.Policy {
	p, ok := policy.AWSManaged(door.Value(arn))
	if !ok {
		return nil
	}
	return p
}

// GetPolicyVersion shows the text of a managed policy.
func (s *Service) GetPolicyVersion(_ context.Context, in *iam.GetPolicyVersionInput) (*iam.GetPolicyVersionOutput, error) {
	var out iam.GetPolicyVersionOutput
	if p := ofAWS(in.PolicyArn); p != nil && door.Value(in.VersionId) == "v1" {
		text, err := p.Text()
		out.PolicyVersion = &types.PolicyVersion{Document: encoded(text), IsDefaultVersion: true, VersionId: in.VersionId}
		return &out, err
	}
	err := s.readPolicy(in.PolicyArn, func(_ *state.Tx, p *state.Policy) error {
		if door.Value(in.VersionId) != "v1" {
			return fault("NoSuchEntity", http.StatusNotFound, "Policy "+*in.PolicyArn+" version "+door.Value(in.VersionId)+" does not exist or is not attachable.")
		}
		out.PolicyVersion = &types.PolicyVersion{CreateDate: at(p.Created), Document: encoded(p.Text), IsDefaultVersion: true, VersionId: door.Pointer("v1")}
		return nil
	})
	return &out, err
}

// readPolicy reads a customer managed policy. Of AWS's own only some are known.
func (s *Service) readPolicy(arn *string, f func(*state.Tx, *state.Policy) error) error {
	if strings.HasPrefix(door.Value(arn), awsOwned) {
		return fault("NotImplemented", http.StatusNotImplemented, "beanpole does not know the text of "+door.Value(arn))
	}
	return s.state.Read(func(tx *state.Tx) error {
		p, err := s.managed(tx, door.Value(arn))
		if err != nil {
			return err
		}
		return f(tx, p)
	})
}

// DeletePolicy deletes a customer managed policy that is attached to nothing.
func (s *Service) DeletePolicy(_ context.Context, in *iam.DeletePolicyInput) (*iam.DeletePolicyOutput, error) {
	return &iam.DeletePolicyOutput{}, s.state.Update(func(tx *state.Tx) error {
		p, err := s.managed(tx, door.Value(in.PolicyArn))
		if err != nil {
			return err
		}
		n, err := s.attachments(tx, door.Value(in.PolicyArn))
		if err != nil {
			return err
		}
		if n > 0 {
			return conflict("Cannot delete a policy attached to entities.")
		}
		return tx.DeletePolicy(p.Name)
	})
}
