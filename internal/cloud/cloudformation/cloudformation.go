// Package cloudformation is the local AWS CloudFormation: stacks, their events
// and change sets, and a handler for each type of resource that beanpole can
// make. A handler calls the resource's own service through the front door in
// the name of the stack's caller, so that IAM is asked about those calls too.
//
// Its promise: a stack is durable at every step, and one that a killed process
// left in progress is shown as failed, never as half alive. Its limits: no
// nested stacks, no drift, no macros; a type without a handler fails the stack
// with a reason that names it.
package cloudformation

import (
	"context"
	"encoding/json"
	"fmt"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"beanpole/internal/aws"
	"beanpole/internal/cloud/door"
	"beanpole/internal/cloud/state"
)

// Kinds of records in the store.
const (
	stackRecords     = "cloudformation.stack"
	eventRecords     = "cloudformation.event"
	changeSetRecords = "cloudformation.changeset"
)

// Service is CloudFormation. Make one with New.
type Service struct {
	door  *door.Door
	state *state.State
	now   func() time.Time
	// patience is how long a resource may wait for signals, 0 for as long as
	// its template says.
	patience time.Duration

	ctx  context.Context // ends when the service closes
	end  context.CancelFunc
	work sync.WaitGroup // operations under way

	mu         sync.Mutex
	stacks     map[string]*stack       // by ID, deleted ones too
	events     map[string][]stackEvent // by stack ID, oldest first
	changeSets map[string]*changeSet   // by ID
	instances  map[string]string       // instance ID to stack ID
	boxes      map[string]*mailbox     // by stack ID and logical ID
}

// stackEvent is CloudFormation's own event shape, as it is stored.
type stackEvent = types.StackEvent

// Patience sets how long a resource may wait for its signals, 0 for as long as
// its template says: on AWS that is up to twelve hours. Call it before any
// request.
func (s *Service) Patience(longest time.Duration) { s.patience = longest }

// patience is how long a resource waits for signals unless Patience says
// otherwise: a local instance needs no quarter of an hour to start.
const patience = 10 * time.Minute

// New reads what is stored. Stacks that an earlier process left in progress
// are made failed.
func New(d *door.Door, st *state.State) (*Service, error) {
	s := &Service{
		door: d, state: st, now: time.Now,
		stacks: map[string]*stack{}, events: map[string][]stackEvent{},
		changeSets: map[string]*changeSet{}, instances: map[string]string{}, boxes: map[string]*mailbox{}, patience: patience,
	}
	s.ctx, s.end = context.WithCancel(context.Background())
	if err := s.load(); err != nil {
		return nil, fmt.Errorf("read the stacks: %w", err)
	}
	return s, s.failAbandoned()
}

// Close stops operations under way and waits for them; a stack cut off in the
// middle is made failed at the next start.
func (s *Service) Close() {
	s.end()
	s.work.Wait()
}

func (s *Service) load() error {
	err := s.state.Each(stackRecords, func(_ string, data []byte) error {
		st := &stack{}
		if err := json.Unmarshal(data, st); err != nil {
			return err
		}
		s.stacks[st.ID] = st
		return nil
	})
	if err != nil {
		return err
	}
	err = s.state.Each(changeSetRecords, func(_ string, data []byte) error {
		c := &changeSet{}
		if err := json.Unmarshal(data, c); err != nil {
			return err
		}
		s.changeSets[c.ID] = c
		return nil
	})
	if err != nil {
		return err
	}
	return s.state.Each(eventRecords, func(_ string, data []byte) error {
		var e stackEvent
		if err := json.Unmarshal(data, &e); err != nil {
			return err
		}
		s.events[door.Value(e.StackId)] = append(s.events[door.Value(e.StackId)], e)
		return nil
	})
}

// failAbandoned makes stacks failed whose operation died with its process.
func (s *Service) failAbandoned() error {
	for _, st := range s.stacks {
		if !inProgress(st.Status) {
			continue
		}
		reason := "beanpole was ended during this operation"
		for _, r := range st.Resources {
			if inProgress(types.StackStatus(r.Status)) {
				if err := s.mark(st, r, types.ResourceStatus(failedFrom(string(r.Status))), reason); err != nil {
					return err
				}
			}
		}
		if err := s.finish(st, types.StackStatus(failedFrom(string(st.Status))), reason); err != nil {
			return err
		}
	}
	return nil
}

func inProgress(status types.StackStatus) bool {
	return strings.HasSuffix(string(status), "_IN_PROGRESS") && status != types.StackStatusReviewInProgress
}

// failedFrom is the failed status that follows one in progress:
// CREATE_IN_PROGRESS becomes CREATE_FAILED.
func failedFrom(status string) string {
	switch {
	case status == "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS":
		return "UPDATE_FAILED"
	case strings.HasPrefix(status, "UPDATE_ROLLBACK"):
		return "UPDATE_ROLLBACK_FAILED"
	}
	return strings.TrimSuffix(status, "IN_PROGRESS") + "FAILED"
}

// Join says that an instance belongs to a stack: it may read that stack's
// metadata with its identity document for a signature.
func (s *Service) Join(instanceID, stackName string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if st := s.find(stackName); st != nil {
		s.instances[instanceID] = st.ID
	}
}

// Leave forgets an instance.
func (s *Service) Leave(instanceID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.instances, instanceID)
}

// find is the stack of a name that is not deleted, or of an ID. The caller
// holds mu.
func (s *Service) find(nameOrID string) *stack {
	if st := s.stacks[nameOrID]; st != nil {
		return st
	}
	for _, st := range s.stacks {
		if st.Name == nameOrID && st.Status != types.StackStatusDeleteComplete {
			return st
		}
	}
	return nil
}

// existing is find with AWS's error for a stack that isn't there. The caller
// holds mu.
func (s *Service) existing(nameOrID *string) (*stack, error) {
	if door.Value(nameOrID) == "" {
		return nil, invalid("StackName is required")
	}
	if st := s.find(*nameOrID); st != nil {
		return st, nil
	}
	return nil, noStack(*nameOrID)
}

// noStack is DescribeStacks' answer, whose text clients look for.
func noStack(name string) error { return invalid("Stack with id %s does not exist", name) }

// sorted are all stacks, newest first.
func (s *Service) sorted() []*stack {
	out := make([]*stack, 0, len(s.stacks))
	for _, st := range s.stacks {
		out = append(out, st)
	}
	sort.Slice(out, func(i, j int) bool {
		if !out[i].Created.Equal(out[j].Created) {
			return out[i].Created.After(out[j].Created)
		}
		return out[i].ID < out[j].ID
	})
	return out
}

// invalid is CloudFormation's ValidationError.
func invalid(format string, args ...any) error {
	return &aws.Error{Code: "ValidationError", Status: 400, Message: fmt.Sprintf(format, args...)}
}
