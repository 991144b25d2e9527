package reading

import (
	"slices"

	"beanpole/internal/account"
	"beanpole/internal/iam"
)

// organization puts into the facts what the organisation says of the account.
func (r *Reading) organization(a *account.Account) {
	o := r.Organization
	if o == nil {
		if settles := r.orgRefusal(); settles != "" {
			a.Org = &account.Organization{Unread: settles}
		}
		return
	}
	a.Org = &account.Organization{ID: o.ID}
	switch {
	case o.ID == "", o.Management != "" && o.Management == r.Account:
		// Policies of an organisation do not bear on its management account.
		// [Organizations: orgs_manage_policies_scps, orgs_manage_policies_rcps]
	case !o.Read:
		a.Org.Unread = r.orgRefusal()
		if a.Org.Unread == "" {
			a.Org.Unread = "the policies of organization " + o.ID
		}
	default:
		a.Org.Path = o.path(r.Account)
		a.SCPs = o.policies("service control policy", a.Org, func(l *Level) []OrgPolicy { return l.SCPs })
		a.RCPs = o.policies("resource control policy", a.Org, func(l *Level) []OrgPolicy { return l.RCPs })
	}
}

// path is aws:PrincipalOrgPaths: organisation, root and units, each closed by a
// slash. [IAM: reference_policies_condition-keys, aws:PrincipalOrgPaths]
func (o *Organization) path(own string) string {
	out := o.ID + "/"
	for _, l := range o.Levels {
		if l.ID != own {
			out += l.ID + "/"
		}
	}
	return out
}

// policies are those of one type, level by level. Without any at all the type
// is not in use: one that is has a policy at every level.
// [Organizations: orgs_manage_policies_enable-disable]
func (o *Organization) policies(what string, org *account.Organization, of func(*Level) []OrgPolicy) (out [][]*iam.Policy) {
	used := slices.ContainsFunc(o.Levels, func(l Level) bool { return len(of(&l)) > 0 })
	if !used {
		return nil
	}
	for i := range o.Levels {
		l := &o.Levels[i]
		level := []*iam.Policy{}
		for _, p := range of(l) {
			one, err := policy(what+" "+p.Name+" of "+l.ID, p.Document)
			if err != nil {
				org.Unread = err.Error()
				continue
			}
			level = append(level, one)
		}
		out = append(out, level)
	}
	if org.Unread != "" {
		return nil // what the rest allows says nothing
	}
	return out
}

// orgRefusal is what would tell the organisation's policies, "" when no call
// for them failed.
func (r *Reading) orgRefusal() string {
	for i := range r.NotRead {
		// What stands in for AWS may not offer Organizations at all.
		if x := &r.NotRead[i]; x.Kind == AnOrg && x.Code != "NotImplemented" {
			return x.Settles()
		}
	}
	return ""
}
