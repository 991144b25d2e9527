package iam

import (
	"encoding/json"
	"slices"
	"testing"

	"beanpole/internal/fact"
)

// judged is a request with policies as plain data, so that it can be put to
// another judge and be rewritten.
type judged struct {
	Caller   string // one of callers
	Action   string
	Resource string
	Owner    string
	Context  map[string][]string

	IdentityPolicies []*judgedPolicy
	Boundary         *judgedPolicy
	Session          *judgedPolicy
	ResourcePolicy   *judgedPolicy
	Endpoint         *judgedPolicy
	SCPs             [][]*judgedPolicy
	RCPs             [][]*judgedPolicy
}

type judgedPolicy struct {
	Version    string
	Statements []*judgedStatement
}

type judgedStatement struct {
	Effect     string
	Not        string              // "Principal", "Action" or "Resource" when that element is negated, or several with spaces
	Principals map[string][]string // kinds to names; {"*": nil} is "*"
	Actions    []string
	Resources  []string // none: no such element
	Conditions []judgedCondition
}

type judgedCondition struct {
	Operator, Key string
	Values        []string
}

// MarshalJSON writes the policy as AWS has it.
func (p *judgedPolicy) MarshalJSON() ([]byte, error) {
	statements := []any{}
	for _, s := range p.Statements {
		statements = append(statements, s.document())
	}
	m := map[string]any{"Statement": statements}
	if p.Version != "" {
		m["Version"] = p.Version
	}
	return json.Marshal(m)
}

func (s *judgedStatement) document() map[string]any {
	m := map[string]any{"Effect": s.Effect}
	put := func(element string, v any) {
		if s.negated(element) {
			element = "Not" + element
		}
		m[element] = v
	}
	put("Action", s.Actions)
	if s.Resources != nil {
		put("Resource", s.Resources)
	}
	if _, anyone := s.Principals["*"]; anyone {
		put("Principal", "*")
	} else if s.Principals != nil {
		put("Principal", s.Principals)
	}
	conditions := map[string]map[string][]string{}
	for _, c := range s.Conditions {
		if conditions[c.Operator] == nil {
			conditions[c.Operator] = map[string][]string{}
		}
		conditions[c.Operator][c.Key] = c.Values
	}
	if len(conditions) > 0 {
		m["Condition"] = conditions
	}
	return m
}

func (s *judgedStatement) negated(element string) bool {
	return slices.Contains(split(s.Not), element)
}

// ours decides with this package.
func (j *judged) ours(t *testing.T) Decision {
	t.Helper()
	r, ps := j.question(t)
	return Evaluate(r, ps)
}

func (j *judged) question(t *testing.T) (*Request, *Policies) {
	parse := func(name string, p *judgedPolicy) *Policy {
		if p == nil {
			return nil
		}
		data, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		out, err := ParseJSON(name, name+".json", data)
		if err != nil {
			t.Fatalf("%v\n%s", err, data)
		}
		return out
	}
	levels := func(name string, all [][]*judgedPolicy) (out [][]*Policy) {
		for _, level := range all {
			var one []*Policy
			for _, p := range level {
				one = append(one, parse(name, p))
			}
			out = append(out, one)
		}
		return out
	}
	ps := &Policies{Boundary: parse("boundary", j.Boundary), Session: parse("session", j.Session), Resource: parse("resource", j.ResourcePolicy), Endpoint: parse("endpoint", j.Endpoint),
		SCPs: levels("scp", j.SCPs), RCPs: levels("rcp", j.RCPs), ResourceMustAllow: j.Action == "kms:Decrypt" || j.Action == "sts:AssumeRole"}
	for i := range ps.RCPs { // which AWS attaches by itself, and iam-simulate too
		ps.RCPs[i] = append(ps.RCPs[i], parse("RCPFullAWSAccess", &judgedPolicy{Statements: []*judgedStatement{{Effect: "Allow", Actions: []string{"*"}, Resources: []string{"*"}, Principals: map[string][]string{"*": nil}}}}))
	}
	for _, p := range j.IdentityPolicies {
		ps.Identity = append(ps.Identity, parse("identity", p))
	}
	return &Request{Principal: callers[j.Caller], Action: j.Action, Resource: j.Resource, ResourceAccount: j.Owner, Context: j.Context}, ps
}

// keys are all condition keys of the request, those among them that follow
// from the principal, in lower case.
func (j *judged) keys() map[string][]string {
	c := newContext(&Request{Principal: callers[j.Caller], ResourceAccount: j.Owner, Context: j.Context})
	out := map[string][]string{}
	for i := range c.entries {
		if e := &c.entries[i]; !e.unsure {
			out[fact.Lower(e.key)] = e.list()
		}
	}
	return out
}

