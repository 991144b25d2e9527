package cloudformation

import (
	"context"
	"slices"
	"sort"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"beanpole/internal/cfn"
	"beanpole/internal/cloud/door"
)

// pageSize is how many stacks or events one answer holds (general).
const pageSize = 100

// DescribeStacks describes one stack, or all that are not deleted.
func (s *Service) DescribeStacks(_ context.Context, in *cloudformation.DescribeStacksInput) (*cloudformation.DescribeStacksOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if in.StackName != nil {
		st, err := s.existing(in.StackName)
		if err != nil {
			return nil, err
		}
		return &cloudformation.DescribeStacksOutput{Stacks: []types.Stack{st.describe()}}, nil
	}
	out := &cloudformation.DescribeStacksOutput{Stacks: []types.Stack{}}
	for _, st := range s.sorted() {
		if st.Status != types.StackStatusDeleteComplete {
			out.Stacks = append(out.Stacks, st.describe())
		}
	}
	var err error
	out.Stacks, out.NextToken, err = page(out.Stacks, in.NextToken)
	return out, err
}

// page cuts one page out of a list; the token is where the next begins.
func page[T any](list []T, token *string) ([]T, *string, error) {
	from := 0
	if token != nil {
		n, err := strconv.Atoi(*token)
		if err != nil || n < 0 || n > len(list) {
			return nil, nil, invalid("NextToken is not one of these answers'")
		}
		from = n
	}
	if len(list)-from <= pageSize {
		return list[from:], nil, nil
	}
	next := strconv.Itoa(from + pageSize)
	return list[from : from+pageSize], &next, nil
}

func (st *stack) describe() types.Stack {
	off := st.OnFailure == types.OnFailureDoNothing
	protected := st.Protected
	return types.Stack{
		StackId: door.Given(st.ID), StackName: door.Given(st.Name), StackStatus: st.Status, StackStatusReason: door.Given(st.Reason), Description: door.Given(st.Description),
		CreationTime: door.GivenTime(st.Created), LastUpdatedTime: door.GivenTime(st.Updated), DeletionTime: door.GivenTime(st.Deleted),
		Parameters: st.shownParameters(), Outputs: slices.Clone(st.Outputs), Capabilities: slices.Clone(st.Capabilities),
		Tags: append([]types.Tag{}, st.Tags...), NotificationARNs: append([]string{}, st.Notifications...),
		DisableRollback: &off, EnableTerminationProtection: &protected, ChangeSetId: door.Given(st.ChangeSet),
		DriftInformation: &types.StackDriftInformation{StackDriftStatus: types.StackDriftStatusNotChecked},
	}
}

// shownParameters are the parameters in force; NoEcho ones are masked.
func (st *stack) shownParameters() []types.Parameter {
	t, err := cfn.Parse("template", []byte(st.Template))
	if err != nil {
		return nil // a stack under review has none yet
	}
	var out []types.Parameter
	for _, p := range t.Parameters {
		value, ok := st.Parameters[p.Name]
		if !ok {
			value = p.Default.TextOr("")
		}
		if p.NoEcho {
			value = "****"
		}
		out = append(out, types.Parameter{ParameterKey: door.Given(p.Name), ParameterValue: &value})
	}
	sort.Slice(out, func(i, j int) bool { return *out[i].ParameterKey < *out[j].ParameterKey })
	return out
}

// ListStacks lists stacks, deleted ones too.
func (s *Service) ListStacks(_ context.Context, in *cloudformation.ListStacksInput) (*cloudformation.ListStacksOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := &cloudformation.ListStacksOutput{StackSummaries: []types.StackSummary{}}
	for _, st := range s.sorted() {
		if len(in.StackStatusFilter) > 0 && !slices.Contains(in.StackStatusFilter, st.Status) {
			continue
		}
		out.StackSummaries = append(out.StackSummaries, types.StackSummary{
			StackId: door.Given(st.ID), StackName: door.Given(st.Name), StackStatus: st.Status, StackStatusReason: door.Given(st.Reason), TemplateDescription: door.Given(st.Description),
			CreationTime: door.GivenTime(st.Created), LastUpdatedTime: door.GivenTime(st.Updated), DeletionTime: door.GivenTime(st.Deleted),
			DriftInformation: &types.StackDriftInformationSummary{StackDriftStatus: types.StackDriftStatusNotChecked},
		})
	}
	var err error
	out.StackSummaries, out.NextToken, err = page(out.StackSummaries, in.NextToken)
	return out, err
}

// DescribeStackEvents lists a stack's events, newest first.
func (s *Service) DescribeStackEvents(_ context.Context, in *cloudformation.DescribeStackEventsInput) (*cloudformation.DescribeStackEventsOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, err := s.existing(in.StackName)
	if err != nil {
		return nil, err
	}
	events := slices.Clone(s.events[st.ID])
	slices.Reverse(events)
	out := &cloudformation.DescribeStackEventsOutput{}
	out.StackEvents, out.NextToken, err = page(events, in.NextToken)
	return out, err
}

