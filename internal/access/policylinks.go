package access

import (
	"fmt"
	"strings"

	"beanpole/internal/account"
	"beanpole/internal/fact"
	"beanpole/internal/iam"
	"beanpole/internal/source"
)

// notS3 is the answer of the two policy links when no policy of AWS bears on
// the fetch, or when it is not known which bucket is meant.
func (x *follower) notS3() (Link, bool) {
	switch t := &x.target; {
	case t.elsewhere:
		return holds(nil, "the file is not in S3"), true
	case t.unknown != "":
		return unknown(nil, t.unknown, "what is asked of S3 is not known"), true
	}
	return Link{}, false
}

// sides are the decisions about a fetch: as S3 makes it, and each side's part
// in it.
type sides struct {
	full iam.Decision
	// identity counts the bucket policy's Allows, if that is in the same
	// account, but not its Denies.
	identity iam.Decision
	// bucket is what the bucket's policy says when all else allows the request.
	// In another account (foreign) it must allow it too.
	bucket  iam.Decision
	foreign fact.Verdict

	b     *account.Bucket
	found fact.Verdict
}

func (x *follower) sides() (s sides) {
	r := x.request(x.caller())
	s.b, s.found = x.a.Bucket(r.Bucket)
	p := policiesOn(x.a, r, s.b)
	q := iamRequest(x.a, r, s.b)
	if s.b == nil {
		p.ResourceUnknown = "the policy of bucket " + quoted(r.Bucket)
	}
	s.full = throughEndpoint(r, keptOut(x.a, r, s.b, iam.Evaluate(q, &p)))
	s.bucket = iam.Evaluate(q, &iam.Policies{Identity: []*iam.Policy{everything}, Resource: p.Resource, ResourceUnknown: p.ResourceUnknown, RCPs: p.RCPs})
	if r.Caller.Anonymous { // has no identity side: does the policy deny, at least?
		s.bucket = iam.Evaluate(q, &iam.Policies{Resource: openedTo(p.Resource), ResourceUnknown: p.ResourceUnknown, RCPs: p.RCPs})
	}

	p.Endpoint, p.RCPs = nil, nil // the network's part, and the bucket's
	own, alone := p, *q
	own.Resource, own.ResourceUnknown, alone.ResourceAccount = nil, "", ""
	s.identity = iam.Evaluate(&alone, &own)
	s.foreign = fact.Not(fact.Equal(q.ResourceAccount, r.Caller.Account))
	if s.foreign == fact.Holds || s.identity.Verdict() == fact.Holds || s.identity.Reason == iam.ExplicitDeny {
		return s
	}
	if p.Resource != nil { // its Allow may do instead
		p.Resource = allowsOf(p.Resource)
	}
	s.identity = iam.Evaluate(q, &p)
	return s
}

// everything stands for an identity side that allows all.
var everything = func() *iam.Policy {
	p := &iam.Policy{Version: "2012-10-17"}
	p.Statements = []*iam.Statement{{Policy: p, Effect: iam.Allow, Actions: []iam.Term{{Text: "*"}}, Resources: []iam.Term{{Text: "*"}}}}
	return p
}()

// openedTo is a bucket policy that also allows everybody everything, so that
// only its Denies are left to decide.
func openedTo(p *iam.Policy) *iam.Policy {
	q := &iam.Policy{Version: "2012-10-17"}
	allow := *everything.Statements[0]
	allow.Policy, allow.Principal = q, &iam.Principals{Anyone: true}
	q.Statements = []*iam.Statement{&allow}
	if p != nil {
		q.Statements = append(q.Statements, p.Statements...)
	}
	return q
}

// allowsOf is a policy without its Denies.
func allowsOf(p *iam.Policy) *iam.Policy {
	q := *p
	q.Statements = nil
	for _, s := range p.Statements {
		if s.Effect == iam.Allow {
			q.Statements = append(q.Statements, s)
		}
	}
	return &q
}

// identity judges the policies of the role that the instances really have.
func (x *follower) identity() Link {
	if l, ok := x.notS3(); ok {
		return l
	}
	switch {
	case x.f.Signer.Kind == Nobody || x.f.Signer.Kind == Basic:
		return holds(nil, "nobody signs: no identity's policies bear on the request")
	case x.byRole() && x.role == nil:
		return unknown(nil, x.missingRole(), "the instances' role is not known")
	}
	d := x.sides().identity
	who := x.who()
	at := statementPlaces(d)
	if x.byRole() {
		at = append(at, x.role.Pos)
	}
	what := fmt.Sprintf("s3:GetObject on %s", quoted(x.target.Bucket+"/"+x.target.Key))
	switch d.Verdict() {
	case fact.Holds:
		l := holds(at, "%s may call %s: allowed by %s", who, what, statements(d))
		if l.Except = x.exceptOrganization(); l.Except != "" {
			l.Says += "; " + l.Except
		}
		return l
	case fact.Broken:
		if d.Layer == iam.LayerSCP {
			return x.byOrganization(at, d, what)
		}
		if d.Reason == iam.ExplicitDeny {
			return broken(at, "%s is denied %s by %s", who, what, statements(d)).decided(d)
		}
		if d.Layer == iam.LayerBoundary {
			return broken(at, "%s may not call %s: the %s does not allow it%s", who, what, d.Layer, nearly(d))
		}
		return broken(at, "%s may not call %s: no policy of the role or the bucket allows it%s", who, what, nearly(d)).decided(d)
	}
	return unknown(at, missing(d, "the policies of "+who), "whether %s may call %s is not known", who, what)
}

