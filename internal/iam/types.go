// Package iam is IAM's policy language: it parses policies with the place of
// every element and evaluates a request to a Decision that names the
// statements that made it. What is not known stays unknown (package fact).
package iam

import (
	"beanpole/internal/fact"
	"beanpole/internal/source"
)

// Effect is what a statement does when it applies.
type Effect string

const (
	Allow Effect = "Allow"
	Deny  Effect = "Deny"
)

// Policy is one policy document.
type Policy struct {
	Name       string // how people know it: "inline policy X", an ARN, "bucket policy"
	Version    string // "2012-10-17", "2008-10-17" or ""
	ID         string
	Statements []*Statement
	Pos        source.Pos
}

// Term is one text of a list, with its place.
type Term struct {
	Text string // may hold parts that are not known
	Pos  source.Pos
}

// Statement is one statement of a policy.
type Statement struct {
	Policy       *Policy
	Index        int // 0-based, in its policy
	Sid          string
	Effect       Effect
	Principal    *Principals
	NotPrincipal *Principals
	Actions      []Term
	NotActions   []Term
	Resources    []Term
	NotResources []Term
	Conditions   []Condition
	Pos          source.Pos
}

// Principals is a Principal or NotPrincipal element.
type Principals struct {
	Anyone    bool   // "*" or {"AWS": "*"}
	AWS       []Term // ARNs and account IDs
	Service   []Term
	Federated []Term
	Canonical []Term
	Pos       source.Pos
}

// Condition is one operator with one key.
type Condition struct {
	Operator string // as written, "StringEqualsIfExists", "ForAnyValue:StringLike"
	Key      string // as written; keys are compared without regard to case
	Values   []Term
	Pos      source.Pos

	op operator // Operator taken apart, by whoever parsed it
}

// Principal is who asks.
type Principal struct {
	Anonymous bool
	// Account is the 12-digit account of the principal.
	Account string
	// ARN is that of the user, of the role (with its path) behind a session,
	// or of the account's root.
	ARN string
	// SessionARN is arn:aws:sts::A:assumed-role/NAME/SESSION for a role session.
	SessionARN string
	// UserID is aws:userid: AIDA…, or AROA…:session.
	UserID string
	// Service is set when an AWS service asks for itself ("ec2.amazonaws.com").
	Service string
}

// Request is one request to be decided.
type Request struct {
	Principal Principal
	Action    string // "s3:GetObject"
	Resource  string // ARN; "*" for actions without one
	// ResourceAccount owns the resource; "" means the principal's account.
	ResourceAccount string
	// Context holds condition keys (any case) with their values. A key that
	// is absent is known to be absent, unless Unsure names it.
	Context map[string][]string
	// Unsure names keys of which it is not known whether and how they are set.
	Unsure []string
}

// Policies are all that bear on a request.
type Policies struct {
	Identity []*Policy
	// IdentityUnknown names identity policies whose text is not known.
	IdentityUnknown []string
	Boundary        *Policy
	BoundaryUnknown string // name of a boundary whose text is not known
	Session         *Policy
	Resource        *Policy
	ResourceUnknown string // why the resource's policy is not known
	// SCPs are those of the principal's organisation, level by level: the root,
	// each organisational unit on the way, the account. At every level one of
	// them must allow. None: no organisation, or its management account.
	// [Organizations: orgs_manage_policies_scps_evaluation]
	SCPs [][]*Policy
	// RCPs are the same of the resource's account, AWS's RCPFullAWSAccess among
	// them at each level. [Organizations: orgs_manage_policies_rcps]
	RCPs     [][]*Policy
	Endpoint *Policy // VPC endpoint policy, nil: none on the way
	// GatewayEndpoint: the endpoint is a gateway, in whose policy an account as
	// Principal is its root user alone. [VPC: vpc-endpoints-access, "Principals
	// for gateway endpoints"]
	GatewayEndpoint bool
	// ResourceMustAllow is set for trust policies and KMS keys, where an
	// identity policy alone is not enough in the same account.
	ResourceMustAllow bool
}

// Reason is the kind of a decision.
type Reason uint8

const (
	Allowed Reason = iota
	ExplicitDeny
	ImplicitDeny
	NotKnown
)

// Decision is the outcome of a request.
type Decision struct {
	Reason Reason
	// Layer is where it was decided: "identity", "resource", "boundary",
	// "session", "SCP", "RCP", "endpoint".
	Layer string
	// By are the statements that decided: those that allow, or the one that
	// denies; empty for an implicit deny.
	By []*Statement
	// Near are statements that would have applied but for one element, for
	// explaining an implicit deny; Why says which element.
	Near []Near
	// Missing names what would have to be known (Reason NotKnown).
	Missing []string
}

// Near is a statement that just missed.
type Near struct {
	Statement *Statement
	Why       string
	Pos       source.Pos
	Kind      NearKind
}

// Verdict is the decision as three-valued logic: Holds means allowed.
func (d Decision) Verdict() fact.Verdict {
	switch d.Reason {
	case Allowed:
		return fact.Holds
	case NotKnown:
		return fact.Unknown
	}
	return fact.Broken
}

// NearKind tells some misses apart, of which there is more to say.
type NearKind uint8

const (
	OtherMiss NearKind = iota
	// BucketOnly: the Resource, at Near.Pos, is a bucket and the action is about
	// its objects.
	BucketOnly
	// DeadPrincipal: the Principal is the unique ID of one that was deleted.
	DeadPrincipal
)
