// Package kms is what the local AWS shows of KMS keys: which there are, their
// policies, and that nobody was given a grant. CloudFormation makes the keys
// and S3 asks their policies; nothing is encrypted.
package kms

import (
	"context"

	"beanpole/internal/account"
	"beanpole/internal/aws"
	"beanpole/internal/cloud/door"
	"beanpole/internal/cloud/state"
	"beanpole/internal/fact"
)

// Service is KMS over a store.
type Service struct {
	state *state.State
}

// New makes the service.
func New(s *state.State) *Service { return &Service{state: s} }

// Rows are the operations with their actions and resources
// [service authorization reference: AWS Key Management Service].
func (s *Service) Rows() []door.Row {
	return []door.Row{
		door.Op("kms", "DescribeKey", "kms:DescribeKey", func(ctx context.Context, in *describeKeyInput) string { return s.resource(ctx, in.KeyId) }, s.DescribeKey),
		door.Op("kms", "GetKeyPolicy", "kms:GetKeyPolicy", func(ctx context.Context, in *getKeyPolicyInput) string { return s.resource(ctx, in.KeyId) }, s.GetKeyPolicy),
		door.Op("kms", "ListGrants", "kms:ListGrants", func(ctx context.Context, in *listGrantsInput) string { return s.resource(ctx, in.KeyId) }, s.ListGrants),
	}
}

// resource is the ARN of the key that a request names.
func (s *Service) resource(ctx context.Context, id *string) string {
	if k, err := s.key(id); err == nil {
		return k.ARN
	}
	return s.state.ARN("kms", door.CallerOf(ctx).Region, "key/"+door.Value(id))
}

// key is the key of an ID, an ARN or an alias.
func (s *Service) key(id *string) (k *state.Key, err error) {
	arn := ""
	s.state.View(func(a *account.Account) {
		if found, v := a.Key(door.Value(id)); v == fact.Holds {
			arn = found.ARN
		}
	})
	if arn == "" {
		return nil, &aws.Error{Code: "NotFoundException", Status: 400, Message: "Key '" + door.Value(id) + "' does not exist"}
	}
	err = s.state.Read(func(tx *state.Tx) (err error) {
		k, err = tx.Key(arn)
		return err
	})
	return k, err
}

// DescribeKey shows a key.
func (s *Service) DescribeKey(_ context.Context, in *describeKeyInput) (*describeKeyOutput, error) {
	k, err := s.key(in.KeyId)
	if err != nil {
		return nil, err
	}
	m := &keyMetadata{KeyId: &k.ID, Arn: &k.ARN, AWSAccountId: door.Pointer(s.state.AccountID()), Enabled: true, KeyState: "Enabled",
		KeyManager: "CUSTOMER", KeySpec: "SYMMETRIC_DEFAULT", KeyUsage: "ENCRYPT_DECRYPT",
		Origin: "AWS_KMS", EncryptionAlgorithms: []string{"SYMMETRIC_DEFAULT"}}
	switch {
	case k.PendingDeletion:
		m.Enabled, m.KeyState = false, "PendingDeletion"
	case k.Disabled:
		m.Enabled, m.KeyState = false, "Disabled"
	}
	return &describeKeyOutput{KeyMetadata: m}, nil
}

// GetKeyPolicy shows a key's policy; the only name of one is default.
func (s *Service) GetKeyPolicy(_ context.Context, in *getKeyPolicyInput) (*getKeyPolicyOutput, error) {
	k, err := s.key(in.KeyId)
	if err != nil {
		return nil, err
	}
	if name := door.Value(in.PolicyName); name != "" && name != "default" {
		return nil, &aws.Error{Code: "NotFoundException", Status: 400, Message: "No such policy exists"}
	}
	out := &getKeyPolicyOutput{PolicyName: door.Pointer("default")}
	err = s.state.Read(func(tx *state.Tx) error {
		text, err := s.state.Shown(tx, k.Policy)
		out.Policy = &text
		return err
	})
	return out, err
}

// ListGrants: no key has any here.
func (s *Service) ListGrants(_ context.Context, in *listGrantsInput) (*listGrantsOutput, error) {
	_, err := s.key(in.KeyId)
	return &listGrantsOutput{Grants: []struct{}{}}, err
}
