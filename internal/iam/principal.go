package iam

import (
	"strings"

	"beanpole/internal/aws"
	"beanpole/internal/fact"
)

// grant says how a Principal element names the one who asks, which decides
// what a resource policy's Allow is worth. The better one is the greater.
// [IAM:reference_policies_evaluation-logic, resource-based policies]
type grant uint8

const (
	noGrant grant = iota
	account       // delegates to the account: an identity policy must allow too
	role          // enough, but boundary and session policy still count
	direct        // session, user, service or anyone: enough
)

func (p *Principal) isUser() bool {
	return p.SessionARN == "" && strings.Contains(p.ARN, ":user/")
}

func (p *Principal) isRoot() bool { return strings.HasSuffix(p.ARN, ":root") }

// kindName is the value of aws:PrincipalType.
func (p *Principal) kindName() string {
	switch {
	case p.isRoot():
		return "Account"
	case p.isUser():
		return "User"
	case p.SessionARN != "" || strings.Contains(p.ARN, ":role/"):
		return "AssumedRole"
	}
	return ""
}

// matches tells whether the element names p, for each kind of naming: the
// verdicts stand at the index of their grant.
func (ps *Principals) matches(p *Principal) (v [4]fact.Verdict) {
	v = [4]fact.Verdict{noGrant: fact.Broken, account: fact.Broken, role: fact.Broken, direct: fact.Of(ps.Anyone)}
	if ps.Anyone {
		return v
	}
	if p.Service != "" {
		for i := range ps.Service {
			v[direct] = or(v[direct], fact.Equal(ps.Service[i].Text, p.Service))
		}
		return v
	}
	if p.Anonymous {
		return v
	}
	for i := range ps.AWS {
		g, one := nameAWS(ps.AWS[i].Text, p)
		v[g] = or(v[g], one)
	}
	if len(ps.Canonical) > 0 { // it names an account by an ID that is not ours to know
		v[account] = or(v[account], fact.Unknown)
	}
	return v
}

// nameAWS reads one entry under "AWS". Wildcards do not count in it.
// [IAM:reference_policies_elements_principal]
func nameAWS(text string, p *Principal) (grant, fact.Verdict) {
	if isUniqueID(text) {
		return nameID(text, p)
	}
	if !strings.HasPrefix(text, "arn:") {
		if v := equalOrNot(text, p.Account); v != fact.Unknown || fact.Known(text) {
			return account, v
		}
		return nameUnknown(text, p)
	}
	own := role // what the ARN of the user or the role itself is worth
	if p.isUser() {
		own = direct
	}
	v := equalOrNot(text, p.ARN)
	if v == fact.Holds && !p.isRoot() || v == fact.Broken && fact.Known(text) && !strings.HasSuffix(text, ":root") && !strings.Contains(text, ":sts:") {
		return own, v
	}
	a, ok := aws.ParseARN(text)
	switch {
	case !ok:
		return nameUnknown(text, p)
	case a.Service == "iam" && a.Resource == "root":
		return account, equalOrNot(a.Account, p.Account)
	case a.Service == "sts":
		return direct, p.namesSession(text, a)
	}
	return own, v
}

// nameUnknown is for a text of which it is not known what it names: at best
// the one who asks.
func nameUnknown(text string, p *Principal) (grant, fact.Verdict) {
	if p.isUser() {
		return direct, equalOrNot(text, p.ARN)
	}
	v := or(equalOrNot(text, p.ARN), equalOrNot(text, p.Account))
	if p.SessionARN != "" {
		v = or(v, equalOrNot(text, p.SessionARN))
	}
	return role, v
}

// namesSession compares session ARNs. A role of which no session is given may
// have any session's name.
func (p *Principal) namesSession(text string, a aws.ARN) fact.Verdict {
	if p.SessionARN != "" {
		return fact.Equal(text, p.SessionARN)
	}
	name, isRole := strings.CutPrefix(a.Resource, "assumed-role/")
	name, _, _ = strings.Cut(name, "/")
	if !isRole || p.isUser() || p.isRoot() {
		return fact.Broken
	}
	same := and(equalOrNot(a.Account, p.Account), fact.Equal(name, p.ARN[strings.LastIndexByte(p.ARN, '/')+1:]))
	return and(same, fact.Unknown)
}

// equalOrNot is fact.Equal, of which an empty text is no value at all.
func equalOrNot(a, b string) fact.Verdict {
	if a == "" || b == "" {
		return fact.Broken
	}
	return fact.Equal(a, b)
}

// isUniqueID reports whether text is what is left in a policy of a principal
// that was deleted. [IAM:reference_identifiers]
func isUniqueID(text string) bool {
	if len(text) < 16 || strings.ContainsAny(text, ":/") || !fact.Known(text) {
		return false
	}
	return strings.HasPrefix(text, "AROA") || strings.HasPrefix(text, "AIDA") || strings.HasPrefix(text, "AGPA") || strings.HasPrefix(text, "AIPA")
}

func nameID(text string, p *Principal) (grant, fact.Verdict) {
	if p.UserID == "" {
		return role, fact.Unknown
	}
	id, _, session := strings.Cut(p.UserID, ":")
	if session {
		return role, fact.Equal(text, id)
	}
	return direct, fact.Equal(text, id)
}

// exempts tells whether a NotPrincipal element leaves p out of a Deny:
// account, role and session are each checked, so all must be listed.
// [IAM-live:reference_policies_elements_notprincipal]
func (ps *Principals) exempts(p *Principal) fact.Verdict {
	if ps.Anyone {
		return fact.Holds
	}
	v := ps.matches(p)
	switch {
	case p.Service != "" || p.Anonymous:
		return v[direct]
	case p.isRoot():
		return v[account]
	case p.SessionARN != "":
		return and(v[account], and(v[role], v[direct]))
	case p.isUser():
		return and(v[account], v[direct])
	}
	return and(v[account], v[role])
}
