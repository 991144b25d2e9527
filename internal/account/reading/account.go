package reading

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"beanpole/internal/account"
	"beanpole/internal/aws"
	"beanpole/internal/fact"
	"beanpole/internal/iam"
)

// Facts are what the reading says, as the facts that decisions are made from.
// What was not read is unknown in them, with the permission that would settle it.
func (r *Reading) Facts() *account.Account {
	a := &account.Account{ID: r.Account, Partition: r.Partition, Region: r.Region, PublicAccess: r.PublicAccess.facts()}
	for _, t := range r.Absent {
		a.Gone(string(t.Kind), t.Name)
	}
	for _, x := range r.NotRead {
		a.Unread(string(x.Kind), x.Name, x.Settles())
	}
	for _, p := range r.Profiles {
		a.Profiles = append(a.Profiles, &account.Profile{Name: p.Name, Path: p.Path, ARN: p.ARN, ID: p.ID, Roles: p.Roles})
	}
	for i := range r.Roles {
		a.Roles = append(a.Roles, r.Roles[i].facts())
	}
	for _, p := range r.Policies {
		m := &account.Managed{ARN: p.ARN, Name: p.ARN[strings.LastIndexByte(p.ARN, '/')+1:]}
		m.Policy, _ = policy("managed policy "+m.Name, p.Document)
		a.Managed = append(a.Managed, m)
	}
	for i := range r.Buckets {
		b := r.Buckets[i].facts()
		for _, t := range r.Absent {
			if key, ok := strings.CutPrefix(t.Name, "s3://"+b.Name+"/"); ok && t.Kind == AnObject {
				b.Absent = append(b.Absent, key)
			}
		}
		a.Buckets = append(a.Buckets, b)
	}
	for i := range r.Keys {
		a.Keys = append(a.Keys, r.Keys[i].facts(r))
	}
	if r.Network != nil {
		r.Network.facts(&a.Network, r.Region)
	}
	for i := range r.MoreNetworks {
		if a.Network.VPC(r.MoreNetworks[i].VPC) != nil {
			continue // the default one, which was also asked for by its ID
		}
		r.MoreNetworks[i].facts(&a.Network, r.Region)
	}
	r.organization(a)
	return a
}

// Settles says which permission would tell what was not read.
func (x *Refusal) Settles() string {
	if x.Refused {
		return fmt.Sprintf("permission %s on %s %q", x.Permission, x.Kind, fact.Show(x.Name))
	}
	return fmt.Sprintf("an answer to %s for %s %q", x.Permission, x.Kind, fact.Show(x.Name))
}

// String is one line for people.
func (x *Refusal) String() string {
	why := x.Code
	switch {
	case x.Refused:
		why = "was refused (" + x.Code + ")"
	case why == "":
		why = "failed: " + x.Message
	default:
		why = "failed (" + x.Code + ")"
	}
	return fmt.Sprintf("not read: %s of %s %q %s: link %s may stay unknown", x.Permission, x.Kind, fact.Show(x.Name), why, x.Link)
}

// policy parses a policy's text; the error says in one line why it cannot be.
func policy(name, text string) (*iam.Policy, error) {
	if text == "" {
		return nil, fmt.Errorf("the text of %s is not known", name)
	}
	return iam.ParseJSON(name, name, []byte(text))
}

func (x *Role) facts() *account.Role {
	r := &account.Role{Name: x.Name, Path: x.Path, ARN: x.ARN, ID: x.ID, Attached: x.Attached, Boundary: x.Boundary,
		PoliciesUnknown: slices.Clone(x.Unknown)}
	r.Trust, _ = policy("the trust policy of role "+x.Name, x.Trust)
	for _, name := range slices.Sorted(maps.Keys(x.Inline)) {
		p, err := policy("inline policy "+name+" of role "+x.Name, x.Inline[name])
		if err != nil {
			r.PoliciesUnknown = append(r.PoliciesUnknown, "inline policy "+name)
			continue
		}
		r.Inline = append(r.Inline, p)
	}
	return r
}

func (x *Bucket) facts() *account.Bucket {
	b := &account.Bucket{Name: x.Name, Region: x.Region, PolicyUnknown: x.PolicyUnknown, PublicAccess: x.PublicAccess.facts(),
		Ownership: x.Ownership, Encryption: x.Encryption.facts(), Objects: map[string]*account.Object{}}
	if x.Region == "" {
		b.Region = fact.Symbol("region of bucket " + x.Name)
	}
	switch {
	case x.Own == nil:
		b.Owner = fact.Symbol("account that owns bucket " + x.Name)
	case !*x.Own: // not listed among the account's own
		b.Owner = "another account"
	}
	if x.EncryptionUnknown != "" {
		b.Encryption = &account.Encryption{Unknown: x.EncryptionUnknown}
	}
	if x.Policy != "" {
		p, err := policy("the policy of bucket "+x.Name, x.Policy)
		if err != nil {
			b.PolicyUnknown = err.Error()
		}
		b.Policy = p
	}
	for _, o := range x.Objects {
		known := &account.Object{Size: o.Size, ETag: o.ETag, Encryption: o.Encryption.facts()}
		if o.EncryptionUnknown != "" {
			known.Encryption = &account.Encryption{Unknown: o.EncryptionUnknown}
		}
		b.Objects[o.Key] = known
	}
	return b
}

func (x *Encryption) facts() *account.Encryption {
	if x == nil {
		return nil
	}
	return &account.Encryption{Algorithm: x.Algorithm, Key: x.Key, BucketKey: verdict(x.BucketKey)}
}

func (x *PublicAccess) facts() *account.PublicAccess {
	if x == nil {
		return nil
	}
	return &account.PublicAccess{BlockPolicy: fact.Of(x.BlockPolicy), Restrict: fact.Of(x.Restrict),
		BlockACLs: fact.Of(x.BlockACLs), IgnoreACLs: fact.Of(x.IgnoreACLs)}
}

func (x *Key) facts(r *Reading) *account.Key {
	k := &account.Key{ID: x.ID, ARN: x.ARN, Owner: x.Owner, Enabled: fact.Of(x.Enabled), PolicyUnknown: x.PolicyUnknown, GrantsKnown: x.GrantsRead}
	if a, ok := aws.ParseARN(x.ARN); ok && a.Account == r.Account {
		k.Owner = ""
	}
	if strings.Contains(x.Asked, "alias/") {
		k.Aliases = []string{x.Asked[strings.Index(x.Asked, "alias/"):]}
	}
	if x.Policy != "" {
		p, err := policy("the policy of key "+x.ID, x.Policy)
		if err != nil {
			k.PolicyUnknown = err.Error()
		}
		k.Policy = p
	} else if k.PolicyUnknown == "" {
		k.PolicyUnknown = "the policy of key " + x.ID
	}
	for _, g := range x.Grants {
		if slices.Contains(g.Operations, "Decrypt") {
			k.Grants = append(k.Grants, g.facts())
		}
	}
	return k
}

func (g *Grant) facts() account.Grant {
	out := account.Grant{ID: g.ID, Grantee: g.Grantee, Context: g.ContextSubset}
	if len(g.ContextEquals) > 0 {
		out.Context, out.Exact = g.ContextEquals, true
	}
	if g.SourceARN != "" {
		out.Unknown = "its constraint SourceArn " + g.SourceARN
	}
	return out
}
