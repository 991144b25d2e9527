package cloudformation

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"beanpole/internal/cfn"
	"beanpole/internal/cloud/door"
	"beanpole/internal/source"
)

// UpdateStack begins an update and answers at once.
func (s *Service) UpdateStack(ctx context.Context, in *cloudformation.UpdateStackInput) (*cloudformation.UpdateStackOutput, error) {
	s.mu.Lock()
	st, err := s.existing(in.StackName)
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	text := st.Template
	if !door.Value(in.UsePreviousTemplate) {
		if text, err = s.templateText(ctx, in.TemplateBody, in.TemplateURL); err != nil {
			return nil, err
		}
	}
	if err := refuseRole(in.RoleARN); err != nil {
		return nil, err
	}
	next, err := s.successor(st, text, in.Parameters, in.Capabilities, in.Tags)
	if err != nil {
		return nil, err
	}
	t, err := s.admit(next)
	if err != nil {
		return nil, err
	}
	if changes := s.compare(next, t); len(changes) == 0 {
		return nil, invalid("No updates are to be performed.")
	}
	if err := s.beginUpdate(ctx, st, next, t, door.Value(in.DisableRollback)); err != nil {
		return nil, err
	}
	return &cloudformation.UpdateStackOutput{StackId: &st.ID}, nil
}

// successor is what a stack would be after an update: new template and
// parameters over the same resources.
func (s *Service) successor(st *stack, text string, ps []types.Parameter, capabilities []types.Capability, tags []types.Tag) (*stack, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !updatable(st.Status) {
		return nil, invalid("Stack:%s is in %s state and can not be updated.", st.ID, st.Status)
	}
	next := *st
	next.Template, next.Capabilities = text, capabilities
	if tags != nil {
		next.Tags = tags
	}
	var err error
	next.Parameters, err = given(ps, st.Parameters)
	return &next, err
}

func updatable(status types.StackStatus) bool {
	switch status {
	case types.StackStatusCreateComplete, types.StackStatusUpdateComplete, types.StackStatusUpdateRollbackComplete, types.StackStatusUpdateFailed:
		return true
	}
	return false
}

// change is one difference between a stack and its successor.
type change struct {
	action   types.ChangeAction
	resource string
	typ      string
	physical string
	replace  bool
}

// compare lists what an update would change. What can't be told before other
// resources are made counts as a change.
func (s *Service) compare(next *stack, t *cfn.Template) []change {
	var out []change
	order, err := t.Order(s.env(next))
	if err != nil {
		return nil // refused before
	}
	for _, id := range order {
		typ := declaredType(t, id)
		now := next.resource(id)
		switch {
		case now == nil || now.Status == types.ResourceStatusDeleteComplete:
			out = append(out, change{action: types.ChangeActionAdd, resource: id, typ: typ})
		case now.Type != typ:
			out = append(out, change{types.ChangeActionModify, id, typ, now.PhysicalID, true})
		default:
			if d := s.difference(next, t, now); d != same {
				out = append(out, change{types.ChangeActionModify, id, typ, now.PhysicalID, d == replacing})
			}
		}
	}
	for _, r := range next.Resources {
		if !slices.Contains(order, r.LogicalID) && r.Status != types.ResourceStatusDeleteComplete {
			out = append(out, change{action: types.ChangeActionRemove, resource: r.LogicalID, typ: r.Type, physical: r.PhysicalID})
		}
	}
	return out
}

type difference int

const (
	same difference = iota
	metadataOnly
	inPlace
	replacing
)

// difference is how a resource would change.
func (s *Service) difference(next *stack, t *cfn.Template, now *resource) difference {
	will := &resource{Type: now.Type}
	res, why := s.resolve(next, t, now.LogicalID, will)
	if why != "" {
		return inPlace
	}
	if will.Properties == now.Properties {
		if will.Metadata == now.Metadata {
			return same
		}
		return metadataOnly
	}
	k, _ := kindOf(now.Type)
	old, err := source.ParseJSON("", []byte(now.Properties))
	if err != nil || k.update == nil {
		return replacing
	}
	for _, name := range k.replace {
		if jsonOf(old.Get(name)) != jsonOf(res.Properties.Get(name)) {
			return replacing
		}
	}
	return inPlace
}

