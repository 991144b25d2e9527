package cloudformation

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"beanpole/internal/cloud/door"
)

// signalRow lets an instance signal resources of its own stack, as cfn-signal
// does with the instance's identity document.
func (s *Service) signalRow() door.Row {
	row := op("SignalResource", stackOf(s, func(in *cloudformation.SignalResourceInput) *string { return in.StackName }), s.SignalResource)
	return door.ForInstance(row, func(_ context.Context, in *cloudformation.SignalResourceInput, id string) bool {
		return s.belongs(id, deref(in.StackName))
	})
}

// SignalResource takes no signal: nothing here waits for one, since creation
// policies are not carried out, and a resource that is made is not to be
// signaled on AWS either (general).
func (s *Service) SignalResource(_ context.Context, in *cloudformation.SignalResourceInput) (*cloudformation.SignalResourceOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, err := s.existing(in.StackName)
	if err != nil {
		return nil, err
	}
	r := st.resource(deref(in.LogicalResourceId))
	switch {
	case r == nil:
		return nil, invalid("Resource %s does not exist for stack %s", deref(in.LogicalResourceId), st.Name)
	case in.Status != "SUCCESS" && in.Status != "FAILURE":
		return nil, invalid("1 validation error detected: Value '%s' at 'status' failed to satisfy constraint: Member must satisfy enum value set: [SUCCESS, FAILURE]", in.Status)
	}
	return nil, invalid("Resource %s is in %s state and cannot be signaled", r.LogicalID, r.Status)
}
