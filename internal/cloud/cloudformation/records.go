package cloudformation

import (
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"beanpole/internal/source"
)

// Record is a resource that a stack has made.
type Record struct {
	Stack, LogicalID, Type string
	ID                     string // physical
	Attributes             map[string]string
	Properties             *source.Node // resolved
	Tags                   []types.Tag  // the stack's
	Made                   time.Time    // or changed
}

// Records are the resources of some types that there are in a region, stack by
// stack.
func (s *Service) Records(region string, wanted ...string) (out []Record, err error) {
	isWanted := map[string]bool{}
	for _, typ := range wanted {
		isWanted[typ] = true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, st := range s.sorted() {
		if st.Region != region || st.Status == types.StackStatusDeleteComplete {
			continue
		}
		for _, r := range st.Resources {
			if !isWanted[r.Type] || r.PhysicalID == "" || r.Status == types.ResourceStatusDeleteComplete {
				continue
			}
			props, err := source.ParseJSON("", []byte(r.Properties))
			if err != nil {
				return nil, fmt.Errorf("read resource %s of stack %s: %w", r.LogicalID, st.Name, err)
			}
			out = append(out, Record{st.Name, r.LogicalID, r.Type, r.PhysicalID, r.Attributes, props, st.Tags, r.Updated})
		}
	}
	return out, nil
}