func jsonOf(n *source.Node) string {
	if n == nil {
		return ""
	}
	return string(n.JSON())
}

// beginUpdate puts the successor's template in force and starts the update.
func (s *Service) beginUpdate(ctx context.Context, st, next *stack, t *cfn.Template, keep bool) error {
	s.mu.Lock()
	if !updatable(st.Status) && st.Status != types.StackStatusReviewInProgress {
		s.mu.Unlock()
		return invalid("Stack:%s is in %s state and can not be updated.", st.ID, st.Status)
	}
	before := *st
	before.Resources = nil
	for _, r := range st.Resources {
		was := *r
		before.Resources = append(before.Resources, &was)
	}
	st.Template, st.Parameters, st.Capabilities, st.Tags, st.Description = next.Template, next.Parameters, next.Capabilities, next.Tags, next.Description
	st.Status = types.StackStatusUpdateInProgress
	s.mu.Unlock()
	if err := s.finish(st, types.StackStatusUpdateInProgress, "User Initiated"); err != nil {
		return err
	}
	u := &update{s: s, st: st, before: &before, keep: keep}
	s.start(ctx, st, func(ctx context.Context) error { return u.run(ctx, t) })
	return nil
}

// update is an update on its way.
type update struct {
	s      *Service
	st     *stack
	before *stack
	keep   bool        // DisableRollback
	olds   []*resource // replaced, to be deleted at the end
	undo   []func(context.Context) error
}

func (u *update) run(ctx context.Context, t *cfn.Template) error {
	order, err := t.Order(u.s.env(u.st))
	if err != nil {
		return err
	}
	for _, id := range order {
		if err := ctx.Err(); err != nil {
			return err
		}
		ok, err := u.bring(ctx, t, id)
		if err != nil {
			return err
		}
		if !ok {
			return u.failed(ctx, fmt.Sprintf("The following resource(s) failed to update: [%s]. ", id))
		}
	}
	if why, err := u.s.outputs(u.st, t); err != nil {
		return err
	} else if why != "" {
		return u.failed(ctx, why)
	}
	return u.cleanUp(ctx, order)
}

// bring makes one resource what the new template says.
func (u *update) bring(ctx context.Context, t *cfn.Template, id string) (ok bool, err error) {
	now := u.st.resource(id)
	if now != nil && now.Status == types.ResourceStatusDeleteComplete {
		u.forget(now)
		now = nil
	}
	if now == nil {
		ok, err := u.s.createResource(ctx, u.st, t, id, nil)
		made := u.st.resource(id)
		u.undo = append(u.undo, func(ctx context.Context) error {
			defer u.forget(made)
			return u.take(ctx, made)
		})
		return ok, err
	}
	d := replacing
	if now.Type == declaredType(t, id) {
		d = u.s.difference(u.st, t, now)
	}
	switch d {
	case same:
		return true, nil
	case replacing:
		return u.replace(ctx, t, now)
	}
	return u.change(ctx, t, now, d)
}

// replace makes a new resource beside the old one, which goes at the end.
func (u *update) replace(ctx context.Context, t *cfn.Template, old *resource) (ok bool, err error) {
	u.forget(old)
	ok, err = u.s.createResource(ctx, u.st, t, old.LogicalID, nil)
	made := u.st.resource(old.LogicalID)
	u.undo = append(u.undo, func(ctx context.Context) error {
		err := u.take(ctx, made)
		u.forget(made)
		u.s.mu.Lock()
		defer u.s.mu.Unlock()
		u.st.Resources = append(u.st.Resources, old)
		u.olds = slices.DeleteFunc(u.olds, func(r *resource) bool { return r == old })
		return err
	})
	u.olds = append(u.olds, old)
	return ok, err
}

// take deletes a resource that the update had made.
func (u *update) take(ctx context.Context, r *resource) error {
	_, err := u.s.remove(ctx, u.st, r, false)
	return err
}

func (u *update) forget(r *resource) {
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	u.st.Resources = slices.DeleteFunc(u.st.Resources, func(x *resource) bool { return x == r })
}

