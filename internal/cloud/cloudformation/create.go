package cloudformation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"beanpole/internal/aws"
	"beanpole/internal/cfn"
	"beanpole/internal/cloud/door"
	"beanpole/internal/lazyregexp"
)

var stackName = lazyregexp.New(`^[a-zA-Z][-a-zA-Z0-9]{0,127}$`)

// CreateStack begins a stack and answers at once.
func (s *Service) CreateStack(ctx context.Context, in *cloudformation.CreateStackInput) (*cloudformation.CreateStackOutput, error) {
	text, err := s.templateText(ctx, in.TemplateBody, in.TemplateURL)
	if err != nil {
		return nil, err
	}
	st := s.newStack(ctx, door.Value(in.StackName), text)
	st.Capabilities, st.Tags, st.Notifications = in.Capabilities, in.Tags, in.NotificationARNs
	st.Protected = door.Value(in.EnableTerminationProtection)
	if st.OnFailure, err = onFailure(in.OnFailure, in.DisableRollback); err != nil {
		return nil, err
	}
	if st.Parameters, err = given(in.Parameters, nil); err != nil {
		return nil, err
	}
	if err := refuseRole(in.RoleARN); err != nil {
		return nil, err
	}
	t, err := s.admit(st)
	if err != nil {
		return nil, err
	}
	if err := s.enter(st); err != nil {
		return nil, err
	}
	if err := s.finish(st, types.StackStatusCreateInProgress, "User Initiated"); err != nil {
		return nil, err
	}
	s.start(ctx, st, func(ctx context.Context) error { return s.create(ctx, st, t) })
	return &cloudformation.CreateStackOutput{StackId: &st.ID}, nil
}

func (s *Service) newStack(ctx context.Context, name, text string) *stack {
	region := s.regionOf(ctx)
	return &stack{
		ID: s.stackARN(region, name, aws.NewRequestID()), Name: name, Region: region,
		Template: text, Created: s.now().UTC(), OnFailure: types.OnFailureRollback,
	}
}

// admit checks all that AWS checks before it makes anything.
func (s *Service) admit(st *stack) (*cfn.Template, error) {
	if !stackName.MatchString(st.Name) {
		return nil, invalid("1 validation error detected: Value '%s' at 'stackName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*", st.Name)
	}
	t, err := parseTemplate(st.Template)
	if err != nil {
		return nil, err
	}
	st.Description = t.Root.Get("Description").TextOr("")
	if err := s.checkTemplate(t, st); err != nil {
		return nil, err
	}
	return t, checkCapabilities(t, st.Capabilities)
}

// enter makes a new stack known, unless its name is taken.
func (s *Service) enter(st *stack) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.find(st.Name) != nil {
		return &aws.Error{Code: "AlreadyExistsException", Status: 400, Message: fmt.Sprintf("Stack [%s] already exists", st.Name)}
	}
	s.stacks[st.ID] = st
	return s.save(st)
}

// onFailure is what to do when a creation fails.
func onFailure(f types.OnFailure, disableRollback *bool) (types.OnFailure, error) {
	switch {
	case f != "" && disableRollback != nil:
		return "", invalid("Only one of OnFailure and DisableRollback may be specified.")
	case f != "":
		return f, nil
	case door.Value(disableRollback):
		return types.OnFailureDoNothing, nil
	}
	return types.OnFailureRollback, nil
}

// refuseRole says what is not there yet: calls in the name of a service role.
func refuseRole(arn *string) error {
	if arn == nil {
		return nil
	}
	return invalid("beanpole does not carry out stacks in the name of a service role (RoleARN) yet; leave it out, and the calls are made in your own name")
}

// given are a request's parameters; one with UsePreviousValue takes before's.
func given(ps []types.Parameter, before map[string]string) (map[string]string, error) {
	out := map[string]string{}
	for _, p := range ps {
		name := door.Value(p.ParameterKey)
		if door.Value(p.UsePreviousValue) {
			if v, ok := before[name]; ok {
				out[name] = v
			}
			continue
		}
		if p.ParameterValue == nil {
			return nil, invalid("Parameter %s must have a value", name)
		}
		out[name] = *p.ParameterValue
	}
	return out, nil
}

