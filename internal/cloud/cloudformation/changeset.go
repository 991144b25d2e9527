package cloudformation

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"beanpole/internal/aws"
	"beanpole/internal/cloud/door"
)

// changeSet is a change set's record.
type changeSet struct {
	ID, Name, StackID string
	Type              types.ChangeSetType
	Description       string
	Created           time.Time
	Template          string
	Parameters        map[string]string
	Capabilities      []types.Capability
	Tags              []types.Tag
	Notifications     []string
	OnFailure         types.OnStackFailure
	Status            types.ChangeSetStatus
	Reason            string
	Execution         types.ExecutionStatus
	Changes           []types.Change
}

// CreateChangeSet works out what an update would change. A change set for a
// new stack makes the stack, in review and without resources.
func (s *Service) CreateChangeSet(ctx context.Context, in *cloudformation.CreateChangeSetInput) (*cloudformation.CreateChangeSetOutput, error) {
	if !stackName.MatchString(door.Value(in.ChangeSetName)) {
		return nil, invalid("Value '%s' at 'changeSetName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*", door.Value(in.ChangeSetName))
	}
	if err := refuseRole(in.RoleARN); err != nil {
		return nil, err
	}
	if in.ChangeSetType == types.ChangeSetTypeImport {
		return nil, invalid("beanpole does not carry out change sets of type IMPORT yet")
	}
	st, fresh, err := s.reviewed(ctx, in)
	if err != nil {
		return nil, err
	}
	text := st.Template
	if !door.Value(in.UsePreviousTemplate) {
		if text, err = s.templateText(ctx, in.TemplateBody, in.TemplateURL); err != nil {
			return nil, err
		}
	}
	params, err := given(in.Parameters, st.Parameters)
	if err != nil {
		return nil, err
	}
	c := &changeSet{
		ID:   s.state.ARN("cloudformation", st.Region, "changeSet/"+*in.ChangeSetName+"/"+aws.NewRequestID()),
		Name: *in.ChangeSetName, StackID: st.ID, Type: in.ChangeSetType, Description: door.Value(in.Description), Created: s.now().UTC(),
		Template: text, Parameters: params, Capabilities: in.Capabilities, Tags: in.Tags, Notifications: in.NotificationARNs, OnFailure: in.OnStackFailure,
	}
	if err := s.examine(st, c); err != nil {
		return nil, err
	}
	return &cloudformation.CreateChangeSetOutput{Id: &c.ID, StackId: &st.ID}, s.enterChangeSet(st, c, fresh)
}

// reviewed is the stack that a change set is for; fresh when it is a new one.
func (s *Service) reviewed(ctx context.Context, in *cloudformation.CreateChangeSetInput) (st *stack, fresh bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st = s.find(door.Value(in.StackName))
	if st != nil && s.findChangeSet(*in.ChangeSetName, st) != nil {
		return nil, false, &aws.Error{Code: "AlreadyExistsException", Status: 400, Message: fmt.Sprintf("ChangeSet %s already exists", *in.ChangeSetName)}
	}
	if in.ChangeSetType != types.ChangeSetTypeCreate {
		if st == nil {
			return nil, false, invalid("Stack [%s] does not exist", door.Value(in.StackName))
		}
		if !updatable(st.Status) {
			return nil, false, invalid("Stack:%s is in %s state and can not be updated.", st.ID, st.Status)
		}
		return st, false, nil
	}
	if st != nil && st.Status != types.StackStatusReviewInProgress {
		return nil, false, invalid("Stack [%s] already exists and cannot be created again with the changeSet [%s].", st.Name, *in.ChangeSetName)
	}
	if st == nil {
		st, fresh = s.newStack(ctx, door.Value(in.StackName), ""), true
	}
	return st, fresh, nil
}

// examine fills the change set's outcome.
func (s *Service) examine(st *stack, c *changeSet) error {
	next := *st
	next.Template, next.Parameters, next.Capabilities = c.Template, c.Parameters, c.Capabilities
	t, err := s.admit(&next)
	if err != nil {
		return err
	}
	for _, ch := range s.compare(&next, t) {
		r := &types.ResourceChange{Action: ch.action, LogicalResourceId: door.Given(ch.resource), PhysicalResourceId: door.Given(ch.physical), ResourceType: door.Given(ch.typ)}
		if ch.action == types.ChangeActionModify {
			r.Replacement = types.ReplacementFalse
			if ch.replace {
				r.Replacement = types.ReplacementTrue
			}
		}
		c.Changes = append(c.Changes, types.Change{Type: types.ChangeTypeResource, ResourceChange: r})
	}
	c.Status, c.Execution = types.ChangeSetStatusCreateComplete, types.ExecutionStatusAvailable
	if len(c.Changes) == 0 {
		// Clients look for this text to tell "nothing to do" from a failure.
		c.Status, c.Execution = types.ChangeSetStatusFailed, types.ExecutionStatusUnavailable
		c.Reason = "The submitted information didn't contain changes. Submit different information to create a change set."
	}
	return nil
}