// change changes a resource in place.
func (u *update) change(ctx context.Context, t *cfn.Template, r *resource, d difference) (ok bool, err error) {
	was, will := *r, &resource{}
	res, why := u.s.resolve(u.st, t, r.LogicalID, will)
	if err := u.s.mark(u.st, r, types.ResourceStatusUpdateInProgress, ""); err != nil {
		return false, err
	}
	if why != "" {
		return false, u.s.mark(u.st, r, types.ResourceStatusUpdateFailed, why)
	}
	u.set(r, will)
	if d == inPlace {
		u.undo = append(u.undo, func(ctx context.Context) error { return u.revert(ctx, r, &was) })
		if why, err := u.apply(ctx, r, res.Properties, was.Properties); err != nil || why != "" {
			if err != nil {
				return false, err
			}
			return false, u.s.mark(u.st, r, types.ResourceStatusUpdateFailed, why)
		}
	} else {
		u.undo = append(u.undo, func(context.Context) error { u.set(r, &was); return nil })
	}
	return true, u.s.mark(u.st, r, types.ResourceStatusUpdateComplete, "")
}

// apply has the handler bring the resource from old to props.
func (u *update) apply(ctx context.Context, r *resource, props *source.Node, oldJSON string) (why string, err error) {
	k, known := kindOf(r.Type)
	if !known || k.update == nil {
		return fmt.Sprintf("beanpole cannot update a resource of type %s yet", r.Type), nil
	}
	q := u.s.request(ctx, u.st, r, props)
	if q.old, err = source.ParseJSON("", []byte(oldJSON)); err != nil {
		return "", fmt.Errorf("read the properties of %s: %w", r.LogicalID, err)
	}
	m, err := k.update(q)
	if err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		return reasonOf(err), nil
	}
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	r.Attributes = m.attributes
	return "", nil
}

// revert brings a resource back to what it was.
func (u *update) revert(ctx context.Context, r, was *resource) error {
	props, err := source.ParseJSON("", []byte(was.Properties))
	if err != nil {
		return fmt.Errorf("read the properties of %s: %w", r.LogicalID, err)
	}
	if err := u.s.mark(u.st, r, types.ResourceStatusUpdateInProgress, ""); err != nil {
		return err
	}
	why, err := u.apply(ctx, r, props, r.Properties)
	if err != nil {
		return err
	}
	u.set(r, was)
	if why != "" {
		return u.s.mark(u.st, r, types.ResourceStatusUpdateFailed, why)
	}
	return u.s.mark(u.st, r, types.ResourceStatusUpdateComplete, "")
}

func (u *update) set(r, to *resource) {
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	r.Properties, r.Metadata, r.DependsOn, r.Retain = to.Properties, to.Metadata, to.DependsOn, to.Retain
}

// failed rolls the update back, last change first.
func (u *update) failed(ctx context.Context, reason string) error {
	if u.keep {
		return u.s.finish(u.st, types.StackStatusUpdateFailed, strings.TrimSpace(reason))
	}
	if err := u.s.finish(u.st, types.StackStatusUpdateRollbackInProgress, reason); err != nil {
		return err
	}
	for i := len(u.undo) - 1; i >= 0; i-- {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := u.undo[i](ctx); err != nil {
			return err
		}
	}
	u.s.mu.Lock()
	u.st.Template, u.st.Parameters, u.st.Outputs = u.before.Template, u.before.Parameters, u.before.Outputs
	u.s.mu.Unlock()
	return u.s.finish(u.st, types.StackStatusUpdateRollbackComplete, "")
}

// cleanUp deletes what was replaced and what the template holds no more. What
// can't be deleted is left behind, and the update is complete all the same
// (general).
func (u *update) cleanUp(ctx context.Context, order []string) error {
	if err := u.s.finish(u.st, types.StackStatusUpdateCompleteCleanupInProgress, ""); err != nil {
		return err
	}
	olds := append([]*resource(nil), u.olds...)
	for _, r := range u.st.Resources {
		if !slices.Contains(order, r.LogicalID) && r.Status != types.ResourceStatusDeleteComplete {
			olds = append(olds, r)
		}
	}
	for i := len(olds) - 1; i >= 0; i-- {
		r := olds[i]
		current := u.st.resource(r.LogicalID)
		if _, err := u.s.remove(ctx, u.st, r, r.Retain); err != nil {
			return err
		}
		if current == r {
			u.forget(r)
		}
	}
	return u.s.finish(u.st, types.StackStatusUpdateComplete, "")
}
