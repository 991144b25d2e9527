package iam

import (
	"beanpole/internal/fact"
)

// The layers of a decision, as Decision.Layer names them.
const (
	LayerRCP      = "RCP"
	LayerSCP      = "SCP"
	LayerResource = "resource"
	LayerIdentity = "identity"
	LayerBoundary = "boundary"
	LayerSession  = "session"
	LayerEndpoint = "endpoint"
)

// outcome is what one layer of policies says to a request. Of the resource
// layer the allow verdicts stand at the index of their grant; other layers use
// direct alone.
type outcome struct {
	deny    fact.Verdict
	denies  *Statement // the first that surely denies
	allow   [4]fact.Verdict
	allows  [4]*Statement // the first that surely allows
	present bool          // the layer has policies, known or not
}

func newOutcome() outcome {
	return outcome{deny: fact.Broken, allow: [4]fact.Verdict{fact.Broken, fact.Broken, fact.Broken, fact.Broken}}
}

// Evaluate decides a request: an explicit Deny anywhere; then RCPs and SCPs,
// the resource's policy, identity policies, boundary, session policy and
// endpoint policy. Context keys that follow from the principal are filled in.
// [IAM:reference_policies_evaluation-logic, …-logic-cross-account]
func Evaluate(r *Request, p *Policies) Decision {
	q := asking{r: r, ctx: newContext(r), boundary: p.Boundary != nil || p.BoundaryUnknown != ""}
	ls := q.layers(p)
	d := Decision{Reason: ImplicitDeny}
	for i := range ls {
		if ls[i].deny == fact.Holds {
			d.Reason, d.Layer, d.By = ExplicitDeny, layerNames[i], []*Statement{ls[i].denies}
			return d
		}
	}
	var verdict fact.Verdict
	verdict, d.Layer = q.weigh(p, &ls)
	if verdict == fact.Holds {
		for i := range ls {
			if ls[i].deny == fact.Unknown {
				verdict, d.Layer = fact.Unknown, layerNames[i]
				break
			}
		}
	}
	switch verdict {
	case fact.Holds:
		d.Reason, d.By = Allowed, q.allowing(p, &ls)
	case fact.Broken:
		d.Near = q.near(p, d.Layer)
	default:
		d.Reason, d.Missing, d.Near = NotKnown, q.missing(p), q.near(p, d.Layer)
	}
	return d
}

// The layers in the order in which AWS looks at them.
const (
	lRCP = iota
	lSCP
	lResource
	lIdentity
	lBoundary
	lSession
	lEndpoint
	lCount
)

var layerNames = [lCount]string{LayerRCP, LayerSCP, LayerResource, LayerIdentity, LayerBoundary, LayerSession, LayerEndpoint}

// layers lets every policy speak.
func (q *asking) layers(p *Policies) (ls [lCount]outcome) {
	for i := range ls {
		ls[i] = newOutcome()
	}
	anonymous := q.r.Principal.Anonymous || q.r.Principal.Service != ""
	q.levels(&ls[lRCP], p.RCPs, true)
	q.hear(&ls[lResource], p.Resource, true)
	q.hear(&ls[lEndpoint], p.Endpoint, true)
	if p.GatewayEndpoint && !q.r.Principal.isRoot() {
		ls[lEndpoint].allow[account] = fact.Broken
	}
	if p.ResourceUnknown != "" {
		ls[lResource].unknown()
	}
	if anonymous { // no identity, no account of their own
		return ls
	}
	q.levels(&ls[lSCP], p.SCPs, false)
	for _, x := range p.Identity {
		q.hear(&ls[lIdentity], x, false)
	}
	q.hear(&ls[lBoundary], p.Boundary, false)
	q.hear(&ls[lSession], p.Session, false)
	if len(p.IdentityUnknown) > 0 {
		ls[lIdentity].unknown()
	}
	if p.BoundaryUnknown != "" {
		ls[lBoundary].unknown()
	}
	if q.r.Principal.isRoot() { // no identity policy bears on an account's root
		ls[lIdentity].allow[direct] = fact.Holds
	}
	return ls
}

// unknown adds a policy of which nothing is known.
func (o *outcome) unknown() {
	o.present = true
	o.deny = or(o.deny, fact.Unknown)
	for g := account; g <= direct; g++ {
		o.allow[g] = or(o.allow[g], fact.Unknown)
	}
}

// levels hears an organisation's policies: each level must allow, and a Deny
// at any of them is one.
func (q *asking) levels(o *outcome, levels [][]*Policy, whose bool) {
	for i, level := range levels {
		one := newOutcome()
		for _, p := range level {
			q.hear(&one, p, whose)
		}
		o.present = true
		o.deny = or(o.deny, one.deny)
		if o.denies == nil {
			o.denies = one.denies
		}
		if i == 0 {
			o.allow[direct] = one.any()
		} else {
			o.allow[direct] = and(o.allow[direct], one.any())
		}
	}
}

