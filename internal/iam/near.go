package iam

import (
	"fmt"
	"sort"
	"strings"

	"beanpole/internal/fact"
	"beanpole/internal/source"
)

// said is a policy with the layer that it belongs to.
type said struct {
	policy *Policy
	layer  string
	whose  bool // its statements name principals

	gateway bool // it is the policy of a gateway endpoint
}

func (p *Policies) all() []said {
	var out []said
	add := func(layer string, whose bool, ps ...*Policy) {
		for _, x := range ps {
			if x != nil {
				out = append(out, said{x, layer, whose, layer == LayerEndpoint && p.GatewayEndpoint})
			}
		}
	}
	for _, level := range p.RCPs {
		add(LayerRCP, true, level...)
	}
	for _, level := range p.SCPs {
		add(LayerSCP, false, level...)
	}
	add(LayerResource, true, p.Resource)
	add(LayerIdentity, false, p.Identity...)
	add(LayerBoundary, false, p.Boundary)
	add(LayerSession, false, p.Session)
	add(LayerEndpoint, true, p.Endpoint)
	return out
}

// near finds the Allow statements that miss the request by one element, in the
// layer that decided. Identity and resource policies stand in for each other.
// Those come first of which it is plain what was meant.
func (q *asking) near(p *Policies, layer string) []Near {
	var out []Near
	for _, x := range p.all() {
		grants := x.layer == LayerResource || x.layer == LayerIdentity && !q.r.Principal.Anonymous && q.r.Principal.Service == ""
		asked := layer == LayerIdentity || layer == LayerResource
		if x.layer != layer && !(grants && asked) {
			continue
		}
		for _, s := range x.policy.Statements {
			if s.Effect != Allow {
				continue
			}
			if n, ok := q.nearStatement(s, x); ok {
				out = append(out, n)
			}
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].distance() < out[j].distance() })
	return out
}

// These begin the reasons of statements that may be about something else.
const (
	noPrincipal = "Principal does not name"
	noAction    = "Action does not match"
	noResource  = "Resource does not match"

	bucketOnly = " is the bucket; "
	wasDeleted = " is the ID of a principal that was deleted"
)

// distance is the greater the less plain it is that the request was meant.
func (n Near) distance() int {
	switch {
	case strings.HasPrefix(n.Why, noResource):
		return 3
	case strings.HasPrefix(n.Why, noAction):
		return 2
	case strings.HasPrefix(n.Why, noPrincipal):
		return 1
	}
	return 0
}

// nearStatement tells which one element of s does not fit.
func (q *asking) nearStatement(s *Statement, x said) (Near, bool) {
	var n Near
	misses := 0
	miss := func(pos source.Pos, why string) {
		misses++
		n = Near{Statement: s, Why: why, Pos: pos}
		switch {
		case strings.Contains(why, bucketOnly):
			n.Kind = BucketOnly
		case strings.Contains(why, wasDeleted):
			n.Kind = DeadPrincipal
		}
	}
	if x.whose {
		v := q.principal(s)
		if fact.Any(v[account], v[role], v[direct]) == fact.Broken {
			miss(q.missedPrincipal(s))
		} else if x.layer == LayerResource && v[account] == fact.Holds && v[role] != fact.Holds && v[direct] != fact.Holds && q.applies(s) == fact.Holds {
			miss(s.Principal.Pos, "Principal is the account: that only lets the account's own policies decide, and none of them allows it")
		} else if x.gateway && s.Principal != nil && !q.r.Principal.isRoot() && v[role] == fact.Broken && v[direct] == fact.Broken {
			miss(s.Principal.Pos, "Principal is the account: in the policy of a gateway endpoint that is its root user alone, so write \"*\" and a Condition on aws:PrincipalArn or aws:PrincipalAccount")
		}
	}
	if q.action(s) == fact.Broken {
		if !q.sameService(s) {
			return n, false
		}
		miss(placeOf(s.Actions, s.Pos), fmt.Sprintf(noAction+" %q", q.r.Action))
	}
	if q.resource(s) == fact.Broken {
		miss(q.missedResource(s))
	}
	for i := range s.Conditions {
		if c := &s.Conditions[i]; q.ctx.condition(c, s.Policy.Version) == fact.Broken {
			miss(c.Pos, q.missedCondition(c))
		}
	}
	return n, misses == 1
}

