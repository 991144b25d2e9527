package iam

import (
	"fmt"
	"math/rand"
	"strings"
	"testing"

	"beanpole/internal/source"
)

// A decision reached with unknown parts must stay the same whatever those
// parts turn out to be: else something was guessed.
func TestKnowingMoreNeverOverturnsADecision(t *testing.T) {
	rnd := rand.New(rand.NewSource(7))
	known, open := 0, 0
	for i := range 3000 {
		w := randomWorld(rnd)
		before := w.decide(t, nil)
		for range 6 {
			values := map[string]string{}
			for _, n := range []string{"a", "b", "who"} {
				values[n] = pick(rnd, "x", "y", "111111111111", "222222222222", "web", "s3:GetObject", "arn:aws:iam::111111111111:role/team/web", "x/k")
			}
			after := w.decide(t, values)
			if before.Reason == NotKnown {
				open++
				continue
			}
			known++
			if before.Verdict() != after.Verdict() {
				t.Fatalf("%d: %s became %s with %v:\n%+v", i, outcomeText(before), outcomeText(after), values, w)
			}
		}
		if before.Reason == NotKnown && len(before.Missing) == 0 {
			t.Errorf("%d: nothing named as missing", i)
		}
	}
	if known < 1000 || open < 1000 {
		t.Errorf("only %d known and %d open decisions compared", known, open)
	}
}

// world is a request with its policies as texts; <name> is unknown.
type world struct {
	identity, boundary, resource string
	caller, owner, resourceARN   string
	must                         bool
	key                          string
}

func pick(r *rand.Rand, of ...string) string { return of[r.Intn(len(of))] }

func randomWorld(r *rand.Rand) world {
	return world{
		identity: randomPolicy(r, false), boundary: pick(r, "", "", randomPolicy(r, false)), resource: pick(r, "", randomPolicy(r, true), randomPolicy(r, true)),
		caller: pick(r, "web", "ann", "none", "root"), owner: pick(r, "", "", "111111111111", "222222222222", "<a>"),
		resourceARN: pick(r, "arn:aws:s3:::x/k", "arn:aws:s3:::<a>/k", "arn:aws:s3:::x", "arn:aws:s3:::x/<b>"), must: r.Intn(5) == 0, key: pick(r, "", "x", "y", "<b>"),
	}
}

func randomPolicy(r *rand.Rand, principals bool) string {
	var out []string
	for range 1 + r.Intn(3) {
		var b strings.Builder
		fmt.Fprintf(&b, `{"Effect": %q, "%s": %q, "%s": %q`, pick(r, "Allow", "Allow", "Deny"), pick(r, "Action", "Action", "NotAction"), pick(r, "s3:GetObject", "s3:*", "s3:Put*", "<who>"),
			pick(r, "Resource", "Resource", "NotResource"), pick(r, "*", "arn:aws:s3:::x/*", "arn:aws:s3:::<a>/*", "arn:aws:s3:::<a>", "arn:aws:s3:::${k}/*"))
		if principals {
			fmt.Fprintf(&b, `, "%s": {"AWS": [%q, %q]}`, pick(r, "Principal", "Principal", "NotPrincipal"),
				pick(r, "111111111111", "<who>", "arn:aws:iam::<who>:root", "arn:aws:iam::111111111111:role/team/<who>", "arn:aws:iam::111111111111:user/dev/ann"),
				pick(r, "arn:aws:iam::111111111111:role/team/web", "arn:aws:sts::111111111111:assumed-role/<who>/i-0abc", "222222222222"))
		}
		if r.Intn(2) == 0 {
			fmt.Fprintf(&b, `, "Condition": {%q: {"k": [%q, %q]}}`, pick(r, "StringEquals", "StringNotEquals", "StringLike", "StringNotLikeIfExists", "ForAllValues:StringEquals", "StringEqualsIgnoreCase"), pick(r, "x", "<a>", "${k}"), pick(r, "y", "<b>*"))
		}
		out = append(out, b.String()+"}")
	}
	return `{"Version": "2012-10-17", "Statement": [` + strings.Join(out, ",") + `]}`
}

// decide decides with symbols for the names that values does not have.
func (w world) decide(t *testing.T, values map[string]string) Decision {
	fill := func(s string) string {
		for n, v := range values {
			s = strings.ReplaceAll(s, "<"+n+">", v)
		}
		return s
	}
	policy := func(name, text string) *Policy {
		if text == "" {
			return nil
		}
		n, err := source.ParseJSON("p.json", []byte(fill(text)))
		if err != nil {
			t.Fatal(err)
		}
		unknownNodes(n)
		if as := n.Get("Statement"); as != nil {
			for _, s := range as.Items { // an action without a service is no policy
				for _, f := range s.Fields {
					if strings.HasSuffix(f.Key.Text, "Action") && strings.Count(f.Value.Text, ":") != 1 && values != nil {
						f.Value.Text = "none:" + strings.ReplaceAll(f.Value.Text, ":", "-")
					}
				}
			}
		}
		p, err := Parse(name, n)
		if err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		return p
	}
	r := Request{Principal: callers[w.caller], Action: "s3:GetObject", Resource: unknowns(fill(w.resourceARN)), ResourceAccount: unknowns(fill(w.owner)), Context: map[string][]string{}}
	if w.key != "" {
		r.Context["k"] = []string{unknowns(fill(w.key))}
	}
	ps := Policies{Identity: []*Policy{policy("identity", w.identity)}, Boundary: policy("boundary", w.boundary), Resource: policy("resource", w.resource), ResourceMustAllow: w.must}
	return Evaluate(&r, &ps)
}
