package access

import (
	"slices"
	"strings"

	"beanpole/internal/account"
	"beanpole/internal/aws"
	"beanpole/internal/fact"
	"beanpole/internal/iam"
)

// s3Context is the one pair of the encryption context that S3 gives KMS itself.
// [S3:UsingKMSEncryption, Encryption context]
const s3Context = "aws:s3:arn"

// contextOf is the value of aws:s3:arn that S3 gives KMS with the object: the
// bucket's ARN with an S3 Bucket Key, else the object's; both when that is not
// known. [S3:bucket-key]
func contextOf(a *account.Account, r *S3Request, e *account.Encryption) []string {
	object := resourceARN(a, r)
	bucket := "arn:" + partition(a) + ":s3:::" + r.Bucket
	switch e.BucketKey {
	case fact.Holds:
		return []string{bucket}
	case fact.Broken:
		return []string{object}
	}
	return []string{object, bucket}
}

// granted is a decision about kms:Decrypt after the key's grants: one allows
// what no policy allows. A Deny stays, and so do the organisation's limits.
// [KMS:grants; KMS:policy-evaluation]
func granted(key *account.Key, context []string, q *iam.Request, p *iam.Policies) iam.Decision {
	d := iam.Evaluate(q, p)
	if d.Reason == iam.Allowed || d.Reason == iam.ExplicitDeny || d.Layer == iam.LayerSCP || d.Layer == iam.LayerRCP {
		return d
	}
	v, grants := fact.Broken, "the grants of KMS key "+fact.Show(key.ID)
	if !key.GrantsKnown {
		v = fact.Unknown
	}
	for i := range key.Grants {
		g := &key.Grants[i]
		one := fact.All(grantee(g.Grantee, q.Principal), fits(g, context))
		if one == fact.Unknown && g.Unknown != "" {
			grants += ": " + fact.Show(g.Unknown)
		}
		v = fact.Any(v, one)
	}
	if v == fact.Holds && d.Layer != iam.LayerBoundary {
		return iam.Evaluate(q, withGrant(p))
	}
	if v != fact.Broken { // of a boundary's part AWS's pages say nothing
		d.Reason, d.Missing = iam.NotKnown, append(d.Missing, grants)
	}
	return d
}

// withGrant are policies as a grant to the caller adds to them.
func withGrant(p *iam.Policies) *iam.Policies {
	out := *p
	out.Resource = &iam.Policy{Name: "a grant of the key", Version: "2012-10-17"}
	if p.Resource != nil {
		out.Resource.Name, out.Resource.Version, out.Resource.Pos = p.Resource.Name, p.Resource.Version, p.Resource.Pos
		out.Resource.Statements = slices.Clone(p.Resource.Statements)
	}
	out.Resource.Statements = append(out.Resource.Statements, &iam.Statement{Policy: out.Resource, Index: len(out.Resource.Statements), Effect: iam.Allow,
		Principal: &iam.Principals{Anyone: true}, Actions: []iam.Term{{Text: "kms:Decrypt"}}, Resources: []iam.Term{{Text: "*"}}})
	return &out
}

// grantee tells whether a grant is for a principal. [KMS:grant-authorization,
// create-grant-overview: accounts, users, roles, sessions]
func grantee(name string, who iam.Principal) fact.Verdict {
	session := who.SessionARN
	switch a, ok := aws.ParseARN(name); {
	case !fact.Known(name):
		return fact.Unknown
	case !ok: // a service, or the ID of one that was deleted
		return fact.Broken
	case a.Service == "iam" && a.Resource == "root": // an account: what that is worth its pages do not say
		return fact.All(fact.Equal(a.Account, who.Account), fact.Unknown)
	case a.Service == "sts" && session != "":
		return fact.Equal(name, session)
	case strings.HasPrefix(a.Resource, "role/"), strings.HasPrefix(a.Resource, "user/"):
		return fact.Equal(name, who.ARN)
	}
	return fact.Broken
}

// fits tells whether a grant's constraints let a use of the key through. Who
// wrote the object may have added pairs to its encryption context.
func fits(g *account.Grant, context []string) fact.Verdict {
	v := fact.Holds
	for key, want := range g.Context {
		if key != s3Context {
			v = fact.All(v, fact.Unknown)
			continue
		}
		one := fact.Broken
		for i, have := range context {
			same := fact.Equal(want, have)
			if i > 0 && same != one { // one of them is meant
				same = fact.Unknown
			}
			one = same
		}
		v = fact.All(v, one)
	}
	if g.Exact && len(g.Context) == 1 && v == fact.Holds {
		v = fact.Unknown // unless nobody added a pair, which S3 does not tell
	}
	if g.Unknown != "" {
		v = fact.All(v, fact.Unknown)
	}
	return v
}
