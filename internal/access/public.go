package access

import (
	"net/netip"
	"strings"

	"beanpole/internal/account"
	"beanpole/internal/fact"
	"beanpole/internal/iam"
)

// Public tells whether S3 counts a bucket policy as public: an Allow that is
// not limited to fixed principals, or by fixed values of certain condition
// keys. [S3:access-control-block-public-access, The meaning of "public"]
func Public(p *iam.Policy) fact.Verdict {
	v := fact.Broken
	if p == nil {
		return v
	}
	for _, s := range p.Statements {
		if s.Effect == iam.Allow {
			v = fact.Any(v, openTo(s))
		}
	}
	return v
}

func openTo(s *iam.Statement) fact.Verdict {
	switch {
	case s.Principal == nil && s.NotPrincipal == nil:
		return fact.Broken
	case s.Principal != nil && !s.Principal.Anyone:
		v := fact.Broken
		for _, t := range s.Principal.AWS { // a text that may turn out to be *
			v = fact.Any(v, fact.Equal(t.Text, "*"))
		}
		if v == fact.Broken {
			return v
		}
	}
	v := fact.Holds
	for i := range s.Conditions {
		v = fact.All(v, fact.Not(limits(&s.Conditions[i])))
	}
	return v
}

// limiting are the condition keys that keep a policy from being public. Of
// those that name the principal the guide says no more than "an AWS
// principal", so that what it makes of them is not known.
var limiting = map[string]fact.Verdict{
	"aws:sourceip": fact.Holds, "aws:sourcearn": fact.Holds, "aws:sourcevpc": fact.Holds, "aws:sourcevpce": fact.Holds,
	"aws:sourceowner": fact.Holds, "aws:sourceaccount": fact.Holds, "aws:userid": fact.Holds,
	"s3:dataaccesspointarn": fact.Holds, "s3:dataaccesspointaccount": fact.Holds, "aws:principalorgid": fact.Holds,
	"aws:principalarn": fact.Unknown, "aws:principalaccount": fact.Unknown, "aws:principalorgpaths": fact.Unknown,
}

// limits tells whether a condition keeps its statement from being public.
func limits(c *iam.Condition) fact.Verdict {
	key := strings.ToLower(c.Key)
	v, listed := limiting[key]
	switch operator := strings.ToLower(c.Operator); {
	case !listed:
		return fact.Broken
	case key == "aws:sourceip" && operator != "ipaddress":
		return fact.Broken
	case key == "aws:sourceip":
		return narrow(c)
	}
	switch strings.ToLower(c.Operator) {
	case "stringequals", "stringlike", "stringequalsignorecase", "arnequals", "arnlike":
	default:
		return fact.Broken
	}
	for _, t := range c.Values {
		switch {
		case !fact.Known(t.Text):
			v = fact.All(v, fact.Unknown)
		case strings.ContainsAny(t.Text, "*?") || strings.Contains(t.Text, "${"):
			return fact.Broken
		}
	}
	return v
}

// narrow: ranges wider than /8 count as everybody, private ones aside.
func narrow(c *iam.Condition) fact.Verdict {
	v := fact.Holds
	for _, t := range c.Values {
		prefix, err := netip.ParsePrefix(t.Text)
		switch {
		case !fact.Known(t.Text):
			v = fact.All(v, fact.Unknown)
		case err != nil: // a single address
		case prefix.Addr().Is4() && prefix.Bits() < 8, prefix.Addr().Is6() && prefix.Bits() < 32:
			return fact.Broken
		}
	}
	return v
}

// restricted tells whether RestrictPublicBuckets keeps out the principals of
// other accounts, and those of none: it does when the policy is public.
func restricted(a *account.Account, b *account.Bucket) fact.Verdict {
	public := Public(b.Policy)
	if b.Policy == nil && b.PolicyUnknown != "" {
		public = fact.Unknown
	}
	return fact.All(public, blocked(a, b, func(x *account.PublicAccess) fact.Verdict { return x.Restrict }))
}

// PolicyBlocked tells whether S3 refuses to save a policy for the bucket, since
// it is public and BlockPublicPolicy is on.
func PolicyBlocked(a *account.Account, b *account.Bucket, p *iam.Policy) fact.Verdict {
	return fact.All(Public(p), blocked(a, b, func(x *account.PublicAccess) fact.Verdict { return x.BlockPolicy }))
}

// blocked joins a setting of the bucket with the account's: the stricter holds.
func blocked(a *account.Account, b *account.Bucket, of func(*account.PublicAccess) fact.Verdict) fact.Verdict {
	v := fact.Unknown
	if b.PublicAccess != nil {
		v = of(b.PublicAccess)
	}
	if a.PublicAccess != nil {
		return fact.Any(v, of(a.PublicAccess))
	}
	if a.Complete {
		return v
	}
	return fact.Any(v, fact.Unknown)
}
