// Package account is what exists in an AWS account as one plain value: roles,
// instance profiles, policies, buckets, objects. Every fact is known, absent
// or unknown, with the place that it comes from. The value is filled from a
// template (package account/template) or a Terraform plan (account/terraform),
// from the local cloud's state, or from
// a live account.
package account

import (
	"beanpole/internal/fact"
	"beanpole/internal/iam"
	"beanpole/internal/source"
)

// Account is one account in one region's view.
type Account struct {
	ID        string // 12 digits, or a text with unknown parts
	Partition string // "aws"
	Region    string // may be an unknown text

	Roles    []*Role
	Profiles []*Profile
	Users    []*User
	// Managed are customer managed policies, and AWS's where known.
	Managed []*Managed
	Buckets []*Bucket
	Keys    []*Key
	Network Network

	// PublicAccess is Block Public Access of the whole account, on top of each
	// bucket's; nil: nothing is known of it.
	PublicAccess *PublicAccess
	// SCPs and RCPs are the organisation's policies for the account, level by
	// level from the root, where given; none: it is in no organisation, as far
	// as is known.
	SCPs, RCPs [][]*iam.Policy
	// Org is the organisation; nil: nobody asked.
	Org *Organization

	// gone and unread are filled by Gone and Unread.
	gone   map[[2]string]bool
	unread map[[2]string]string

	// Complete says that a role, profile, policy or bucket that is not listed
	// does not exist (local cloud, live). A template is not complete: what it
	// does not mention may exist all the same.
	Complete bool
}

// Organization is the AWS organisation of an account.
type Organization struct {
	ID   string // "o-…"; "" without Unread: the account is in none
	Path string // aws:PrincipalOrgPaths of the account, "" when not known
	// Unread is what would tell its policies, "" when they are known.
	Unread string
}

// Role is an IAM role.
type Role struct {
	Name     string
	Path     string // "/" or "/a/b/"
	ARN      string
	ID       string      // AROA…
	Trust    *iam.Policy // nil: not known
	Inline   []*iam.Policy
	Attached []string // policy ARNs
	Boundary string   // policy ARN or ""
	// PoliciesUnknown names policies of the role whose text is not known.
	PoliciesUnknown []string

	Pos     source.Pos
	NamePos source.Pos // of an explicit RoleName; zero when AWS names it
	Logical string     // logical ID in the template, "" elsewhere
}

// Profile is an IAM instance profile. It is not a role: it holds one.
type Profile struct {
	Name     string
	Path     string
	ARN      string
	ID       string   // AIPA…
	Roles    []string // names; AWS allows none or one
	RolesPos source.Pos
	Pos      source.Pos
	NamePos  source.Pos
	Logical  string
}

// User is an IAM user.
type User struct {
	Name     string
	Path     string
	ARN      string
	ID       string // AIDA…
	Inline   []*iam.Policy
	Attached []string
	Boundary string
	// PoliciesUnknown names policies of the user whose text is not known.
	PoliciesUnknown []string
}

// Managed is a managed policy.
type Managed struct {
	ARN    string
	Name   string
	Policy *iam.Policy // nil: not known
	Pos    source.Pos
}

// Bucket is an S3 bucket.
type Bucket struct {
	Name   string
	Region string
	// Owner is the owning account's ID; "" means the Account's own.
	Owner         string
	Policy        *iam.Policy // nil: none, unless PolicyUnknown
	PolicyUnknown string      // why the policy is not known, "" when it is
	// PublicAccess is Block Public Access; nil: nothing is known of it.
	PublicAccess *PublicAccess
	// Ownership says whose the objects are that other accounts write; "" when
	// that is not known.
	Ownership string
	// Encryption is the default one; nil: SSE-S3, with keys of S3's own.
	Encryption *Encryption
	Objects    map[string]*Object
	// ObjectsComplete says that Objects lists every object; Absent are keys that
	// are known to have none.
	ObjectsComplete bool
	Absent          []string
	Pos             source.Pos
	NamePos         source.Pos
	Logical         string
}

// Object is what is known of an object besides its content.
type Object struct {
	Size int64
	ETag string // without quotes
	Type string // Content-Type
	// Owner is the account that wrote it, when that is not the bucket's own;
	// Shared: its ACL lets the bucket's owner read it.
	Owner  string
	Shared fact.Verdict
	// Encryption is the object's own; nil: the bucket's default.
	Encryption *Encryption
}

// Role looks a role up by name, or by ARN. Holds: found; Broken: known not to
// exist; Unknown: may exist. Names are unique without regard to case.
func (a *Account) Role(name string) (*Role, fact.Verdict) {
	return find(a.Roles, a.Complete || a.isGone("role", name), fact.Lower(name), func(r *Role) (string, string) { return fact.Lower(r.Name), fact.Lower(r.ARN) })
}

// Profile looks an instance profile up by name or ARN.
func (a *Account) Profile(name string) (*Profile, fact.Verdict) {
	return find(a.Profiles, a.Complete || a.isGone("instance profile", name), fact.Lower(name), func(p *Profile) (string, string) { return fact.Lower(p.Name), fact.Lower(p.ARN) })
}

// Policy looks a managed policy up by ARN.
func (a *Account) Policy(arn string) (*Managed, fact.Verdict) {
	return find(a.Managed, a.Complete || a.isGone("managed policy", arn), fact.Lower(arn), func(m *Managed) (string, string) { return fact.Lower(m.ARN), "" })
}

// Bucket looks a bucket up by name, in which letter case counts.
func (a *Account) Bucket(name string) (*Bucket, fact.Verdict) {
	return find(a.Buckets, a.Complete || a.isGone("bucket", name), name, func(b *Bucket) (string, string) { return b.Name, "" })
}

// find looks a thing up by one of its two names. Without a match the answer
// is Broken only when the list is complete and no name in question is unknown.
func find[T any](list []*T, complete bool, want string, names func(*T) (string, string)) (*T, fact.Verdict) {
	if want == "" {
		return nil, fact.Broken // nothing has no name
	}
	unsure := false
	for _, x := range list {
		a, b := names(x)
		switch fact.Any(fact.Equal(a, want), fact.Equal(b, want)) {
		case fact.Holds:
			return x, fact.Holds
		case fact.Unknown:
			unsure = true
		}
	}
	if complete && !unsure && fact.Known(want) {
		return nil, fact.Broken
	}
	return nil, fact.Unknown
}