// DescribeStackResource describes one resource with its metadata: this is
// what cfn-init reads.
func (s *Service) DescribeStackResource(_ context.Context, in *cloudformation.DescribeStackResourceInput) (*cloudformation.DescribeStackResourceOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, r, err := s.existingResource(in.StackName, door.Value(in.LogicalResourceId))
	if err != nil {
		return nil, err
	}
	return &cloudformation.DescribeStackResourceOutput{StackResourceDetail: &types.StackResourceDetail{
		StackId: door.Given(st.ID), StackName: door.Given(st.Name), LogicalResourceId: door.Given(r.LogicalID), PhysicalResourceId: door.Given(r.PhysicalID), ResourceType: door.Given(r.Type),
		ResourceStatus: r.Status, ResourceStatusReason: door.Given(r.Reason), LastUpdatedTimestamp: door.GivenTime(r.Updated), Metadata: door.Given(r.Metadata),
		DriftInformation: &types.StackResourceDriftInformation{StackResourceDriftStatus: types.StackResourceDriftStatusNotChecked},
	}}, nil
}

func (s *Service) existingResource(stackName *string, logicalID string) (*stack, *resource, error) {
	st, err := s.existing(stackName)
	if err != nil {
		return nil, nil, invalid("Stack '%s' does not exist", door.Value(stackName))
	}
	if r := st.resource(logicalID); r != nil {
		return st, r, nil
	}
	return nil, nil, invalid("Resource %s does not exist for stack %s", logicalID, st.Name)
}

// DescribeStackResources lists a stack's resources.
func (s *Service) DescribeStackResources(_ context.Context, in *cloudformation.DescribeStackResourcesInput) (*cloudformation.DescribeStackResourcesOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, err := s.stackByPhysical(in)
	if err != nil {
		return nil, err
	}
	out := &cloudformation.DescribeStackResourcesOutput{StackResources: []types.StackResource{}}
	for _, r := range st.Resources {
		if in.LogicalResourceId != nil && *in.LogicalResourceId != r.LogicalID {
			continue
		}
		out.StackResources = append(out.StackResources, types.StackResource{
			StackId: door.Given(st.ID), StackName: door.Given(st.Name), LogicalResourceId: door.Given(r.LogicalID), PhysicalResourceId: door.Given(r.PhysicalID), ResourceType: door.Given(r.Type),
			ResourceStatus: r.Status, ResourceStatusReason: door.Given(r.Reason), Timestamp: door.GivenTime(r.Updated),
			DriftInformation: &types.StackResourceDriftInformation{StackResourceDriftStatus: types.StackResourceDriftStatusNotChecked},
		})
	}
	if in.LogicalResourceId != nil && len(out.StackResources) == 0 {
		return nil, invalid("Resource %s does not exist for stack %s", *in.LogicalResourceId, st.Name)
	}
	return out, nil
}

// stackByPhysical is the stack named, or the one that a physical ID belongs to.
func (s *Service) stackByPhysical(in *cloudformation.DescribeStackResourcesInput) (*stack, error) {
	if in.PhysicalResourceId == nil {
		st, err := s.existing(in.StackName)
		if err != nil {
			return nil, invalid("Stack with id %s does not exist", door.Value(in.StackName))
		}
		return st, nil
	}
	for _, st := range s.sorted() {
		for _, r := range st.Resources {
			if r.PhysicalID == *in.PhysicalResourceId && st.Status != types.StackStatusDeleteComplete {
				return st, nil
			}
		}
	}
	return nil, invalid("Stack for %s does not exist", *in.PhysicalResourceId)
}

// ListStackResources is DescribeStackResources in pages.
func (s *Service) ListStackResources(_ context.Context, in *cloudformation.ListStackResourcesInput) (*cloudformation.ListStackResourcesOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, err := s.existing(in.StackName)
	if err != nil {
		return nil, err
	}
	list := []types.StackResourceSummary{}
	for _, r := range st.Resources {
		list = append(list, types.StackResourceSummary{
			LogicalResourceId: door.Given(r.LogicalID), PhysicalResourceId: door.Given(r.PhysicalID), ResourceType: door.Given(r.Type), ResourceStatus: r.Status,
			ResourceStatusReason: door.Given(r.Reason), LastUpdatedTimestamp: door.GivenTime(r.Updated),
			DriftInformation: &types.StackResourceDriftInformationSummary{StackResourceDriftStatus: types.StackResourceDriftStatusNotChecked},
		})
	}
	out := &cloudformation.ListStackResourcesOutput{}
	out.StackResourceSummaries, out.NextToken, err = page(list, in.NextToken)
	return out, err
}
