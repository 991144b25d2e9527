package cloudformation

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"beanpole/internal/cloud/door"
)

// DeleteStack begins a deletion and answers at once; a stack that isn't there
// is no error. A deletion ends any other operation on the stack first.
func (s *Service) DeleteStack(ctx context.Context, in *cloudformation.DeleteStackInput) (*cloudformation.DeleteStackOutput, error) {
	if door.Value(in.StackName) == "" {
		return nil, invalid("StackName is required")
	}
	s.mu.Lock()
	st := s.find(*in.StackName)
	deleting := st != nil && (st.Status == types.StackStatusDeleteInProgress || st.Status == types.StackStatusDeleteComplete)
	s.mu.Unlock()
	if st == nil || deleting {
		return &cloudformation.DeleteStackOutput{}, nil
	}
	if st.Protected {
		return nil, invalid("Stack [%s] cannot be deleted while TerminationProtection is enabled", st.Name)
	}
	if err := refuseRole(in.RoleARN); err != nil {
		return nil, err
	}
	if err := s.stop(ctx, st); err != nil {
		return nil, err
	}
	if err := s.finish(st, types.StackStatusDeleteInProgress, "User Initiated"); err != nil {
		return nil, err
	}
	s.start(ctx, st, func(ctx context.Context) error {
		return s.removeAll(ctx, st, in.RetainResources, types.StackStatusDeleteComplete, types.StackStatusDeleteFailed)
	})
	return &cloudformation.DeleteStackOutput{}, nil
}