func (s *Service) enterChangeSet(st *stack, c *changeSet, fresh bool) error {
	s.mu.Lock()
	if fresh {
		if s.find(st.Name) != nil { // somebody was quicker
			s.mu.Unlock()
			return &aws.Error{Code: "AlreadyExistsException", Status: 400, Message: fmt.Sprintf("Stack [%s] already exists", st.Name)}
		}
		s.stacks[st.ID] = st
	}
	s.changeSets[c.ID] = c
	err := s.state.Put(changeSetRecords, c.ID, c)
	s.mu.Unlock()
	if err == nil && fresh {
		err = s.finish(st, types.StackStatusReviewInProgress, "User Initiated")
	}
	return err
}

// findChangeSet looks a change set up by ID, or by name in a stack. The
// caller holds mu.
func (s *Service) findChangeSet(nameOrID string, st *stack) *changeSet {
	if c := s.changeSets[nameOrID]; c != nil {
		return c
	}
	for _, c := range s.changeSets {
		if st != nil && c.Name == nameOrID && c.StackID == st.ID {
			return c
		}
	}
	return nil
}

// changeSetOf is the change set that a request names. The caller holds mu.
func (s *Service) changeSetOf(name, stackName *string) (*changeSet, *stack, error) {
	c := s.findChangeSet(door.Value(name), s.find(door.Value(stackName)))
	if c == nil {
		return nil, nil, &aws.Error{Code: "ChangeSetNotFound", Status: 404, Message: fmt.Sprintf("ChangeSet [%s] does not exist", door.Value(name))}
	}
	return c, s.stacks[c.StackID], nil
}

// DescribeChangeSet says what a change set would change.
func (s *Service) DescribeChangeSet(_ context.Context, in *cloudformation.DescribeChangeSetInput) (*cloudformation.DescribeChangeSetOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, st, err := s.changeSetOf(in.ChangeSetName, in.StackName)
	if err != nil {
		return nil, err
	}
	shown := &stack{Template: c.Template, Parameters: c.Parameters}
	return &cloudformation.DescribeChangeSetOutput{
		ChangeSetId: door.Given(c.ID), ChangeSetName: door.Given(c.Name), StackId: door.Given(st.ID), StackName: door.Given(st.Name), Description: door.Given(c.Description),
		CreationTime: door.GivenTime(c.Created), Status: c.Status, StatusReason: door.Given(c.Reason), ExecutionStatus: c.Execution,
		Capabilities: c.Capabilities, Tags: c.Tags, NotificationARNs: c.Notifications, Parameters: shown.shownParameters(),
		Changes: append([]types.Change{}, c.Changes...), OnStackFailure: c.OnFailure,
	}, nil
}

// ExecuteChangeSet carries a change set out.
func (s *Service) ExecuteChangeSet(ctx context.Context, in *cloudformation.ExecuteChangeSetInput) (*cloudformation.ExecuteChangeSetOutput, error) {
	c, st, err := s.takeChangeSet(in)
	if err != nil {
		return nil, err
	}
	next := *st
	next.Template, next.Parameters, next.Capabilities = c.Template, c.Parameters, c.Capabilities
	if c.Tags != nil {
		next.Tags = c.Tags
	}
	t, err := s.admit(&next)
	if err != nil {
		return nil, err
	}
	keep := door.Value(in.DisableRollback) || c.OnFailure == types.OnStackFailureDoNothing
	if st.Status != types.StackStatusReviewInProgress {
		return nil, s.beginUpdate(ctx, st, &next, t, keep)
	}
	s.mu.Lock()
	st.Template, st.Parameters, st.Capabilities, st.Tags, st.Description = next.Template, next.Parameters, next.Capabilities, next.Tags, next.Description
	st.Notifications, st.ChangeSet = c.Notifications, c.ID
	if c.OnFailure != "" {
		st.OnFailure = types.OnFailure(c.OnFailure)
	}
	if keep {
		st.OnFailure = types.OnFailureDoNothing
	}
	s.mu.Unlock()
	if err := s.finish(st, types.StackStatusCreateInProgress, "User Initiated"); err != nil {
		return nil, err
	}
	s.start(ctx, st, func(ctx context.Context) error { return s.create(ctx, st, t) })
	return nil, nil
}

// takeChangeSet marks a change set executed, so that it is not run twice.
func (s *Service) takeChangeSet(in *cloudformation.ExecuteChangeSetInput) (*changeSet, *stack, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, st, err := s.changeSetOf(in.ChangeSetName, in.StackName)
	if err != nil {
		return nil, nil, err
	}
	if c.Execution != types.ExecutionStatusAvailable {
		return nil, nil, &aws.Error{Code: "InvalidChangeSetStatus", Status: 400,
			Message: fmt.Sprintf("ChangeSet [%s] cannot be executed in its current status of [%s]", c.ID, c.Status)}
	}
	c.Execution = types.ExecutionStatusExecuteComplete
	return c, st, s.state.Put(changeSetRecords, c.ID, c)
}

// DeleteChangeSet forgets a change set; one that isn't there is no error.
func (s *Service) DeleteChangeSet(_ context.Context, in *cloudformation.DeleteChangeSetInput) (*cloudformation.DeleteChangeSetOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, _, err := s.changeSetOf(in.ChangeSetName, in.StackName)
	if err != nil {
		return nil, nil
	}
	delete(s.changeSets, c.ID)
	return nil, s.state.Delete(changeSetRecords, c.ID)
}
