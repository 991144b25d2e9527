package cloudformation

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"beanpole/internal/aws"
	"beanpole/internal/cfn"
	"beanpole/internal/cloud/door"
)

// stack is a stack's record. Only the operation that owns the stack changes
// it, and always with the service's mu held.
type stack struct {
	ID, Name, Region string
	Template         string
	Description      string            `json:",omitempty"`
	Parameters       map[string]string `json:",omitempty"` // given ones
	Capabilities     []types.Capability
	Tags             []types.Tag `json:",omitempty"`
	Notifications    []string    `json:",omitempty"`
	RoleARN          string      `json:",omitempty"`
	OnFailure        types.OnFailure
	Protected        bool `json:",omitempty"` // termination protection
	ChangeSet        string

	Status    types.StackStatus
	Reason    string    `json:",omitempty"`
	Created   time.Time // zero times: never
	Updated   time.Time
	Deleted   time.Time
	Resources []*resource // in the order of their creation
	Outputs   []types.Output

	op   *operation // the latest one on it
	idle bool       // see Waiting
}

// resource is a resource's record.
type resource struct {
	LogicalID, Type string
	PhysicalID      string            `json:",omitempty"`
	Attributes      map[string]string `json:",omitempty"`
	Properties      string            // resolved, JSON
	Metadata        string            `json:",omitempty"` // resolved, JSON
	DependsOn       []string          `json:",omitempty"`
	Retain          bool              `json:",omitempty"` // DeletionPolicy: Retain
	Status          types.ResourceStatus
	Reason          string `json:",omitempty"`
	Updated         time.Time

	unknown string // of a record: which values of its properties are not known
}

func (st *stack) resource(logicalID string) *resource {
	for _, r := range st.Resources {
		if r.LogicalID == logicalID {
			return r
		}
	}
	return nil
}

// env is what the template's functions refer to.
func (s *Service) env(st *stack) *cfn.Env {
	return &cfn.Env{
		StackName: st.Name, StackID: st.ID, Region: st.Region, AccountID: s.state.AccountID(),
		Partition: "aws", URLSuffix: "amazonaws.com",
		Parameters: st.Parameters, NotificationARNs: st.Notifications,
		Ref: func(logicalID string) (string, bool) {
			s.mu.Lock()
			defer s.mu.Unlock()
			r := st.resource(logicalID)
			if r == nil || r.PhysicalID == "" {
				return "", false
			}
			if ref, ok := r.Attributes[refAttribute]; ok {
				return ref, true
			}
			return r.PhysicalID, true
		},
		GetAtt: func(logicalID, attribute string) (string, bool) {
			s.mu.Lock()
			defer s.mu.Unlock()
			r := st.resource(logicalID)
			if r == nil {
				return "", false
			}
			v, ok := r.Attributes[attribute]
			return v, ok
		},
		Import: s.export,
		Zones:  func(region string) []string { return []string{region + "a", region + "b", region + "c"} },
	}
}

// refAttribute holds what Ref gives where that is not the physical ID.
const refAttribute = ""

// export is the value of another stack's export.
func (s *Service) export(name string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, st := range s.stacks {
		for _, o := range st.Outputs {
			if st.Status != types.StackStatusDeleteComplete && door.Value(o.ExportName) == name {
				return door.Value(o.OutputValue), true
			}
		}
	}
	return "", false
}

// save writes a stack's record. The caller holds mu.
func (s *Service) save(st *stack) error {
	if err := s.state.Put(stackRecords, st.ID, st); err != nil {
		return fmt.Errorf("write stack %q: %w", st.Name, err)
	}
	return nil
}

// finish sets the stack's status and records the event.
func (s *Service) finish(st *stack, status types.StackStatus, reason string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	st.Status, st.Reason = status, reason
	switch status {
	case types.StackStatusDeleteComplete:
		st.Deleted = s.now().UTC()
	case types.StackStatusUpdateInProgress:
		st.Updated = s.now().UTC()
	}
	err := s.record(st, &resource{LogicalID: st.Name, Type: "AWS::CloudFormation::Stack", PhysicalID: st.ID,
		Status: types.ResourceStatus(status), Reason: reason})
	if err != nil {
		return err
	}
	return s.save(st) // and the event with it
}

// mark sets a resource's status and records the event. Neither waits for the
// disk: the next record of a service that this operation calls, or the stack's
// end, is written after both.
func (s *Service) mark(st *stack, r *resource, status types.ResourceStatus, reason string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.Status, r.Reason, r.Updated = status, reason, s.now().UTC()
	if st.resource(r.LogicalID) == nil {
		st.Resources = append(st.Resources, r)
	}
	if err := s.state.Later(stackRecords, st.ID, st); err != nil {
		return err
	}
	return s.record(st, r)
}

// record appends an event. The caller holds mu.
func (s *Service) record(st *stack, r *resource) error {
	at := s.now().UTC().Truncate(time.Millisecond)
	list := s.events[st.ID]
	if n := len(list); n > 0 && !at.After(*list[n-1].Timestamp) {
		at = list[n-1].Timestamp.Add(time.Millisecond)
	}
	id := aws.NewRequestID()
	if r.Type != "AWS::CloudFormation::Stack" {
		id = r.LogicalID + "-" + string(r.Status) + "-" + at.Format("2006-01-02T15:04:05.000Z")
	}
	physical := r.PhysicalID
	e := stackEvent{
		EventId: &id, StackId: door.Given(st.ID), StackName: door.Given(st.Name), Timestamp: &at,
		LogicalResourceId: door.Given(r.LogicalID), PhysicalResourceId: &physical, ResourceType: door.Given(r.Type),
		ResourceStatus: r.Status, ResourceStatusReason: door.Given(r.Reason), ResourceProperties: door.Given(r.Properties),
	}
	s.events[st.ID] = append(list, e)
	return s.state.Later(eventRecords, fmt.Sprintf("%s/%08d", st.ID, len(list)), e)
}

// stackARN is a new stack's ID.
func (s *Service) stackARN(region, name, unique string) string {
	return s.state.ARN("cloudformation", region, "stack/"+name+"/"+unique)
}

// regionOf is the region that a request is for.
func (s *Service) regionOf(ctx context.Context) string {
	if c := door.CallerOf(ctx); c.Region != "" {
		return c.Region
	}
	return s.state.Region()
}

// nameOf is a stack's name from its name or ID.
func nameOf(nameOrID string) string {
	if rest, ok := strings.CutPrefix(nameOrID, "arn:"); ok {
		if parts := strings.Split(rest, "/"); len(parts) > 1 {
			return parts[1]
		}
	}
	return nameOrID
}