func (x *follower) who() string {
	if x.role != nil && x.byRole() {
		return "role " + quoted(x.role.Name)
	}
	return "the owner of access key " + quoted(x.f.Signer.KeyID)
}

// bucket judges existence, region, and what the bucket's policy says.
func (x *follower) bucket() Link {
	if l, ok := x.notS3(); ok {
		return l
	}
	name := quoted(x.target.Bucket)
	s := x.sides()
	b, found := s.b, s.found
	switch {
	case found == fact.Broken:
		return broken([]source.Pos{x.f.URLAt}, "bucket %s does not exist", name)
	case b == nil:
		return unknown(nil, x.creator("bucket", x.target.Bucket), "bucket %s and its policy are not known", name)
	}
	at := []source.Pos{b.Pos}
	r := x.request(x.caller())
	if refused := locate(x.a, b, found, r); refused != nil {
		region := bucketRegion(x.a, b)
		if refused.Verdict == fact.Unknown {
			return unknown(at, "the region of bucket "+name+" (--region)", "whether bucket %s is in the region of the URL is not known", name)
		}
		at = append(at, x.f.URLAt)
		if refused.Code == "InvalidRequest" {
			return broken(at, "bucket %s is in region %s, which takes no Signature Version 2", name, quoted(region))
		}
		return broken(at, "bucket %s is in region %s and does not answer at %s", name, quoted(region), quoted(x.f.URL))
	}
	return x.bucketPolicy(name, at, &s)
}

func (x *follower) bucketPolicy(name string, at []source.Pos, s *sides) Link {
	full := s.full
	if full.Layer == iam.LayerResource {
		at = append(at, statementPlaces(full)...)
	}
	policy := "the policy of bucket " + name
	switch {
	case x.byRole() && x.role == nil:
		return unknown(at, x.missingRole(), "what %s says to the instances' role is not known", policy)
	case s.bucket.Verdict() == fact.Broken && s.bucket.Layer == iam.LayerRCP:
		return byResourceControl(append(at, statementPlaces(s.bucket)...), name, s.bucket)
	case full.Layer == LayerPublicAccess && full.Verdict() == fact.Broken:
		return broken(at, "%s is public, so Block Public Access (RestrictPublicBuckets) lets in nobody from outside the bucket's account", policy)
	case full.Layer == LayerPublicAccess:
		return unknown(at, missing(full, policy), "whether Block Public Access keeps the request out is not known")
	case full.Reason == iam.ExplicitDeny && full.Layer == iam.LayerResource:
		return broken(at, "%s denies the request: %s", policy, statements(full)).decided(full)
	case x.f.Signer.Kind == Nobody && s.bucket.Verdict() == fact.Unknown:
		return unknown(at, missing(s.bucket, policy), "what %s says to everybody is not known", policy)
	case x.f.Signer.Kind == Nobody:
		return holds(at, "bucket %s exists and denies nothing", name)
	case s.foreign == fact.Unknown && !x.byRole():
		return unknown(at, "whose access key "+quoted(x.f.Signer.KeyID)+" is", "whether bucket %s is in its owner's account is not known", name)
	case s.foreign == fact.Unknown:
		return unknown(at, "the account ID", "whether bucket %s is in the same account is not known", name)
	case s.foreign == fact.Holds && s.bucket.Verdict() == fact.Broken:
		return broken(append(at, statementPlaces(s.bucket)...), "%s, in another account, does not allow the request%s", policy, nearly(s.bucket)).decided(s.bucket)
	case s.bucket.Verdict() == fact.Unknown:
		return unknown(at, missing(s.bucket, policy), "what %s says is not known", policy)
	case full.Verdict() == fact.Holds && full.Layer == iam.LayerResource:
		return holds(at, "%s allows it: %s", policy, statements(full))
	}
	return holds(at, "bucket %s exists and denies nothing", name)
}

// decided is a link with what a decision rests on.
func (l Link) decided(d iam.Decision) Link {
	l.By, l.Near = d.By, d.Near
	return l
}

func statementPlaces(d iam.Decision) []source.Pos {
	var ps []source.Pos
	for _, s := range d.By {
		ps = append(ps, s.Pos)
	}
	if len(d.By) == 0 {
		for _, n := range d.Near {
			ps = append(ps, n.Pos)
		}
	}
	return ps
}

// statements names those that decided.
func statements(d iam.Decision) string {
	var out []string
	for _, s := range d.By {
		out = append(out, statementName(s))
	}
	if len(out) == 0 {
		return "no statement"
	}
	return strings.Join(out, " and ")
}

func statementName(s *iam.Statement) string {
	policy := "a policy"
	if s.Policy != nil && s.Policy.Name != "" {
		policy = fact.Show(s.Policy.Name)
	}
	if s.Sid != "" {
		return fmt.Sprintf("statement %q of %s", fact.Show(s.Sid), policy)
	}
	return fmt.Sprintf("statement %d of %s", s.Index+1, policy)
}

// nearly names the statement that came closest.
func nearly(d iam.Decision) string {
	if len(d.Near) == 0 {
		return ""
	}
	n := d.Near[0]
	return fmt.Sprintf("; %s would, but %s", statementName(n.Statement), fact.Show(n.Why))
}

func missing(d iam.Decision, otherwise string) string {
	if len(d.Missing) == 0 {
		return otherwise
	}
	return fact.Show(strings.Join(d.Missing, ", "))
}