// sameService tells whether one of the statement's actions is of the
// request's service: others did not mean this request.
func (q *asking) sameService(s *Statement) bool {
	service, _, _ := strings.Cut(q.r.Action, ":")
	for _, t := range s.Actions {
		if have, _, _ := strings.Cut(t.Text, ":"); strings.EqualFold(have, service) {
			return true
		}
	}
	return false
}

func placeOf(ts []Term, otherwise source.Pos) source.Pos {
	if len(ts) > 0 {
		return ts[0].Pos
	}
	return otherwise
}

func (q *asking) missedPrincipal(s *Statement) (source.Pos, string) {
	if s.Principal == nil {
		if s.NotPrincipal != nil {
			return s.NotPrincipal.Pos, "NotPrincipal leaves the caller out"
		}
		return s.Pos, "the statement has no Principal"
	}
	p := &q.r.Principal
	for _, t := range s.Principal.AWS {
		switch {
		case isUniqueID(t.Text):
			return t.Pos, fmt.Sprintf("Principal %q"+wasDeleted+"; one made anew under the same name is another", t.Text)
		case strings.Contains(t.Text, ":instance-profile/"):
			return t.Pos, fmt.Sprintf("Principal %q is an instance profile, which never makes a request; its role does: %q", fact.Show(t.Text), fact.Show(p.ARN))
		case strings.HasPrefix(t.Text, "arn:") && strings.ContainsAny(t.Text, "*?"):
			return t.Pos, fmt.Sprintf("Principal %q has a wildcard, which counts for nothing in a Principal", fact.Show(t.Text))
		case p.ARN != "" && strings.EqualFold(t.Text, p.ARN):
			return t.Pos, fmt.Sprintf("Principal %q differs from %q in upper and lower case", fact.Show(t.Text), fact.Show(p.ARN))
		}
	}
	return s.Principal.Pos, fmt.Sprintf(noPrincipal+" %s", q.caller())
}

// caller is the one who asks, as people know it.
func (q *asking) caller() string {
	p := &q.r.Principal
	switch {
	case p.Anonymous:
		return "anonymous callers"
	case p.Service != "":
		return p.Service
	}
	return fmt.Sprintf("%q", fact.Show(p.ARN))
}

func (q *asking) missedResource(s *Statement) (source.Pos, string) {
	if s.NotResources != nil {
		return placeOf(s.NotResources, s.Pos), fmt.Sprintf("NotResource leaves %q out", fact.Show(q.r.Resource))
	}
	want := q.r.Resource
	bucket, _, object := strings.Cut(want, "/")
	for _, t := range s.Resources {
		p, ok := q.ctx.resource(t.Text, s.Policy.Version)
		switch {
		case !ok:
			return t.Pos, fmt.Sprintf("Resource %q asks for a condition key that the request does not have", fact.Show(t.Text))
		case strings.HasPrefix(want, "arn:") && object && strings.HasPrefix(q.r.Action, "s3:") && matchResource(p, bucket) == fact.Holds:
			return t.Pos, fmt.Sprintf("Resource %q"+bucketOnly+"%s is about its objects: %q", fact.Show(t.Text), q.r.Action, fact.Show(bucket+"/*"))
		case !object && strings.HasPrefix(q.r.Action, "s3:") && matchResource(p, want+"/x") == fact.Holds:
			return t.Pos, fmt.Sprintf("Resource %q is the objects; %s is about the bucket: %q", fact.Show(t.Text), q.r.Action, fact.Show(want))
		case matchResource(strings.ToLower(p), strings.ToLower(want)) == fact.Holds:
			return t.Pos, fmt.Sprintf("Resource %q differs from %q in upper and lower case", fact.Show(t.Text), fact.Show(want))
		}
	}
	return placeOf(s.Resources, s.Pos), fmt.Sprintf(noResource+" %q", fact.Show(want))
}

func (q *asking) missedCondition(c *Condition) string {
	e := q.ctx.find(c.Key)
	if e == nil {
		return fmt.Sprintf("Condition %s %s does not hold: the request has no %s", c.Operator, c.Key, c.Key)
	}
	shown := make([]string, 0, len(e.list()))
	for _, v := range e.list() {
		shown = append(shown, fmt.Sprintf("%q", fact.Show(v)))
	}
	return fmt.Sprintf("Condition %s %s does not hold: the request has %s", c.Operator, c.Key, strings.Join(shown, ", "))
}
