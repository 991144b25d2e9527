package cloudformation

import (
	"fmt"
	"maps"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"beanpole/internal/account"
	"beanpole/internal/account/template"
	"beanpole/internal/cfn"
	"beanpole/internal/cloud/door"
	"beanpole/internal/fact"
	"beanpole/internal/source"
)

// Network is the network that the stacks have made: what is read of a template
// to predict, read of the resources that there are.
func (s *Service) Network() (*account.Network, error) {
	n, _, err := s.NetworkIn("")
	return n, err
}

// NetworkIn is the network of one region, "" for all, with what of its parts
// decides nothing: CidrBlock, AvailabilityZone and the like, by ID.
func (s *Service) NetworkIn(region string) (*account.Network, map[string]map[string]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all, details := &cfn.Stack{}, map[string]map[string]string{}
	for _, st := range s.stacks {
		if st.Status == types.StackStatusDeleteComplete || region != "" && st.Region != region {
			continue
		}
		for _, r := range st.Resources {
			if r.PhysicalID == "" || !isRecord(r.Type) {
				continue
			}
			props, err := source.ParseJSON("", []byte(r.Properties))
			if err != nil {
				return nil, nil, fmt.Errorf("read resource %s of stack %s: %w", r.LogicalID, st.Name, err)
			}
			id := r.PhysicalID
			if group, ok := r.Attributes["GroupId"]; ok { // rules name a group by its ID
				id = group
			}
			all.Resources = append(all.Resources, &cfn.Resource{LogicalID: r.LogicalID, Type: r.Type, PhysicalID: id, Properties: props, Created: fact.Holds})
			details[id] = detailsOf(r, props)
		}
	}
	a, _ := template.Fill(all, &cfn.Env{AccountID: s.state.AccountID(), Region: s.state.Region()})
	return &a.Network, details, nil
}

// detailsOf are a resource's attributes and what EC2 shows of its properties.
func detailsOf(r *resource, props *source.Node) map[string]string {
	out := map[string]string{}
	maps.Copy(out, r.Attributes)
	out["Name"] = r.PhysicalID
	for _, name := range []string{"GroupDescription", "PolicyDocument"} {
		if text := door.Value(document(props.Get(name))); text != "" {
			out[name] = text
		}
	}
	return out
}