// hear adds what one policy says; whose tells whether its statements are for
// the principals that they name.
func (q *asking) hear(o *outcome, p *Policy, whose bool) {
	if p == nil {
		return
	}
	o.present = true
	for _, s := range p.Statements {
		names := [4]fact.Verdict{fact.Broken, fact.Broken, fact.Broken, fact.Holds}
		if whose {
			names = q.principal(s)
		}
		named := or(names[account], or(names[role], names[direct]))
		if named == fact.Broken {
			continue
		}
		v := q.applies(s)
		if v == fact.Broken {
			continue
		}
		if s.Effect == Deny {
			o.deny = or(o.deny, and(v, named))
			if o.denies == nil && and(v, named) == fact.Holds {
				o.denies = s
			}
			continue
		}
		for g := account; g <= direct; g++ {
			one := and(v, names[g])
			o.allow[g] = or(o.allow[g], one)
			if one == fact.Holds && o.allows[g] == nil {
				o.allows[g] = s
			}
		}
	}
}

// filter is a layer that must allow when it is there.
func (o *outcome) filter() fact.Verdict {
	if !o.present {
		return fact.Holds
	}
	return o.any()
}

func (o *outcome) any() fact.Verdict {
	return or(o.allow[account], or(o.allow[role], o.allow[direct]))
}

// weigh joins the layers, no Deny considered, and names the layer that
// decided: the one that granted the request, or the first that kept it from
// being granted.
func (q *asking) weigh(p *Policies, ls *[lCount]outcome) (fact.Verdict, string) {
	granted, layer := q.granted(p, ls)
	rcp, scp, endpoint := ls[lRCP].filter(), ls[lSCP].filter(), ls[lEndpoint].filter()
	v := and(and(rcp, scp), and(granted, endpoint))
	switch {
	case v == fact.Holds:
		return v, layer
	case rcp == v:
		return v, LayerRCP
	case scp == v:
		return v, LayerSCP
	case granted == v:
		return v, layer
	}
	return v, LayerEndpoint
}

// granted is the heart: does somebody who may do so allow the request?
func (q *asking) granted(p *Policies, ls *[lCount]outcome) (fact.Verdict, string) {
	pr := &q.r.Principal
	if pr.Anonymous || pr.Service != "" {
		return ls[lResource].allow[direct], LayerResource
	}
	if q.r.ResourceAccount == "" {
		return q.sameAccount(p, ls)
	}
	switch equalOrNot(pr.Account, q.r.ResourceAccount) {
	case fact.Holds:
		return q.sameAccount(p, ls)
	case fact.Broken:
		return crossAccount(ls)
	}
	a, layer := q.sameAccount(p, ls)
	if b, _ := crossAccount(ls); a != b {
		return fact.Unknown, layer
	}
	return a, layer
}

// sameAccount: identity or resource policy is enough. What a boundary and a
// session policy leave out counts unless the resource's policy names the
// session, the user or everybody.
func (q *asking) sameAccount(p *Policies, ls *[lCount]outcome) (fact.Verdict, string) {
	res, id := &ls[lResource], ls[lIdentity].allow[direct]
	limits := and(ls[lBoundary].filter(), ls[lSession].filter())
	byIdentity := and(id, limits)
	if p.ResourceMustAllow {
		byIdentity = and(res.any(), byIdentity)
	}
	byRole := and(res.allow[role], limits)
	v := or(res.allow[direct], or(byRole, byIdentity))
	grant := or(id, or(res.allow[role], res.allow[direct]))
	switch {
	case v == fact.Holds && (res.allow[direct] == v || byRole == v):
		return v, LayerResource
	case v == fact.Holds:
		return v, LayerIdentity
	case p.ResourceMustAllow && res.any() == v, grant == v && id != v:
		return v, LayerResource
	case grant == v:
		return v, LayerIdentity
	}
	return v, limitLayer(ls)
}

// limitLayer is the first of boundary and session that does not surely allow.
func limitLayer(ls *[lCount]outcome) string {
	if ls[lBoundary].filter() != fact.Holds {
		return LayerBoundary
	}
	return LayerSession
}

// crossAccount: both sides must allow, and the limits with them.
func crossAccount(ls *[lCount]outcome) (fact.Verdict, string) {
	id, res := ls[lIdentity].allow[direct], ls[lResource].any()
	limits := and(ls[lBoundary].filter(), ls[lSession].filter())
	v := and(and(id, res), limits)
	switch {
	case v == fact.Holds:
		return v, LayerIdentity
	case res == v:
		return v, LayerResource
	case id == v:
		return v, LayerIdentity
	}
	return v, limitLayer(ls)
}

// allowing are the statements that together allow the request: the one that
// grants it first.
func (q *asking) allowing(p *Policies, ls *[lCount]outcome) []*Statement {
	out := make([]*Statement, 0, 4)
	add := func(s *Statement) {
		if s != nil {
			out = append(out, s)
		}
	}
	res := ls[lResource].allows
	both := q.r.ResourceAccount != "" && equalOrNot(q.r.Principal.Account, q.r.ResourceAccount) != fact.Holds
	switch {
	case res[direct] != nil && !both:
		add(res[direct])
	case res[role] != nil && !both:
		add(res[role])
	default:
		add(ls[lIdentity].allows[direct])
		if both || p.ResourceMustAllow {
			add(firstOf(res))
		}
	}
	return out
}

func firstOf(s [4]*Statement) *Statement {
	for g := direct; g > noGrant; g-- {
		if s[g] != nil {
			return s[g]
		}
	}
	return nil
}
