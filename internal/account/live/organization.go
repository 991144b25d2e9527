package live

import (
	"context"
	"slices"

	"beanpole/internal/account/reading"
)

// maxLevels is more than the levels of any organisation: a root, five of
// organisational units, an account. [Organizations: orgs_reference_limits]
const maxLevels = 8

// organization reads the organisation of the account: that it is in one every
// member may ask, which policies bear on it only the management account or a
// delegated administrator. [Organizations API: ListPoliciesForTarget]
func (x *Reader) organization(ctx context.Context) {
	account := x.out.Account
	if account == "" || !x.first(reading.AnOrg, account) {
		return
	}
	var got struct {
		Organization struct {
			ID         string `json:"Id"`
			Management string `json:"MasterAccountId"`
			FeatureSet string
		}
	}
	answered, none := x.askOrg(ctx, "DescribeOrganization", account, nil, &got, "AWSOrganizationsNotInUseException")
	o := &reading.Organization{ID: got.Organization.ID, Management: got.Organization.Management}
	switch {
	case none != "":
		o.Read = true
	case !answered || o.ID == "":
		return
	case o.Management == account, got.Organization.FeatureSet == "CONSOLIDATED_BILLING":
		o.Read = true // no policy bears on it, or there are none
	default:
		x.levels(ctx, o, account)
	}
	x.keep(func(r *reading.Reading) { r.Organization = o })
}

// askOrg makes one call of Organizations into out.
func (x *Reader) askOrg(ctx context.Context, action, about string, params map[string]string, out any, none ...string) (answered bool, why string) {
	q := question{op: "organizations:" + action, kind: reading.AnOrg, name: about, link: "identity", none: none}
	if params == nil {
		params = map[string]string{}
	}
	got, why := ask(ctx, x, q, func(ctx context.Context, in map[string]string) (*struct{}, error) {
		return &struct{}{}, x.c.Organization.Ask(ctx, action, in, out)
	}, params)
	return got != nil, why
}

// levels reads the way up from the account to the root, then the policies on it.
func (x *Reader) levels(ctx context.Context, o *reading.Organization, account string) {
	way := []string{account}
	for at := account; len(way) < maxLevels; {
		var got struct {
			Parents []struct {
				ID   string `json:"Id"`
				Type string
			}
		}
		if ok, _ := x.askOrg(ctx, "ListParents", at, map[string]string{"ChildId": at}, &got); !ok || len(got.Parents) == 0 {
			return
		}
		at = got.Parents[0].ID // there is one at present, says the API's reference
		way = append(way, at)
		if got.Parents[0].Type == "ROOT" {
			break
		}
	}
	slices.Reverse(way)
	o.Levels = make([]reading.Level, len(way))
	whole := make([]bool, 2*len(way))
	calls := make([]func(), 0, 2*len(way))
	for i, id := range way {
		l := &o.Levels[i]
		l.ID = id
		calls = append(calls,
			func() { l.SCPs, whole[2*i] = x.attachedIn(ctx, id, "SERVICE_CONTROL_POLICY") },
			func() { l.RCPs, whole[2*i+1] = x.attachedIn(ctx, id, "RESOURCE_CONTROL_POLICY") })
	}
	together(calls...)
	o.Read = !slices.Contains(whole, false) && x.documents(ctx, o)
}

// attachedIn are the policies of one type at one place of the organisation.
func (x *Reader) attachedIn(ctx context.Context, target, kind string) (out []reading.OrgPolicy, ok bool) {
	params := map[string]string{"TargetId": target, "Filter": kind}
	for {
		var got struct {
			Policies []struct {
				ID   string `json:"Id"`
				Name string
			}
			NextToken string
		}
		answered, none := x.askOrg(ctx, "ListPoliciesForTarget", target, params, &got, "PolicyTypeNotEnabledException", "UnsupportedAPIEndpointException")
		if !answered {
			return nil, none != ""
		}
		for _, p := range got.Policies {
			out = append(out, reading.OrgPolicy{ID: p.ID, Name: p.Name})
		}
		if got.NextToken == "" {
			return out, true
		}
		params["NextToken"] = got.NextToken
	}
}

// documents reads the texts of the policies, each once.
func (x *Reader) documents(ctx context.Context, o *reading.Organization) bool {
	texts := map[string]string{}
	var ids []string
	for _, p := range attachments(o) {
		if !slices.Contains(ids, p.ID) {
			ids = append(ids, p.ID)
		}
	}
	each(ids, func(id string) {
		var got struct {
			Policy struct{ Content string }
		}
		x.askOrg(ctx, "DescribePolicy", id, map[string]string{"PolicyId": id}, &got)
		x.keep(func(*reading.Reading) { texts[id] = got.Policy.Content })
	})
	whole := true
	for _, p := range attachments(o) {
		p.Document = texts[p.ID]
		whole = whole && p.Document != ""
	}
	return whole
}

// attachments are the policies of every level, to be filled in.
func attachments(o *reading.Organization) (out []*reading.OrgPolicy) {
	for i := range o.Levels {
		for _, list := range [][]reading.OrgPolicy{o.Levels[i].SCPs, o.Levels[i].RCPs} {
			for j := range list {
				out = append(out, &list[j])
			}
		}
	}
	return out
}
