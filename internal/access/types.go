// Package access decides what AWS answers to a request, and keeps the chain of
// links that led there. `check` calls it to predict; the local cloud's front
// door and its metadata service call it to answer. It is one function with
// two callers, so that prediction and reality cannot drift apart.
package access

import (
	"slices"

	"beanpole/internal/account"
	"beanpole/internal/aws"
	"beanpole/internal/fact"
	"beanpole/internal/iam"
	"beanpole/internal/source"
)

// LinkName is one question of the chain.
type LinkName string

// The links in the order in which the instance meets them.
const (
	Document       LinkName = "document"
	Source         LinkName = "source"
	Authentication LinkName = "authentication"
	Name           LinkName = "name"
	Profile        LinkName = "profile"
	Metadata       LinkName = "metadata"
	Trust          LinkName = "trust"
	Identity       LinkName = "identity"
	Bucket         LinkName = "bucket"
	Object         LinkName = "object"
	Network        LinkName = "network"
)

// Links are all of them, in order.
var Links = []LinkName{Document, Source, Authentication, Name, Profile, Metadata, Trust, Identity, Bucket, Object, Network}

// Link is one answered question.
type Link struct {
	Name    LinkName
	Verdict fact.Verdict
	Says    string       // the answer in one line, with the user's own words quoted
	At      []source.Pos // every place that took part
	Missing string       // Unknown: which input would settle it
	// ByKey: the object link is broken by the key that the object is under.
	ByKey bool
	// Organization: the link is broken by policies of the account's
	// organisation, which its management account alone can change.
	Organization bool
	// Except is what a link that holds leaves out, "" when nothing.
	Except string
	// By are the statements that deny; Near those that would allow but for one
	// element.
	By   []*iam.Statement
	Near []iam.Near
}

// SignerKind is who signs a fetch.
type SignerKind uint8

const (
	Nobody     SignerKind = iota // sent without a signature
	RoleKeys                     // role credentials from instance metadata
	StaticKeys                   // accessKeyId and secretKey in the block
	Basic                        // user name and password
)

// Signer is how the agent signs a fetch, as the plan has it.
type Signer struct {
	Kind    SignerKind
	Block   string     // name of the Authentication block; "" for Nobody
	BlockAt source.Pos // where that block stands
	ByName  bool       // chosen by the file's own `authentication`, not by bucket
	Asked   string     // the name that the file asked for, "" when none
	AskedAt source.Pos
	Role    *source.Node // value of roleName, with where it came from
	KeyID   string       // StaticKeys: the access key ID
	Secret  string       // StaticKeys: never printed
	// KeyIDType and SecretType are Python's names of the types of keys that
	// are no text, with which the agent fails; "" for a text.
	KeyIDType, SecretType string
	// User and Password are of Basic; the password is never printed.
	User, Password string
	// Others are the blocks that exist but were not chosen, "name: why".
	Others []string
	// Unsure says why it is not known who signs, "" when it is known; Kind is
	// then no more than a zero value.
	Unsure string
}

// Fetch is one HTTP fetch that the agent makes.
type Fetch struct {
	Section string        // "files" or "sources"
	Target  string        // path that it fills
	URL     string        // as the agent gets it
	URLAt   source.Pos    // where the URL stands in the user's file
	Address aws.S3Address // as the agent reads the URL; its zero value: not taken for S3
	Signer  Signer
	From    []source.Origin // of the URL's value
}

// World is what a fetch runs into.
type World struct {
	Account *account.Account
	// Instance profile of the instances: a name or an ARN as configured, nil
	// when the option has no value, with where it comes from.
	Profile *source.Node
	// ProfileUnknown says why the option's value is not known, "" when it is.
	ProfileUnknown string
	// Instance is the instance's ID, the name of its role session; "" when
	// there is none yet.
	Instance string
	// Placement is where the instances are, nil when that is not known: then
	// they are in the account's default VPC, or nobody said.
	Placement *Placement
	// Reachable is set when Context holds all that the instances' requests
	// carry and, without a Placement, it is known that they reach S3, as in the
	// local cloud.
	Reachable bool
	// TokensRequired: instance metadata answers sessions alone (IMDSv2). An
	// agent of the Amazon Linux AMI (PlainAgent) does not begin one.
	TokensRequired, PlainAgent bool
	// Context are condition keys of the instances' requests (aws:SourceIp).
	Context map[string][]string
}

// Server is who gives the answer that ends a fetch.
type Server string

const (
	FromMetadata Server = "instance metadata"
	FromS3       Server = "S3"
	FromAgent    Server = "the agent"   // failed before any server could answer
	FromNetwork  Server = "the network" // no server was reached
	FromElse     Server = "another server"
)

// Answer is how a fetch ends.
type Answer struct {
	From   Server
	Status int    // HTTP status; 0 when no server answered or nothing is known
	Code   string // S3 or IAM error code; "" for success
	// Verdict: Holds when the file arrives, Broken when it does not.
	Verdict fact.Verdict
	// Body is the exact answer body of an error, with RequestID and HostID
	// left as the placeholders of package aws.
	Body string
	// Reason is the text that the agent puts behind "Failed to retrieve URL: ".
	Reason string
	// Fails is the agent's whole text when it is another one than that.
	Fails string
	// MetadataCalls and ServerCalls are how many requests the agent makes
	// before it gives up or succeeds (semantics: retries).
	MetadataCalls, ServerCalls int
}

// Chain is a fetch, followed link by link.
type Chain struct {
	Fetch  *Fetch
	World  *World
	Links  []Link // all of Links, in order
	Answer Answer
	// Doubts are what breaks the fetch under a condition of which it is not
	// known whether it holds.
	Doubts []Doubt
}

// Doubt is a link that is broken if something is so.
type Doubt struct {
	Name LinkName
	Says string
	If   string // what must be so
	At   []source.Pos
}

// Link is the answer to one question.
func (c *Chain) Link(n LinkName) *Link {
	for i := range c.Links {
		if c.Links[i].Name == n {
			return &c.Links[i]
		}
	}
	return nil
}

// Unsigned is the chain when S3 is known to have answered 403 AccessDenied to the
// fetch, nobody signs it, and all that is not known is whether the bucket lets
// everybody in: it does not. nil: that does not follow.
func (c *Chain) Unsigned() *Chain {
	for i := range c.Links {
		if l := &c.Links[i]; (l.Verdict == fact.Unknown) != (l.Name == Authentication) || l.Verdict == fact.Broken {
			return nil
		}
	}
	if c.Fetch.Signer.Kind != Nobody {
		return nil
	}
	out := *c
	out.Links = slices.Clone(c.Links)
	l := out.Link(Authentication)
	l.Verdict, l.Missing = fact.Broken, ""
	out.Answer = refuse(aws.NewError("AccessDenied"))
	return &out
}

// Cause is the first broken link, nil when none is; the network when it keeps
// the agent from ever hearing of the others.
func (c *Chain) Cause() *Link {
	if l := c.Link(Network); l != nil && c.Answer.From == FromNetwork && l.Verdict == fact.Broken {
		return l
	}
	for i := range c.Links {
		if c.Links[i].Verdict == fact.Broken {
			return &c.Links[i]
		}
	}
	return nil
}
