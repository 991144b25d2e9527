package iam

import (
	"fmt"
	"net/netip"
	"strings"

	"beanpole/internal/fact"
	"beanpole/internal/source"
)

func (s *Statement) readPrincipals(n *source.Node) (err error) {
	a, b := n.Get("Principal"), n.Get("NotPrincipal")
	if a != nil && b != nil {
		return problem(b, "a statement has both Principal and NotPrincipal")
	}
	if s.Principal, err = principals(a, "Principal"); err != nil {
		return err
	}
	s.NotPrincipal, err = principals(b, "NotPrincipal")
	return err
}

// principals reads "*" or a map of kinds. [IAM:reference_policies_elements_principal]
func principals(n *source.Node, key string) (*Principals, error) {
	if n == nil {
		return nil, nil
	}
	p := &Principals{Pos: n.Pos}
	if s, ok := n.Str(); ok {
		if s == "*" {
			p.Anyone = true
			return p, nil
		}
		return nil, &source.Problem{Pos: n.Pos, What: fmt.Sprintf("%s %q must be \"*\" or an object", key, fact.Show(s)), Remedy: fmt.Sprintf(`write {"AWS": %q}`, fact.Show(s))}
	}
	if n.Kind != source.Map || len(n.Fields) == 0 {
		return nil, problem(n, "%s must be \"*\" or an object that is not empty", key)
	}
	if err := wantKeys(n, key, []string{"AWS", "Service", "Federated", "CanonicalUser"}); err != nil {
		return nil, err
	}
	for _, f := range n.Fields {
		ts, err := terms(f.Value, key)
		if err != nil {
			return nil, err
		}
		switch f.Key.Text {
		case "AWS":
			for _, t := range ts {
				p.Anyone = p.Anyone || t.Text == "*"
			}
			p.AWS = ts
		case "Service":
			p.Service = ts
		case "Federated":
			p.Federated = ts
		default:
			p.Canonical = ts
		}
	}
	return p, nil
}

func (s *Statement) readConditions(n *source.Node) error {
	c := n.Get("Condition")
	if c == nil {
		return nil
	}
	if c.Kind != source.Map {
		return problem(c, "Condition must be an object")
	}
	seen := map[string]bool{}
	for _, f := range c.Fields {
		op, ok := readOperator(f.Key.Text)
		if !ok {
			return &source.Problem{Pos: f.Key.Pos, What: fmt.Sprintf("Condition operator %q is none of AWS's", f.Key.Text)}
		}
		if seen[f.Key.Text] {
			return &source.Problem{Pos: f.Key.Pos, What: fmt.Sprintf("operator %q stands twice in a Condition", f.Key.Text), Remedy: "put its keys under one"}
		}
		seen[f.Key.Text] = true
		if f.Value.Kind != source.Map {
			return problem(f.Value, "%s must hold an object of condition keys", f.Key.Text)
		}
		keys := map[string]bool{}
		for _, k := range f.Value.Fields {
			if keys[k.Key.Text] {
				return &source.Problem{Pos: k.Key.Pos, What: fmt.Sprintf("key %q stands twice under %q", k.Key.Text, f.Key.Text), Remedy: "put both values into one list"}
			}
			keys[k.Key.Text] = true
			vs, err := conditionValues(k.Value, f.Key.Text, op)
			if err != nil {
				return err
			}
			s.Conditions = append(s.Conditions, Condition{f.Key.Text, k.Key.Text, vs, k.Key.Pos, op})
		}
	}
	return nil
}

// conditionValues reads texts; an empty list is allowed here and matches
// nothing.
func conditionValues(n *source.Node, operator string, op operator) ([]Term, error) {
	if n != nil && n.Kind == source.Seq && len(n.Items) == 0 {
		return nil, nil
	}
	ts, err := terms(n, operator)
	if err != nil {
		return nil, err
	}
	for _, t := range ts {
		if fact.Known(t.Text) && !strings.Contains(t.Text, "${") && !op.takes(t.Text) {
			return nil, &source.Problem{Pos: t.Pos, What: fmt.Sprintf("%q is no value for %s", t.Text, operator)}
		}
	}
	return ts, nil
}

// takes reports whether AWS stores v as a value of the operator.
func (o operator) takes(v string) bool {
	switch o.kind {
	case numeric:
		_, ok := readNumber(v)
		return ok
	case date:
		_, _, ok := readDate(v)
		return ok
	case boolean, null:
		return isBool(v)
	case address:
		_, ok := readPrefix(v)
		return ok
	}
	return true
}

// readPrefix reads an address block or a single address.
func readPrefix(v string) (netip.Prefix, bool) {
	if strings.IndexByte(v, '/') >= 0 {
		p, err := netip.ParsePrefix(v)
		return p.Masked(), err == nil
	}
	a, err := netip.ParseAddr(v)
	if err != nil {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(a, a.BitLen()), true
}

// Use is what a policy is used for; it decides which elements it must have.
type Use uint8

const (
	ForIdentity Use = iota // identity policies, boundaries, session policies, SCPs
	ForResource            // bucket policies, key policies, RCPs
	ForTrust               // role trust policies
)

// Check tells whether AWS takes the policy for that use. The error is a
// *source.Problem. [IAM:reference_policies_elements]
func (p *Policy) Check(u Use) error {
	for _, s := range p.Statements {
		whose := s.Principal != nil || s.NotPrincipal != nil
		what := s.Resources != nil || s.NotResources != nil
		switch {
		case u == ForIdentity && whose:
			return &source.Problem{Pos: s.Pos, What: "a policy of an identity may not have a Principal", Remedy: "remove it: the policy counts for the identity that it is attached to"}
		case u != ForIdentity && !whose:
			return &source.Problem{Pos: s.Pos, What: "a policy of a resource must have a Principal"}
		case u == ForTrust && what:
			return &source.Problem{Pos: s.Pos, What: "a trust policy may not have a Resource", Remedy: "remove it: the role itself is the resource"}
		case u == ForTrust && s.NotPrincipal != nil:
			return &source.Problem{Pos: s.NotPrincipal.Pos, What: "a trust policy may not have a NotPrincipal"}
		case u != ForTrust && !what:
			return &source.Problem{Pos: s.Pos, What: "a statement has neither Resource nor NotResource"}
		case u != ForResource && fact.Known(s.Sid) && strings.ContainsFunc(s.Sid, notAlphanumeric):
			return &source.Problem{Pos: s.Pos, What: fmt.Sprintf("Sid %q has a character that is neither a letter nor a digit", s.Sid), Remedy: "write letters and digits only"}
		}
		for _, c := range s.Conditions {
			if fact.Known(c.Key) && !strings.Contains(c.Key, ":") {
				return &source.Problem{Pos: c.Pos, What: fmt.Sprintf("condition key %q names no service", c.Key), Remedy: `write "service:Key", for instance "aws:SourceIp"`}
			}
		}
	}
	return nil
}

// IAM takes [0-9A-Za-z]* for a Sid, buckets and keys also others.
// [IAM:reference_policies_elements_sid]
func notAlphanumeric(r rune) bool {
	return !(r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z')
}
