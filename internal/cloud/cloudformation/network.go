package cloudformation

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"beanpole/internal/account"
	"beanpole/internal/account/template"
	"beanpole/internal/cfn"
	"beanpole/internal/fact"
	"beanpole/internal/source"
)

// Network is the network that the stacks have made: what is read of a template
// to predict, read of the resources that there are.
func (s *Service) Network() (*account.Network, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := &cfn.Stack{}
	for _, st := range s.stacks {
		if st.Status == types.StackStatusDeleteComplete {
			continue
		}
		for _, r := range st.Resources {
			if r.PhysicalID == "" || !isRecord(r.Type) {
				continue
			}
			props, err := source.ParseJSON("", []byte(r.Properties))
			if err != nil {
				return nil, fmt.Errorf("read resource %s of stack %s: %w", r.LogicalID, st.Name, err)
			}
			id := r.PhysicalID
			if group, ok := r.Attributes["GroupId"]; ok { // rules name a group by its ID
				id = group
			}
			all.Resources = append(all.Resources, &cfn.Resource{LogicalID: r.LogicalID, Type: r.Type, PhysicalID: id, Properties: props, Created: fact.Holds})
		}
	}
	a, _ := template.Fill(all, &cfn.Env{AccountID: s.state.AccountID(), Region: s.state.Region()})
	return &a.Network, nil
}
