package check

import (
	"beanpole/internal/access"
	"beanpole/internal/account"
	"beanpole/internal/fact"
	"beanpole/internal/finding"
	"beanpole/internal/source"
)

// instanceRole is the role that the instances get, nil when it is not known.
func (r *run) instanceRole() *account.Role {
	set, ok := r.settings.Get(launchNamespace, profileOption)
	if !ok {
		return nil
	}
	role, found := access.InstanceRole(r.account, set.Value.TextOr(""))
	if found != fact.Holds {
		return nil
	}
	return role
}

// denied tells whether the instances' role surely may not do something:
// everything that could allow it is known.
func (r *run) denied(role *account.Role, action, resource string) bool {
	d := access.Authorize(r.account, access.Session(r.account, role, fact.Symbol("instance ID")), action, resource, nil)
	return d.Verdict() == fact.Broken
}

// arnOf is the ARN of something in the environment's account and region.
func (r *run) arnOf(service, resource string) string {
	env := r.env()
	return "arn:" + env.Partition + ":" + service + ":" + env.Region + ":" + env.AccountID + ":" + resource
}

// roleFinding starts a finding at a role that lacks a right.
func roleFinding(rule string, severity finding.Severity, role *account.Role) *finding.Finding {
	at := role.NamePos
	if !at.IsValid() {
		at = role.Pos
	}
	f := &finding.Finding{Rule: rule, Severity: severity, Certain: true, Pos: at}
	if at == role.Pos {
		f.End = at
		f.End.Col += len(role.Logical)
		f.End.Offset += len(role.Logical)
	}
	return f
}

// place is a list of one place, none when it is no place.
func place(at source.Pos) []source.Pos { return appendPlace(nil, at) }
