package iam

import (
	"errors"
	"strings"
	"testing"

	"beanpole/internal/fact"
	"beanpole/internal/source"
)

func FuzzParse(f *testing.F) {
	f.Add(`{"Version":"2012-10-17","Statement":[{"Sid":"A","Effect":"Deny","NotPrincipal":{"AWS":["1","arn:aws:iam::1:root"]},"NotAction":"s3:*","Resource":["arn:aws:s3:::${aws:username}/*"],"Condition":{"ForAnyValue:StringLikeIfExists":{"aws:x":["a*",""]},"IpAddress":{"aws:SourceIp":"1.2.3.4/8"}}}]}`)
	f.Add(`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Principal":"*","Condition":{"DateLessThan":{"a":"2020"},"NumericEquals":{"b":1},"Null":{"c":true}}}}`)
	f.Add(`"{\"Statement\":[]}"`)
	f.Fuzz(func(t *testing.T, doc string) {
		p, err := ParseJSON("x", "p.json", []byte(doc))
		if err != nil {
			var pr *source.Problem
			if !errors.As(err, &pr) {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		for _, name := range []string{"web", "made", "root", "none", "ec2"} {
			r := Request{Principal: callers[name], Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k", Context: map[string][]string{"aws:x": {"a", "b"}, "a": {"1"}}, Unsure: []string{"b"}}
			Evaluate(&r, &Policies{Identity: []*Policy{p}, Resource: p})
		}
		for _, u := range []Use{ForIdentity, ForResource, ForTrust} {
			p.Check(u)
		}
	})
}

// Package fact is the judge of what matches.
func FuzzWildcard(f *testing.F) {
	f.Add("a*b?c", "aXXbYc")
	f.Add("*?é*", "aé")
	f.Add("**?", "")
	f.Fuzz(func(t *testing.T, pattern, text string) {
		pattern, text = strings.ToValidUTF8(fact.Clean(pattern), ""), strings.ToValidUTF8(fact.Clean(text), "")
		if strings.ContainsRune(pattern, literalStar) || strings.ContainsRune(pattern, literalMark) {
			return
		}
		if got, want := wildcard(pattern, text, false), fact.Match(pattern, text) == fact.Holds; got != want {
			t.Errorf("%q %q: %v, want %v", pattern, text, got, want)
		}
	})
}

// An operator and its negation say the opposite of each other for whatever the
// request has, and nothing said of an unknown value is wrong for a known one.
func FuzzOperators(f *testing.F) {
	for kind, ops := range judgedOperators {
		for _, op := range ops {
			f.Add(op, judgedPatterns[kind][0], judgedValues[kind][0])
		}
	}
	f.Add("ForAnyValue:StringLike", "*a*${aws:x}*", "${aws:x}")
	f.Fuzz(func(t *testing.T, operator, policy, value string) {
		op, ok := readOperator(operator)
		if !ok {
			return
		}
		ctx := newContext(&Request{Context: map[string][]string{"k": {value}, "aws:x": {"a*"}}, Unsure: []string{"aws:y"}})
		c := Condition{Operator: operator, Key: "K", Values: []Term{{Text: policy}}, op: op}
		got := ctx.condition(&c, version2012)
		if c.op.negated = !c.op.negated; op.quantity == plain && op.kind != null {
			if other := ctx.condition(&c, version2012); other != fact.Not(got) {
				t.Errorf("%s %q of %q is %v, its negation %v", operator, policy, value, got, other)
			}
		}
		c.op = op
		unknown := newContext(&Request{Context: map[string][]string{"k": {fact.Symbol("value")}, "aws:x": {"a*"}}, Unsure: []string{"aws:y"}})
		if before := unknown.condition(&c, version2012); before != fact.Unknown && fact.Known(value) && before != got {
			t.Errorf("%s %q is %v for any value, but %v for %q", operator, policy, before, got, value)
		}
		matchResource(policy, value)
	})
}
