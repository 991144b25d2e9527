package iam

import (
	"strings"
	"sync"

	"beanpole/internal/aws"
	"beanpole/internal/fact"
	"beanpole/internal/source"
)

// AWSManaged is the AWS managed policy of that ARN, in the version that the
// table in manageddata.go states. ok is false for those that it does not hold:
// their text is then not known, as it is in partitions other than "aws", where
// the ARNs in it differ. Treat the policy as read-only.
func AWSManaged(arn string) (p *Policy, ok bool) {
	a, ok := aws.ParseARN(arn)
	if !ok || a.Service != "iam" || a.Account != "aws" || fact.Equal(a.Partition, "aws") == fact.Broken {
		return nil, false
	}
	name, ok := strings.CutPrefix(a.Resource, "policy/")
	if !ok {
		return nil, false
	}
	p, ok = managedPolicies()[name]
	return p, ok
}

var managedPolicies = sync.OnceValue(func() map[string]*Policy {
	out := map[string]*Policy{}
	for path, grants := range managed {
		name := path[strings.LastIndexByte(path, '/')+1:]
		p := &Policy{Name: "AWS managed policy " + name, Version: version2012, Pos: source.Pos{File: "arn:aws:iam::aws:policy/" + path}}
		for i, g := range grants {
			s := &Statement{Policy: p, Index: i, Sid: g.sid, Effect: Allow, Resources: managedTerms(g.on, p.Pos), Conditions: g.iff, Pos: p.Pos}
			for _, group := range g.do {
				s.Actions = append(s.Actions, managedActions(group, p.Pos)...)
			}
			p.Statements = append(p.Statements, s)
		}
		out[path] = p
	}
	return out
})

// managedActions reads "service:A B C".
func managedActions(group string, at source.Pos) []Term {
	service, names, ok := strings.Cut(group, ":")
	if !ok {
		return []Term{{group, at}}
	}
	var out []Term
	for _, n := range strings.Fields(names) {
		out = append(out, Term{service + ":" + n, at})
	}
	return out
}

func managedTerms(texts []string, at source.Pos) []Term {
	if texts == nil {
		texts = []string{"*"}
	}
	out := make([]Term, len(texts))
	for i, t := range texts {
		out[i] = Term{t, at}
	}
	return out
}
