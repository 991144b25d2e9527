package access

import (
	"slices"

	"beanpole/internal/account"
	"beanpole/internal/fact"
	"beanpole/internal/iam"
	"beanpole/internal/source"
)

// inOrganization adds to a request what the account's organisation decides of
// its context: aws:PrincipalOrgID and its kin, absent outside of one.
// [IAM:reference_policies_condition-keys, aws:PrincipalOrgID]
func inOrganization(a *account.Account, q *iam.Request) {
	o := a.Org
	if o == nil || o.ID == "" && o.Unread != "" {
		return
	}
	put := func(key, value string) {
		switch {
		case value != "":
			q.Context[key] = []string{value}
		case o.ID != "": // it is set, to what is not known
			return
		}
		q.Unsure = slices.DeleteFunc(slices.Clone(q.Unsure), func(k string) bool { return k == key })
	}
	if fact.Equal(q.Principal.Account, accountID(a)) == fact.Holds && q.Principal.Account != "" {
		put("aws:PrincipalOrgID", o.ID)
		put("aws:PrincipalOrgPaths", o.Path)
	}
	if fact.Equal(q.ResourceAccount, accountID(a)) == fact.Holds {
		put("aws:ResourceOrgID", o.ID)
		put("aws:ResourceOrgPaths", o.Path)
	}
}

// exceptOrganization is what a link that holds says nothing about: policies of an
// organisation that nobody but its management account may list.
func (x *follower) exceptOrganization() string {
	if o := x.a.Org; o != nil && o.Unread != "" && x.byRole() {
		return "the organisation's policies could not be read"
	}
	return ""
}

// byOrganization is the identity link that an organisation's service control
// policies break.
func (x *follower) byOrganization(at []source.Pos, d iam.Decision, what string) Link {
	l := broken(at, "%s may not call %s: the organisation's service control policies do not allow it%s", x.who(), what, nearly(d)).decided(d)
	if d.Reason == iam.ExplicitDeny {
		l = broken(at, "the organisation denies %s %s: %s", x.who(), what, statements(d)).decided(d)
	}
	l.Organization = true
	return l
}

// byResourceControl is the bucket link that an organisation's resource control
// policies break.
func byResourceControl(at []source.Pos, name string, d iam.Decision) Link {
	l := broken(at, "the organisation's resource control policies do not allow the request to bucket %s%s", name, nearly(d)).decided(d)
	if d.Reason == iam.ExplicitDeny {
		l = broken(at, "the organisation denies the request to bucket %s: %s", name, statements(d)).decided(d)
	}
	l.Organization = true
	return l
}
