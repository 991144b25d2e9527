package cloudformation

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"beanpole/internal/cloud/door"
)

// Rows are the operations with their actions and resources
// [service authorization reference: AWS CloudFormation].
func (s *Service) Rows() []door.Row {
	detail := op("DescribeStackResource", stackOf(s, func(in *cloudformation.DescribeStackResourceInput) *string { return in.StackName }), s.DescribeStackResource)
	return []door.Row{
		op("CreateStack", stackOf(s, func(in *cloudformation.CreateStackInput) *string { return in.StackName }), s.CreateStack),
		op("UpdateStack", stackOf(s, func(in *cloudformation.UpdateStackInput) *string { return in.StackName }), s.UpdateStack),
		op("DeleteStack", stackOf(s, func(in *cloudformation.DeleteStackInput) *string { return in.StackName }), s.DeleteStack),
		op("DescribeStacks", stackOf(s, func(in *cloudformation.DescribeStacksInput) *string { return in.StackName }), s.DescribeStacks),
		op("DescribeStackEvents", stackOf(s, func(in *cloudformation.DescribeStackEventsInput) *string { return in.StackName }), s.DescribeStackEvents),
		door.ForInstance(detail, func(_ context.Context, in *cloudformation.DescribeStackResourceInput, id string) bool {
			return s.belongs(id, door.Value(in.StackName))
		}),
		s.signalRow(),
		op("DescribeStackResources", stackOf(s, func(in *cloudformation.DescribeStackResourcesInput) *string { return in.StackName }), s.DescribeStackResources),
		op("ListStackResources", stackOf(s, func(in *cloudformation.ListStackResourcesInput) *string { return in.StackName }), s.ListStackResources),
		op("GetTemplate", stackOf(s, func(in *cloudformation.GetTemplateInput) *string { return in.StackName }), s.GetTemplate),
		op("GetTemplateSummary", stackOf(s, func(in *cloudformation.GetTemplateSummaryInput) *string { return in.StackName }), s.GetTemplateSummary),
		op("ValidateTemplate", nil, s.ValidateTemplate),
		op("ListStacks", nil, s.ListStacks),
		op("CreateChangeSet", stackOf(s, func(in *cloudformation.CreateChangeSetInput) *string { return in.StackName }), s.CreateChangeSet),
		op("DescribeChangeSet", stackOf(s, func(in *cloudformation.DescribeChangeSetInput) *string { return in.StackName }), s.DescribeChangeSet),
		op("ExecuteChangeSet", stackOf(s, func(in *cloudformation.ExecuteChangeSetInput) *string { return in.StackName }), s.ExecuteChangeSet),
		op("DeleteChangeSet", stackOf(s, func(in *cloudformation.DeleteChangeSetInput) *string { return in.StackName }), s.DeleteChangeSet),
	}
}

func op[I, O any](name string, resource func(context.Context, *I) string, h func(context.Context, *I) (*O, error)) door.Row {
	return door.Op("cloudformation", name, "cloudformation:"+name, resource, h)
}

// stackOf is the ARN of the stack that a request names. One that is not there
// (yet) has the ARN that a policy can name: stack/NAME/*.
func stackOf[I any](s *Service, name func(*I) *string) func(context.Context, *I) string {
	return func(ctx context.Context, in *I) string {
		n := door.Value(name(in))
		if n == "" {
			return "*"
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if st := s.find(n); st != nil {
			return st.ID
		}
		return s.stackARN(s.regionOf(ctx), nameOf(n), "*")
	}
}

// belongs reports whether an instance is one of a stack's.
func (s *Service) belongs(instanceID, stackName string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.find(stackName)
	return st != nil && s.instances[instanceID] == st.ID
}
