package cloudformation

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"beanpole/internal/aws"
	"beanpole/internal/cfn"
	"beanpole/internal/cloud/door"
	"beanpole/internal/fact"
	"beanpole/internal/source"
)

// operation is the one that works on a stack.
type operation struct {
	cancel context.CancelFunc
	done   chan struct{}
}

// start carries an operation on in the background, in the caller's name. An
// error of ours makes the stack failed; one cut short by a deletion or by
// Close leaves the stack to them.
func (s *Service) start(ctx context.Context, st *stack, f func(context.Context) error) {
	work, cancel := context.WithCancel(door.WithCaller(s.ctx, door.CallerOf(ctx)))
	op := &operation{cancel: cancel, done: make(chan struct{})}
	s.mu.Lock()
	st.op = op
	s.mu.Unlock()
	s.work.Add(1)
	go func() {
		defer s.work.Done()
		defer close(op.done)
		defer cancel()
		if err := f(work); err != nil && work.Err() == nil {
			// Storing the failure may fail for the same reason; then the next
			// start finds the stack in progress and makes it failed.
			_ = s.finish(st, types.StackStatus(failedFrom(string(st.Status))), reasonOf(err))
		}
	}()
}

// stop ends the operation on a stack, if there is one, and waits for it.
func (s *Service) stop(ctx context.Context, st *stack) error {
	s.mu.Lock()
	op := st.op
	s.mu.Unlock()
	if op == nil {
		return nil
	}
	op.cancel()
	select {
	case <-op.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// createResource makes one resource. ok is false when it could not be made;
// the reason is then in its record. The error is ours. One that needs signals
// waits for them with the others in beside or, without it, here.
func (s *Service) createResource(ctx context.Context, st *stack, t *cfn.Template, logicalID string, beside *waiting) (ok bool, err error) {
	r := &resource{LogicalID: logicalID, Type: declaredType(t, logicalID)}
	res, why := s.resolve(st, t, logicalID, r)
	if err := s.mark(st, r, types.ResourceStatusCreateInProgress, ""); err != nil {
		return false, err
	}
	k, known := kindOf(r.Type)
	switch {
	case why != "":
		return false, s.mark(st, r, types.ResourceStatusCreateFailed, why)
	case !known:
		return false, s.mark(st, r, types.ResourceStatusCreateFailed, fmt.Sprintf("beanpole cannot make a resource of type %s yet", r.Type))
	}
	q := s.request(ctx, st, r, res.Properties)
	m, err := k.create(q)
	if err != nil {
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		return false, s.mark(st, r, types.ResourceStatusCreateFailed, reasonOf(err))
	}
	if err := q.initiated(m.physical); err != nil {
		return false, err
	}
	s.mu.Lock()
	r.Attributes = m.attributes
	s.mu.Unlock()
	on, err := s.waitOf(st, r, res.Properties, res.Creation)
	switch {
	case err != nil:
		return false, s.mark(st, r, types.ResourceStatusCreateFailed, reasonOf(err))
	case on == nil:
		return true, s.mark(st, r, types.ResourceStatusCreateComplete, noteOn(r))
	}
	if err := s.announce(st, r, on); err != nil {
		return false, err
	}
	if beside == nil {
		return s.await(ctx, st, r, on)
	}
	beside.start(r, on)
	return true, nil
}

// resolve works a resource's properties and metadata out; why is a text for
// people when that fails.
func (s *Service) resolve(st *stack, t *cfn.Template, logicalID string, r *resource) (res *cfn.Resource, why string) {
	res, err := t.Resource(s.env(st), logicalID)
	if err != nil {
		return nil, reasonOf(err)
	}
	if isRecord(res.Type) && res.Properties != nil {
		// At most Network reads a record's properties, so that one that is not
		// known here, like the region's zones, may stay a name.
		r.unknown = unresolved(res.Properties)
		if k, _ := kindOf(res.Type); k.named(res.Properties) != "" {
			return nil, k.named(res.Properties)
		}
		res.Properties = res.Properties.Clone()
		walk(res.Properties, func(text *string) { *text = fact.Show(*text) })
	}
	if missing := unresolved(res.Properties); missing != "" {
		return nil, missing
	}
	if missing := unresolved(res.Metadata); missing != "" {
		return nil, missing
	}
	if missing := unresolved(res.Creation); missing != "" {
		return nil, missing
	}
	if res.Properties == nil {
		res.Properties = source.NewMap(res.Pos)
	}
	r.Properties, r.Metadata, r.DependsOn = string(res.Properties.JSON()), "", res.DependsOn
	if res.Metadata != nil {
		r.Metadata = string(worded(res.Metadata).JSON())
	}
	r.Retain = res.Declared.Node.Get("DeletionPolicy").TextOr("") == "Retain"
	return res, ""
}

// unresolved says which part of a value is not known here, "" for none.
func unresolved(n *source.Node) string {
	if n == nil {
		return ""
	}
	var names []string
	walk(n, func(text *string) { names = append(names, fact.Missing(*text)...) })
	if len(names) == 0 {
		return ""
	}
	return "beanpole does not know the value of " + strings.Join(names, ", ")
}

// walk calls f with every text in n, keys too.
func walk(n *source.Node, f func(*string)) {
	if n.IsScalar() {
		f(&n.Text)
	}
	for _, it := range n.Items {
		walk(it, f)
	}
	for _, fl := range n.Fields {
		f(&fl.Key.Text)
		walk(fl.Value, f)
	}
}

func declaredType(t *cfn.Template, logicalID string) string {
	for _, r := range t.Resources {
		if r.LogicalID == logicalID {
			return r.Type
		}
	}
	return ""
}

// removeAll deletes the stack's resources, last made first, and ends the
// stack with done, or with undone when one could not be deleted.
func (s *Service) removeAll(ctx context.Context, st *stack, retain []string, done, undone types.StackStatus) error {
	var failed []string
	kept := map[string]bool{} // resources that another one, still there, stands on
	list := append([]*resource(nil), st.Resources...)
	for i := len(list) - 1; i >= 0; i-- {
		if err := ctx.Err(); err != nil {
			return err
		}
		r := list[i]
		if r.Status == types.ResourceStatusDeleteComplete || r.Status == types.ResourceStatusDeleteSkipped || kept[r.LogicalID] {
			continue
		}
		ok, err := s.remove(ctx, st, r, r.Retain && done == types.StackStatusDeleteComplete || contains(retain, r.LogicalID))
		if err != nil {
			return err
		}
		if !ok {
			failed = append(failed, r.LogicalID)
			keep(list, r, kept)
		}
	}
	if len(failed) > 0 {
		return s.finish(st, undone, fmt.Sprintf("The following resource(s) failed to delete: [%s]. ", strings.Join(failed, ", ")))
	}
	return s.finish(st, done, "")
}

// keep notes what r stands on, directly or not.
func keep(list []*resource, r *resource, kept map[string]bool) {
	for _, id := range r.DependsOn {
		if kept[id] {
			continue
		}
		kept[id] = true
		for _, below := range list {
			if below.LogicalID == id {
				keep(list, below, kept)
			}
		}
	}
}

// remove deletes one resource. ok is false when it could not be deleted.
func (s *Service) remove(ctx context.Context, st *stack, r *resource, skip bool) (ok bool, err error) {
	if skip {
		return true, s.mark(st, r, types.ResourceStatusDeleteSkipped, "")
	}
	if err := s.mark(st, r, types.ResourceStatusDeleteInProgress, ""); err != nil {
		return false, err
	}
	if k, known := kindOf(r.Type); known && r.PhysicalID != "" && k.delete != nil {
		props, err := source.ParseJSON("", []byte(r.Properties))
		if err != nil {
			return false, fmt.Errorf("read the properties of %s: %w", r.LogicalID, err)
		}
		err = k.delete(s.request(ctx, st, r, props))
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		if err != nil && !gone(err) {
			return false, s.mark(st, r, types.ResourceStatusDeleteFailed, reasonOf(err))
		}
	}
	return true, s.mark(st, r, types.ResourceStatusDeleteComplete, "")
}

// gone reports whether an error says that the thing isn't there any more,
// which is all that a deletion wants.
func gone(err error) bool {
	var e *aws.Error
	if !errors.As(err, &e) {
		return false
	}
	return e.Code == "NoSuchEntity" || e.Code == "NoSuchBucket" || e.Code == "NoSuchBucketPolicy" || e.Code == "NotFoundException"
}

// reasonOf is an error as a status reason: what people can act on, without
// our own wrapping where AWS speaks.
func reasonOf(err error) string {
	var e *aws.Error
	if errors.As(err, &e) {
		return fmt.Sprintf("%s (Status Code: %d; Error Code: %s)", e.Message, e.Status, e.Code)
	}
	var p *source.Problem
	if errors.As(err, &p) {
		return p.What
	}
	return err.Error()
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}
