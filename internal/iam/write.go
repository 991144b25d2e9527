package iam

import (
	"encoding/json"
	"fmt"

	"beanpole/internal/fact"
)

// Text is a parsed policy as a document again; nil is one without statements.
// Every text in it must be known.
func (p *Policy) Text() (string, error) {
	doc := map[string]any{"Statement": []any{}}
	if p == nil {
		p = &Policy{}
	}
	if p.Version != "" {
		doc["Version"] = p.Version
	}
	var all []any
	for _, st := range p.Statements {
		all = append(all, written(st))
	}
	if all != nil {
		doc["Statement"] = all
	}
	data, err := json.Marshal(doc)
	if err != nil {
		return "", fmt.Errorf("write policy %s: %w", p.Name, err)
	}
	if !fact.Known(string(data)) {
		return "", fmt.Errorf("write policy %s: it holds what is not known: %v", p.Name, fact.Missing(string(data)))
	}
	return string(data), nil
}

func written(st *Statement) map[string]any {
	m := map[string]any{"Effect": string(st.Effect)}
	if st.Sid != "" {
		m["Sid"] = st.Sid
	}
	for name, ts := range map[string][]Term{"Action": st.Actions, "NotAction": st.NotActions, "Resource": st.Resources, "NotResource": st.NotResources} {
		if len(ts) > 0 {
			m[name] = textsOf(ts)
		}
	}
	for name, ps := range map[string]*Principals{"Principal": st.Principal, "NotPrincipal": st.NotPrincipal} {
		if ps != nil {
			m[name] = writtenPrincipals(ps)
		}
	}
	conditions := map[string]map[string][]string{}
	for _, c := range st.Conditions {
		if conditions[c.Operator] == nil {
			conditions[c.Operator] = map[string][]string{}
		}
		conditions[c.Operator][c.Key] = textsOf(c.Values)
	}
	if len(conditions) > 0 {
		m["Condition"] = conditions
	}
	return m
}

func writtenPrincipals(ps *Principals) any {
	if ps.Anyone {
		return "*"
	}
	m := map[string]any{}
	for name, ts := range map[string][]Term{"AWS": ps.AWS, "Service": ps.Service, "Federated": ps.Federated, "CanonicalUser": ps.Canonical} {
		if len(ts) > 0 {
			m[name] = textsOf(ts)
		}
	}
	return m
}

func textsOf(ts []Term) []string {
	out := []string{}
	for _, t := range ts {
		out = append(out, t.Text)
	}
	return out
}