// simulation is the same request for iam-simulate.
func (j *judged) simulation() any {
	type named struct {
		Name   string        `json:"name"`
		Policy *judgedPolicy `json:"policy"`
	}
	list := func(name string, ps ...*judgedPolicy) []named {
		out := []named{}
		for _, p := range ps {
			if p != nil {
				out = append(out, named{name, p})
			}
		}
		return out
	}
	levels := func(name string, all [][]*judgedPolicy) []any {
		out := []any{}
		for _, level := range all {
			out = append(out, map[string]any{"orgIdentifier": name, "policies": list(name, level...)})
		}
		return out
	}
	who := callers[j.Caller]
	var principal any = who.ARN
	switch {
	case who.Anonymous:
		principal = map[string]string{"type": "Anonymous"}
	case who.Service != "":
		principal = who.Service
	case who.SessionARN != "":
		principal = who.SessionARN
	}
	m := map[string]any{
		"request": map[string]any{"principal": principal, "action": j.Action, "contextVariables": j.simulationKeys(),
			"resource": map[string]string{"resource": j.Resource, "accountId": j.Owner}},
		"identityPolicies": list("identity", j.IdentityPolicies...), "serviceControlPolicies": levels("scp", j.SCPs), "resourceControlPolicies": levels("rcp", j.RCPs),
		"permissionBoundaryPolicies": list("boundary", j.Boundary), "vpcEndpointPolicies": list("endpoint", j.Endpoint),
	}
	if j.ResourcePolicy != nil {
		m["resourcePolicy"] = j.ResourcePolicy
	}
	if j.Session != nil {
		m["sessionPolicy"] = j.Session
	}
	return m
}

// simulationKeys gives single values as texts: for iam-simulate a list is what
// a multivalued key has.
func (j *judged) simulationKeys() map[string]any {
	out := map[string]any{}
	for k, vs := range j.keys() {
		if out[k] = vs; len(vs) == 1 {
			out[k] = vs[0]
		}
	}
	return out
}

// outcomes are iam-simulate's words for our reasons.
var outcomes = map[Reason]string{Allowed: "Allowed", ExplicitDeny: "ExplicitlyDenied", ImplicitDeny: "ImplicitlyDenied", NotKnown: "not known"}

// copy is a deep copy, for rewriting.
func (j *judged) copy() *judged {
	out := *j
	out.Context = map[string][]string{}
	for k, v := range j.Context {
		out.Context[k] = slices.Clone(v)
	}
	out.IdentityPolicies = nil
	for _, p := range j.IdentityPolicies {
		out.IdentityPolicies = append(out.IdentityPolicies, p.copy())
	}
	out.Boundary, out.Session, out.ResourcePolicy, out.Endpoint = j.Boundary.copy(), j.Session.copy(), j.ResourcePolicy.copy(), j.Endpoint.copy()
	out.SCPs, out.RCPs = copyLevels(j.SCPs), copyLevels(j.RCPs)
	return &out
}

func copyLevels(all [][]*judgedPolicy) (out [][]*judgedPolicy) {
	for _, level := range all {
		var one []*judgedPolicy
		for _, p := range level {
			one = append(one, p.copy())
		}
		out = append(out, one)
	}
	return out
}

func (p *judgedPolicy) copy() *judgedPolicy {
	if p == nil {
		return nil
	}
	out := &judgedPolicy{Version: p.Version}
	for _, s := range p.Statements {
		c := *s
		c.Actions, c.Resources = slices.Clone(s.Actions), slices.Clone(s.Resources)
		c.Conditions = nil
		for _, k := range s.Conditions {
			c.Conditions = append(c.Conditions, judgedCondition{k.Operator, k.Key, slices.Clone(k.Values)})
		}
		if s.Principals != nil {
			c.Principals = map[string][]string{}
			for k, v := range s.Principals {
				c.Principals[k] = slices.Clone(v)
			}
		}
		out.Statements = append(out.Statements, &c)
	}
	return out
}

// policies are all of the world's.
func (j *judged) policies() []*judgedPolicy {
	all := slices.Concat(j.IdentityPolicies, []*judgedPolicy{j.Boundary, j.Session, j.ResourcePolicy, j.Endpoint}, slices.Concat(j.SCPs...), slices.Concat(j.RCPs...))
	return slices.DeleteFunc(all, func(p *judgedPolicy) bool { return p == nil })
}
