package access

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"beanpole/internal/account"
	"beanpole/internal/fact"
	"beanpole/internal/source"
)

// change is one way in which a world differs from one that works.
type change struct {
	name string
	do   func(w *world)
}

var mistakes = []change{
	{"profile's name", func(w *world) { w.asksIf("shop-profile") }},
	{"other role", func(w *world) { w.asksIf("other-role") }},
	{"ARN", func(w *world) { w.asksIf(w.role.ARN) }},
	{"unsigned", func(w *world) { w.unsigned("") }},
	{"no profile", func(w *world) { w.Profile = nil }},
	{"empty profile", func(w *world) { w.profile.Roles = nil }},
	{"no trust", func(w *world) { w.role.Trust = policy(w.t, "trust", trustEB) }},
	{"no identity", (*world).noIdentity},
	{"may list", func(w *world) { w.role.Inline = append(w.role.Inline, policy(w.t, "list", listCerts)) }},
	{"bucket allows role", func(w *world) { w.policy(forRole) }},
	{"bucket allows all", func(w *world) { w.policy(forAll) }},
	{"bucket denies", func(w *world) { w.policy(denyRole) }},
	{"bucket wants TLS", func(w *world) { w.policy(onlyTLS) }},
	{"bucket wants endpoint", func(w *world) { w.policy(onlyVPC) }},
	{"no bucket", func(w *world) { w.a.Buckets = nil }},
	{"no object", func(w *world) { w.bucket.Objects = nil }},
	{"other region", func(w *world) { w.bucket.Region = "us-east-1" }},
	{"newer region", func(w *world) { w.bucket.Region = "eu-south-1" }},
	{"global URL", func(w *world) { w.fetch("https://certs.s3.amazonaws.com/client.pem") }},
	{"global path", func(w *world) { w.fetch("https://s3.amazonaws.com/certs/client.pem") }},
	{"plain http", func(w *world) { w.fetch("http://certs.s3.amazonaws.com/client.pem") }},
	{"not for the agent", func(w *world) { w.fetch("http://certs.s3.eu-west-1.amazonaws.com/client.pem") }},
	{"other account", func(w *world) { w.bucket.Owner = "444455556666" }},
	{"key for its account", func(w *world) { w.underKey(keyRoot) }},
	{"key for the role", func(w *world) { w.underKey(keyRole) }},
	{"key for others", func(w *world) { w.underKey(keyAdmin) }},
	{"disabled key", func(w *world) { w.underKey(keyRole).Enabled = fact.Broken }},
	{"AWS's key", func(w *world) { w.bucket.Encryption = &account.Encryption{Algorithm: "aws:kms"} }},
	{"may decrypt", func(w *world) { w.also(decrypt) }},
	{"restricted", func(w *world) { w.bucket.PublicAccess.Restrict = fact.Holds }},
	{"writer owns", func(w *world) { w.bucket.Ownership = account.ObjectWriter }},
	{"foreign object", func(w *world) {
		if o := w.bucket.Objects["client.pem"]; o != nil {
			o.Owner, o.Shared = "444455556666", fact.Broken
		}
	}},
	{"dead principal", func(w *world) { w.policy(deadRole) }},
	{"NotPrincipal", func(w *world) { w.policy(butRole) }},
	{"endpoint", func(w *world) { w.through("") }},
	{"endpoint for others", func(w *world) { w.through(strings.ReplaceAll(forAll, "certs", "others")) }},
	{"no way out", func(w *world) { w.inVPC(); w.a.Network.Endpoints = nil }},
	{"NAT", func(w *world) { w.behindNAT() }},
	{"no DNS", func(w *world) { w.inPublic(); w.a.Network.VPCs[0].DNSSupport = fact.Broken }},
	{"a list without answers", func(w *world) {
		w.inPublic()
		w.listed(entry(100, true, true, rule("-1", -1, -1, anywhere)))
	}},
	{"boundary", func(w *world) {
		w.role.Boundary = "arn:aws:iam::111122223333:policy/b"
		w.a.Managed = append(w.a.Managed, &account.Managed{ARN: w.role.Boundary, Policy: policy(w.t, "boundary", denyNothing)})
	}},
}

