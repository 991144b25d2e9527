// Package sts is the local AWS Security Token Service: who a key belongs to,
// and sessions of roles. Its limits: no session policies, tags or federation;
// a request for one of those is refused, never half done.
package sts

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"beanpole/internal/aws"
	"beanpole/internal/cloud/door"
	"beanpole/internal/cloud/state"
	"beanpole/internal/lazyregexp"
)

// Service is STS over a store.
type Service struct {
	state *state.State
}

// New makes the service.
func New(s *state.State) *Service { return &Service{state: s} }

// Rows are the operations with their actions and resources.
func (s *Service) Rows() []door.Row {
	return []door.Row{
		door.Op("sts", "GetCallerIdentity", "sts:GetCallerIdentity", nil, s.GetCallerIdentity).ForAnySigner(),
		door.Keys(door.Trusted(door.Op("sts", "AssumeRole", "sts:AssumeRole", func(_ context.Context, in *sts.AssumeRoleInput) string {
			return door.Value(in.RoleArn)
		}, s.AssumeRole)), assumeKeys),
	}
}

// GetCallerIdentity says who the caller is.
func (s *Service) GetCallerIdentity(ctx context.Context, _ *sts.GetCallerIdentityInput) (*sts.GetCallerIdentityOutput, error) {
	p := door.CallerOf(ctx).Principal
	arn := p.SessionARN
	if arn == "" {
		arn = p.ARN
	}
	return &sts.GetCallerIdentityOutput{Account: &p.Account, Arn: &arn, UserId: &p.UserID}, nil
}

// assumeKeys are AssumeRole's own condition keys
// [service authorization reference: AWS Security Token Service].
func assumeKeys(_ context.Context, in *sts.AssumeRoleInput) map[string][]string {
	out := map[string][]string{"sts:RoleSessionName": {door.Value(in.RoleSessionName)}}
	if in.ExternalId != nil {
		out["sts:ExternalId"] = []string{*in.ExternalId}
	}
	if in.SourceIdentity != nil {
		out["sts:SourceIdentity"] = []string{*in.SourceIdentity}
	}
	return out
}

var sessionPattern = lazyregexp.New(`^[\w+=,.@-]{2,64}$`)

// AssumeRole opens a session of a role. The door has asked the role's trust
// policy before.
func (s *Service) AssumeRole(ctx context.Context, in *sts.AssumeRoleInput) (*sts.AssumeRoleOutput, error) {
	if !sessionPattern.MatchString(door.Value(in.RoleSessionName)) {
		return nil, invalid("roleSessionName", `Member must satisfy regular expression pattern: [\w+=,.@-]*`)
	}
	if in.Policy != nil || len(in.PolicyArns) > 0 || len(in.Tags) > 0 || in.SerialNumber != nil {
		return nil, &aws.Error{Code: "NotImplemented", Status: http.StatusNotImplemented,
			Message: "beanpole does not carry out sts:AssumeRole with a session policy, tags or MFA yet"}
	}
	lifetime := int32(3600)
	if in.DurationSeconds != nil {
		lifetime = *in.DurationSeconds
	}
	name, err := s.assumable(door.Value(in.RoleArn), lifetime)
	if err != nil {
		return nil, err
	}
	c, p, err := s.state.NewSession(name, *in.RoleSessionName, time.Duration(lifetime)*time.Second)
	if err != nil {
		return nil, err
	}
	return &sts.AssumeRoleOutput{
		AssumedRoleUser: &types.AssumedRoleUser{Arn: &p.SessionARN, AssumedRoleId: &p.UserID},
		Credentials:     &types.Credentials{AccessKeyId: &c.KeyID, SecretAccessKey: &c.Secret, SessionToken: &c.Token, Expiration: &c.Expires},
	}, nil
}

// assumable is the name of the role with an ARN, when a session may live that
// many seconds.
func (s *Service) assumable(arn string, lifetime int32) (name string, err error) {
	err = s.state.Read(func(tx *state.Tx) error {
		r, ok, err := tx.Role(arn[strings.LastIndex(arn, "/")+1:])
		if err != nil {
			return err
		}
		if !ok || s.state.RoleARN(r) != arn {
			return aws.Errorf("AccessDenied", "User is not authorized to perform: sts:AssumeRole on resource: %s", arn)
		}
		if lifetime < 900 || lifetime > 43200 {
			return invalid("durationSeconds", "Member must have value between 900 and 43200")
		}
		if lifetime > r.MaxSession {
			return aws.Errorf("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
		}
		name = r.Name
		return nil
	})
	return name, err
}

func invalid(member, rule string) error {
	return aws.Errorf("ValidationError", "%s", fmt.Sprintf("1 validation error detected: Value at '%s' failed to satisfy constraint: %s", member, rule))
}
