package iam

import (
	"fmt"
	"slices"
	"sort"

	"beanpole/internal/fact"
)

// missing names what would have to be known to decide.
func (q *asking) missing(p *Policies) []string {
	seen := map[string]bool{}
	note := func(names ...string) {
		for _, n := range names {
			seen[n] = true
		}
	}
	note(p.IdentityUnknown...)
	if p.BoundaryUnknown != "" {
		note(p.BoundaryUnknown)
	}
	if p.ResourceUnknown != "" {
		note(p.ResourceUnknown)
	}
	for _, x := range p.all() {
		for _, s := range x.policy.Statements {
			if q.openStatement(s, x.whose) {
				q.noteStatement(s, x.whose, note)
			}
		}
	}
	if r := q.r.ResourceAccount; r != "" && equalOrNot(q.r.Principal.Account, r) == fact.Unknown {
		note(fact.Missing(r)...)
		note(fact.Missing(q.r.Principal.Account)...)
	}
	if len(seen) == 0 { // the rest is made up by AWS when it creates things
		seen["names and IDs that AWS makes up"] = true
	}
	out := make([]string, 0, len(seen))
	for n := range seen {
		out = append(out, n)
	}
	sort.Strings(out)
	return out
}

// openStatement reports whether it is not known if s applies.
func (q *asking) openStatement(s *Statement, whose bool) bool {
	v := q.applies(s)
	if whose {
		n := q.principal(s)
		v = and(v, fact.Any(n[account], n[role], n[direct]))
	}
	return v == fact.Unknown
}

// noteStatement names the parts of s that leave it open.
func (q *asking) noteStatement(s *Statement, whose bool, note func(...string)) {
	if v := q.principal(s); whose && fact.Any(v[account], v[role], v[direct]) == fact.Unknown {
		for _, ps := range []*Principals{s.Principal, s.NotPrincipal} {
			if ps == nil {
				continue
			}
			for _, t := range ps.AWS {
				note(fact.Missing(t.Text)...)
				if isUniqueID(t.Text) && q.r.Principal.UserID == "" {
					note("the unique ID of " + q.caller())
				}
			}
			if len(ps.Canonical) > 0 {
				note("whose the canonical user ID in " + s.Policy.Name + " is")
			}
		}
		note(fact.Missing(q.r.Principal.ARN)...)
		note(fact.Missing(q.r.Principal.Account)...)
	}
	terms := func(ts []Term) {
		for _, t := range ts {
			text, _ := q.ctx.expand(t.Text, s.Policy.Version, false)
			note(fact.Missing(text)...)
		}
	}
	if q.action(s) == fact.Unknown {
		terms(s.Actions)
		terms(s.NotActions)
	}
	if q.resource(s) == fact.Unknown {
		terms(s.Resources)
		terms(s.NotResources)
		note(fact.Missing(q.r.Resource)...)
	}
	for i := range s.Conditions {
		c := &s.Conditions[i]
		if q.ctx.condition(c, s.Policy.Version) != fact.Unknown {
			continue
		}
		terms(c.Values)
		e := q.ctx.find(c.Key)
		if e == nil || e.unsure {
			note("condition key " + c.Key)
			continue
		}
		open := false
		for _, v := range slices.Concat(e.list(), texts(c.Values)) {
			note(fact.Missing(v)...)
			open = open || !fact.Known(v)
		}
		if !open { // incomplete ARNs, four digits that are a year or seconds
			note(fmt.Sprintf("how AWS reads the values of %s %s", c.Operator, c.Key))
		}
	}
}

func texts(ts []Term) []string {
	out := make([]string, len(ts))
	for i, t := range ts {
		out[i] = t.Text
	}
	return out
}
