package iam

import "beanpole/internal/fact"

// asking is one request on its way through the policies.
type asking struct {
	r        *Request
	ctx      requestContext
	boundary bool // the principal has a permissions boundary
}

// applies tells whether action, resource and conditions of s fit, whoever asks.
func (q *asking) applies(s *Statement) fact.Verdict {
	v := q.action(s)
	if v != fact.Broken {
		v = and(v, q.resource(s))
	}
	for i := 0; i < len(s.Conditions) && v != fact.Broken; i++ {
		v = and(v, q.ctx.condition(&s.Conditions[i], s.Policy.Version))
	}
	return v
}

func (q *asking) action(s *Statement) fact.Verdict {
	if s.NotActions != nil {
		return fact.Not(anyAction(s.NotActions, q.r.Action))
	}
	return anyAction(s.Actions, q.r.Action)
}

func anyAction(ts []Term, action string) fact.Verdict {
	r := fact.Broken
	for i := 0; i < len(ts) && r != fact.Holds; i++ {
		r = or(r, matchText(ts[i].Text, action, true))
	}
	return r
}

// resource holds for a statement without one, as in trust policies.
func (q *asking) resource(s *Statement) fact.Verdict {
	switch {
	case s.NotResources != nil:
		return fact.Not(q.anyResource(s, s.NotResources))
	case s.Resources != nil:
		return q.anyResource(s, s.Resources)
	}
	return fact.Holds
}

func (q *asking) anyResource(s *Statement, ts []Term) fact.Verdict {
	r := fact.Broken
	for i := 0; i < len(ts) && r != fact.Holds; i++ {
		if p, ok := q.ctx.resource(ts[i].Text, s.Policy.Version); ok {
			r = or(r, matchResource(p, q.r.Resource))
		}
	}
	return r
}

// principal tells how s names the one who asks; the verdicts stand at the
// index of their grant.
func (q *asking) principal(s *Statement) [4]fact.Verdict {
	p := &q.r.Principal
	switch {
	case s.Principal != nil:
		return s.Principal.matches(p)
	case s.NotPrincipal == nil:
		return [4]fact.Verdict{fact.Broken, fact.Broken, fact.Broken, fact.Broken}
	}
	hit := fact.Holds
	if s.Effect == Deny && !q.boundary {
		hit = fact.Not(s.NotPrincipal.exempts(p))
	} else if s.Effect == Allow {
		m := s.NotPrincipal.matches(p)
		hit = fact.Not(fact.Any(m[account], m[role], m[direct]))
	}
	return [4]fact.Verdict{fact.Broken, fact.Broken, fact.Broken, hit}
}
