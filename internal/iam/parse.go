package iam

import (
	"fmt"
	"strings"

	"beanpole/internal/fact"
	"beanpole/internal/source"
)

// Parse reads a policy document from a resolved node; a text node that holds
// JSON is read too, with the places inside it. The error is a *source.Problem
// for what AWS refuses, with the place. Which elements a policy must have
// depends on its use: see [Policy.Check]. [IAM:reference_policies_grammar]
func Parse(name string, n *source.Node) (*Policy, error) {
	if n != nil && n.Kind == source.String {
		if missing := fact.Missing(n.Text); strings.TrimSpace(n.Text) != "" && !strings.Contains(n.Text, "{") && missing != nil {
			return nil, problem(n, "the text of %s is not known: it depends on %s", name, strings.Join(missing, ", "))
		}
		inner, err := n.ParseJSON(0, len(n.Text))
		if err != nil {
			return nil, err
		}
		if inner == nil {
			return nil, problem(n, "%s is empty", name)
		}
		n = inner
	}
	if n == nil || n.Kind != source.Map {
		return nil, problem(n, "%s is no policy document: it must be an object", name)
	}
	return parsePolicy(name, n)
}

// ParseJSON reads a policy document from JSON text; file names it in places.
func ParseJSON(name, file string, data []byte) (*Policy, error) {
	n, err := source.ParseJSON(file, data)
	if err != nil {
		return nil, err
	}
	if n == nil {
		return nil, &source.Problem{Pos: source.Pos{File: file}, What: name + " is empty"}
	}
	return Parse(name, n)
}

func problem(n *source.Node, format string, args ...any) error {
	return &source.Problem{Pos: n.Place(), What: fmt.Sprintf(format, args...)}
}

func parsePolicy(name string, n *source.Node) (*Policy, error) {
	if size(n, 0) > largestPolicy {
		return nil, problem(n, "%s holds more than 1 MiB of text; AWS takes no policy that long", name)
	}
	p := &Policy{Name: name, Pos: n.Pos}
	if err := wantKeys(n, "a policy", policyKeys); err != nil {
		return nil, err
	}
	var err error
	if p.Version, err = text(n, "Version"); err != nil {
		return nil, err
	}
	if v := n.Get("Version"); v != nil && p.Version != version2012 && p.Version != "2008-10-17" {
		return nil, &source.Problem{Pos: v.Pos, What: fmt.Sprintf("policy Version %q is none of AWS's", p.Version), Remedy: `write "2012-10-17"`}
	}
	if p.ID, err = text(n, "Id"); err != nil {
		return nil, err
	}
	st := n.Get("Statement")
	switch {
	case st == nil || st.Kind == source.Null:
		return nil, problem(n, "%s has no Statement", name)
	case st.Kind == source.Map:
		return p, p.add(st)
	case st.Kind != source.Seq:
		return nil, problem(st, "Statement must be an object or a list of objects")
	}
	for _, item := range st.Items {
		if err := p.add(item); err != nil {
			return nil, err
		}
	}
	return p, p.uniqueSids()
}

// largestPolicy bounds the work on hostile input, far above what AWS takes: 20
// KiB for a bucket, 32 KiB for a key, less for identities.
// [IAM:reference_iam-quotas; S3:bucket-policies; KMS:limits]
const largestPolicy = 1 << 20

// size adds the texts below n to what was counted before, and gives up early.
func size(n *source.Node, before int) int {
	before += len(n.Text)
	for i := 0; i < len(n.Items) && before <= largestPolicy; i++ {
		if n.Items[i] != nil {
			before = size(n.Items[i], before)
		}
	}
	for i := 0; i < len(n.Fields) && before <= largestPolicy; i++ {
		if before += len(n.Fields[i].Key.Text); n.Fields[i].Value != nil {
			before = size(n.Fields[i].Value, before)
		}
	}
	return before
}

const version2012 = "2012-10-17"

var (
	policyKeys    = []string{"Version", "Id", "Statement"}
	statementKeys = []string{"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"}
)