// create makes the stack's resources in order.
func (s *Service) create(ctx context.Context, st *stack, t *cfn.Template) error {
	ok, err := s.createAll(ctx, st, t)
	if err != nil {
		return err
	}
	if !ok {
		return s.createFailed(ctx, st, fmt.Sprintf("The following resource(s) failed to create: [%s]. ", strings.Join(s.notCreated(st), ", ")))
	}
	why, err := s.outputs(st, t)
	switch {
	case err != nil:
		return err
	case why != "":
		return s.createFailed(ctx, st, why)
	}
	return s.finish(st, types.StackStatusCreateComplete, "")
}

// notCreated are the resources that could not be made, cancelled ones too.
func (s *Service) notCreated(st *stack) (ids []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range st.Resources {
		if r.Status == types.ResourceStatusCreateFailed {
			ids = append(ids, r.LogicalID)
		}
	}
	return ids
}

// createAll is create without the end: ok is false when a resource could not be
// made; the error is ours, or of an operation cut short. What waits for signals
// holds up those alone that depend on it.
func (s *Service) createAll(ctx context.Context, st *stack, t *cfn.Template) (ok bool, err error) {
	order, err := t.Order(s.env(st))
	if err != nil {
		return false, err
	}
	w := s.waiting(ctx, st, len(order))
	defer func() { err = errors.Join(err, w.stop()) }()
	for len(order) > 0 {
		var behind []string // resources that wait, or that depend on one
		for _, id := range order {
			if err := ctx.Err(); err != nil {
				return false, err
			}
			if len(w.ends) > 0 {
				after, err := s.after(st, t, id, w, behind)
				if err != nil {
					return false, err
				}
				if after {
					behind = append(behind, id)
					continue
				}
			}
			if ok, err := s.createResource(ctx, st, t, id, w); err != nil || !ok {
				return false, err
			}
		}
		if order = behind; len(order) > 0 {
			if ok, err := w.next(); err != nil || !ok {
				return false, err
			}
		}
	}
	return w.all()
}

// after reports whether a resource depends on one that waits for signals, or
// that is itself behind such a one.
func (s *Service) after(st *stack, t *cfn.Template, id string, w *waiting, behind []string) (bool, error) {
	on, err := t.Dependencies(s.env(st), id)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(on, func(d string) bool { return w.waits(d) || slices.Contains(behind, d) }), nil
}

// createFailed does what the stack's OnFailure says.
func (s *Service) createFailed(ctx context.Context, st *stack, reason string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if st.OnFailure == types.OnFailureDoNothing {
		return s.finish(st, types.StackStatusCreateFailed, reason)
	}
	doing, done, undone := types.StackStatusRollbackInProgress, types.StackStatusRollbackComplete, types.StackStatusRollbackFailed
	if st.OnFailure == types.OnFailureDelete {
		doing, done, undone = types.StackStatusDeleteInProgress, types.StackStatusDeleteComplete, types.StackStatusDeleteFailed
	}
	if err := s.finish(st, doing, reason+strings.TrimPrefix("Rollback requested by user.", " ")); err != nil {
		return err
	}
	return s.removeAll(ctx, st, nil, done, undone)
}

// outputs works the outputs out; why is a text for people when that fails.
func (s *Service) outputs(st *stack, t *cfn.Template) (why string, err error) {
	outs, err := t.Outputs(s.env(st))
	if err != nil {
		return "Output could not be resolved: " + reasonOf(err) + ". ", nil
	}
	var list []types.Output
	for _, o := range outs {
		text := o.Value.TextOr("")
		if missing := unresolved(o.Value); missing != "" {
			return fmt.Sprintf("Output %s: %s. ", o.Name, missing), nil
		}
		list = append(list, types.Output{OutputKey: door.Given(o.Name), OutputValue: &text, Description: door.Given(o.Description), ExportName: door.Given(o.ExportName)})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st.Outputs = list
	return "", s.save(st)
}