const denyNothing = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"logs:*","Resource":"*"}]}`

// lapses take knowledge away and change nothing in the world.
var lapses = []change{
	{"not complete", func(w *world) { w.a.Complete = false }},
	{"profile elsewhere", func(w *world) { w.a.Complete, w.a.Profiles = false, nil }},
	{"roles elsewhere", func(w *world) { w.a.Complete, w.a.Roles = false, nil }},
	{"buckets elsewhere", func(w *world) { w.a.Complete, w.a.Buckets = false, nil }},
	{"policies elsewhere", func(w *world) { w.a.Complete, w.a.Managed = false, nil }},
	{"option", func(w *world) { w.Profile, w.ProfileUnknown = nil, "the option" }},
	{"profile's role", func(w *world) {
		if len(w.profile.Roles) > 0 {
			w.profile.Roles = []string{fact.Symbol("role")}
		}
	}},
	{"role's name", func(w *world) { w.asksIf(fact.Symbol("role name")) }},
	{"trust", func(w *world) { w.role.Trust = nil }},
	{"a policy of the role", func(w *world) { w.role.Inline, w.role.PoliciesUnknown = nil, []string{"inline policy"} }},
	{"bucket policy", func(w *world) { w.bucket.Policy, w.bucket.PolicyUnknown = nil, "bucket policy" }},
	{"region", func(w *world) { w.bucket.Region = fact.Symbol("region") }},
	{"bucket's name", func(w *world) { w.bucket.Name = fact.Symbol("bucket") }},
	{"objects", func(w *world) { w.bucket.Objects, w.bucket.ObjectsComplete = nil, false }},
	{"account ID", func(w *world) { w.a.ID = fact.Symbol("AWS::AccountId") }},
	{"network", func(w *world) { w.Reachable, w.Context = false, nil }},
	{"instance", func(w *world) { w.Instance = "" }},
	{"key policy", func(w *world) {
		for _, k := range w.a.Keys {
			k.Policy, k.PolicyUnknown = nil, "key policy"
		}
	}},
	{"key's state", func(w *world) {
		for _, k := range w.a.Keys {
			k.Enabled = fact.Unknown
		}
	}},
	{"grants", func(w *world) {
		for _, k := range w.a.Keys {
			k.GrantsKnown = false
		}
	}},
	{"keys elsewhere", func(w *world) { w.a.Complete, w.a.Keys = false, nil }},
	{"Block Public Access", func(w *world) { w.bucket.PublicAccess = nil }},
	{"ownership", func(w *world) { w.bucket.Ownership = "" }},
	{"encryption", func(w *world) { w.bucket.Encryption = &account.Encryption{Unknown: "encryption"} }},
	{"placement", func(w *world) { w.Placement, w.Reachable = nil, false }},
	{"subnets", func(w *world) {
		if w.Placement != nil {
			w.Placement.Subnets, w.Reachable = []string{fact.Symbol("subnet")}, false
		}
	}},
	{"routes", func(w *world) { w.a.Network.RouteTables, w.Reachable = nil, false }},
	{"other resources", func(w *world) { w.a.Network.Others, w.Reachable = []string{"nested stack"}, false }},
	{"endpoint policy", func(w *world) {
		for _, e := range w.a.Network.Endpoints {
			e.Policy, e.PolicyUnknown, w.Reachable = nil, "endpoint policy", false
		}
	}},
	{"lists", func(w *world) { w.a.Network.ACLs, w.Reachable = nil, false }},
}

// asksIf changes the name that is asked for, if one is.
func (w *world) asksIf(role string) {
	if w.f.Signer.Kind == RoleKeys {
		w.f.Signer.Role = source.NewString(role, w.f.Signer.Role.Pos)
	}
}

// What is forgotten may make an answer unknown, never another one: a verdict
// is given only when it holds whatever the missing facts turn out to be.
func TestForgettingFactsNeverTurnsAnAnswer(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 8))
	kinds := map[string]int{}
	for range 6000 {
		var changes, forgotten []change
		for range rnd.IntN(4) {
			changes = append(changes, mistakes[rnd.IntN(len(mistakes))])
		}
		for range 1 + rnd.IntN(3) {
			forgotten = append(forgotten, lapses[rnd.IntN(len(lapses))])
		}
		before, after := working(t), working(t)
		what := ""
		for _, c := range changes {
			c.do(before)
			c.do(after)
			what += c.name + ", "
		}
		what += "forgotten"
		for _, c := range forgotten {
			c.do(after)
			what += " " + c.name
		}
		known, less := Follow(before.World, before.f), Follow(after.World, after.f)
		kinds[fmt.Sprint(known.Answer.Status, known.Answer.Code, less.Answer.Verdict)]++
		if known.Answer.Verdict == fact.Unknown {
			t.Fatalf("%s: everything is known, the answer is not", what)
		}
		// A network that is not known is taken to lead to S3: the fetch that S3
		// refuses fails in any case, if not there then on the way or at an endpoint.
		onTheWay := known.Link(Network).Verdict == fact.Broken && less.Answer.Verdict == fact.Broken
		if less.Answer.Verdict != fact.Unknown && less.Answer != known.Answer && !onTheWay {
			t.Fatalf("%s: %d %s %v turned into %d %s %v", what, known.Answer.Status, known.Answer.Code, known.Answer.Verdict,
				less.Answer.Status, less.Answer.Code, less.Answer.Verdict)
		}
		consistent(t, what, known)
		consistent(t, what, less)
		for i := range less.Links {
			k, l := known.Links[i], less.Links[i]
			if l.Verdict != fact.Unknown && k.Verdict != fact.Unknown && l.Verdict != k.Verdict && l.Name != Name {
				t.Fatalf("%s: link %s turned from %v (%s) to %v (%s)", what, l.Name, k.Verdict, k.Says, l.Verdict, l.Says)
			}
		}
	}
	if len(kinds) < 15 {
		t.Errorf("the worlds are too much alike: %v", kinds)
	}
}

// consistent: links and answer tell the same story.
func consistent(t *testing.T, what string, c *Chain) {
	t.Helper()
	cause := c.Cause()
	switch {
	case c.Answer.Verdict == fact.Holds && cause != nil:
		t.Fatalf("%s: the file arrives, but %s is broken: %s", what, cause.Name, cause.Says)
	case c.Answer.Verdict == fact.Broken && cause == nil:
		t.Fatalf("%s: %d %s, but no link is broken", what, c.Answer.Status, c.Answer.Code)
	}
	for _, l := range c.Links {
		if (l.Missing != "") != (l.Verdict == fact.Unknown) {
			t.Fatalf("%s: %s is %v, missing %q", what, l.Name, l.Verdict, l.Missing)
		}
	}
}

func TestFollowTakesAnyInput(t *testing.T) {
	for _, u := range []string{"", ":", "://", "https://", "https://s3.amazonaws.com", "https://s3.amazonaws.com/", "https://b.s3.eu-west-1.amazonaws.com", "s3://b/k", "https://%zz/%zz", "ftp://x", fact.Symbol("u"), "https://" + fact.Symbol("h") + "/k", "https://b.s3.eu-west-1.amazonaws.com/%zz", "https://u:p@b.s3.eu-west-1.amazonaws.com/k#f"} {
		for _, kind := range []SignerKind{Nobody, RoleKeys, StaticKeys, Basic} {
			w := working(t)
			w.fetch(u)
			w.f.Signer.Kind = kind
			consistent(t, fmt.Sprintf("%q %d", u, kind), Follow(w.World, w.f))
			w.f.Signer.Role = nil
			consistent(t, fmt.Sprintf("%q %d", u, kind), Follow(&World{}, w.f))
			w.f.Signer.Role = &source.Node{Kind: source.Map}
			consistent(t, fmt.Sprintf("%q %d", u, kind), Follow(w.World, w.f))
		}
	}
}