// wantKeys refuses elements that the language does not have, and repeated
// ones, of which AWS would see only one.
func wantKeys(n *source.Node, what string, keys []string) error {
	seen := map[string]bool{}
	for _, f := range n.Fields {
		k := f.Key.Text
		if seen[k] {
			return &source.Problem{Pos: f.Key.Pos, What: fmt.Sprintf("%q stands twice in %s", k, what), Remedy: "put both values into one list"}
		}
		seen[k] = true
		if contains(keys, k) {
			continue
		}
		p := &source.Problem{Pos: f.Key.Pos, What: fmt.Sprintf("AWS refuses %q in %s", k, what)}
		for _, right := range keys {
			if strings.EqualFold(strings.TrimSuffix(strings.ToLower(k), "s"), strings.TrimSuffix(strings.ToLower(right), "s")) {
				p.Remedy = fmt.Sprintf("write %q", right)
			}
		}
		return p
	}
	return nil
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// text is the text under key, "" when there is none.
func text(n *source.Node, key string) (string, error) {
	v := n.Get(key)
	if v == nil {
		return "", nil
	}
	s, ok := v.Str()
	if !ok {
		return "", problem(v, "%s must be a text", key)
	}
	return s, nil
}

func (p *Policy) uniqueSids() error {
	seen := map[string]bool{}
	for _, s := range p.Statements {
		if s.Sid != "" && seen[s.Sid] {
			return &source.Problem{Pos: s.Pos, What: fmt.Sprintf("Sid %q stands twice in %s", s.Sid, p.Name), Remedy: "give each statement its own Sid, or none"}
		}
		seen[s.Sid] = true
	}
	return nil
}

// add reads one statement.
func (p *Policy) add(n *source.Node) error {
	if n.Kind != source.Map {
		return problem(n, "a statement must be an object")
	}
	if err := wantKeys(n, "a statement", statementKeys); err != nil {
		return err
	}
	s := &Statement{Policy: p, Index: len(p.Statements), Pos: n.Pos}
	var err error
	if s.Sid, err = text(n, "Sid"); err != nil {
		return err
	}
	effect, err := text(n, "Effect")
	if err != nil {
		return err
	}
	s.Effect = Effect(effect)
	if s.Effect != Allow && s.Effect != Deny {
		if e := n.Get("Effect"); e != nil {
			return &source.Problem{Pos: e.Pos, What: fmt.Sprintf("Effect %q is neither Allow nor Deny", fact.Show(effect))}
		}
		return problem(n, "a statement has no Effect")
	}
	for _, read := range []func(*source.Node) error{s.readPrincipals, s.readActions, s.readResources, s.readConditions} {
		if err := read(n); err != nil {
			return err
		}
	}
	p.Statements = append(p.Statements, s)
	return nil
}

// pair reads an element and its negation, of which only one may stand.
func pair(n *source.Node, key string) (yes, no []Term, err error) {
	a, b := n.Get(key), n.Get("Not"+key)
	if a != nil && b != nil {
		return nil, nil, problem(b, "a statement has both %s and Not%s", key, key)
	}
	if yes, err = terms(a, key); err != nil {
		return nil, nil, err
	}
	no, err = terms(b, "Not"+key)
	return yes, no, err
}

// terms reads a text or a list of texts. Nil gives nil; an empty list is a
// mistake, for it would turn into "no such element".
func terms(n *source.Node, key string) ([]Term, error) {
	switch {
	case n == nil:
		return nil, nil
	case n.Kind == source.Seq:
		if len(n.Items) == 0 {
			return nil, problem(n, "%s is an empty list", key)
		}
		out := make([]Term, 0, len(n.Items))
		for _, x := range n.Items {
			s, ok := x.Str()
			if !ok {
				return nil, problem(x, "%s must hold texts", key)
			}
			out = append(out, Term{s, x.Pos})
		}
		return out, nil
	}
	s, ok := n.Str()
	if !ok {
		return nil, problem(n, "%s must be a text or a list of texts", key)
	}
	return []Term{{s, n.Pos}}, nil
}

func (s *Statement) readActions(n *source.Node) (err error) {
	if s.Actions, s.NotActions, err = pair(n, "Action"); err != nil {
		return err
	}
	if s.Actions == nil && s.NotActions == nil {
		return problem(n, "a statement has neither Action nor NotAction")
	}
	for _, list := range [][]Term{s.Actions, s.NotActions} {
		for _, t := range list {
			if err := actionForm(t); err != nil {
				return err
			}
		}
	}
	return nil
}

// actionForm wants "service:Action": IAM answers MalformedPolicyDocument to an
// action that is not "prefaced by a vendor" or has more than one colon.
func actionForm(t Term) error {
	colons := strings.Count(t.Text, ":")
	if t.Text == "*" || !fact.Known(t.Text) || colons == 1 {
		return nil
	}
	what := "names no service"
	if colons > 1 {
		what = "has more than one colon"
	}
	return &source.Problem{Pos: t.Pos, What: fmt.Sprintf("action %q %s", t.Text, what), Remedy: `write "service:Action", for instance "s3:GetObject"`}
}

func (s *Statement) readResources(n *source.Node) (err error) {
	if s.Resources, s.NotResources, err = pair(n, "Resource"); err != nil {
		return err
	}
	for _, list := range [][]Term{s.Resources, s.NotResources} {
		for _, t := range list {
			if fact.Known(t.Text) && !strings.HasPrefix(t.Text, "arn:") && !strings.HasPrefix(t.Text, "*") {
				return &source.Problem{Pos: t.Pos, What: fmt.Sprintf("resource %q must be in ARN format or \"*\"", t.Text)}
			}
		}
	}
	return nil
}
