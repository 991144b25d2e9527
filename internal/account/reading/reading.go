// Package reading is what was read of a real account as one plain value: in
// memory, and as the JSON file that `--save` writes and `--account` takes. It
// keeps what AWS said, in AWS's words, and beside it what could not be read
// and which permission would settle it. It decides nothing.
package reading

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// Version is that of the form; a file of another one is refused.
const Version = 1

// Reading is one account as far as a deployment depends on it.
type Reading struct {
	Version   int       `json:"version"`
	Time      time.Time `json:"time"`
	Account   string    `json:"account"` // 12 digits, "" when not known
	Partition string    `json:"partition"`
	Region    string    `json:"region"`
	// Caller is the ARN of who read; what objects and policies it may see is
	// what stands here.
	Caller string `json:"caller,omitempty"`

	Environment *Environment `json:"environment,omitempty"`
	Stack       *Stack       `json:"stack,omitempty"`

	Profiles []Profile `json:"instanceProfiles,omitempty"`
	Roles    []Role    `json:"roles,omitempty"`
	Policies []Policy  `json:"managedPolicies,omitempty"`
	Buckets  []Bucket  `json:"buckets,omitempty"`
	Keys     []Key     `json:"keys,omitempty"`
	Network  *Network  `json:"network,omitempty"`
	// MoreNetworks are further VPCs that a stack's instances are in.
	MoreNetworks []Network `json:"moreNetworks,omitempty"`
	// Organization is the AWS organisation of the account; null: not asked, or
	// no answer.
	Organization *Organization `json:"organization,omitempty"`
	// PublicAccess is Block Public Access of the whole account.
	PublicAccess *PublicAccess `json:"publicAccess,omitempty"`
	// Absent are things that AWS says do not exist.
	Absent []Thing `json:"absent,omitempty"`
	// NotRead are the calls that gave no answer.
	NotRead []Refusal `json:"notRead,omitempty"`
}

// Kind is what kind of thing is meant.
type Kind string

// The kinds of things that are read.
const (
	AProfile     Kind = "instance profile"
	ARole        Kind = "role"
	APolicy      Kind = "managed policy"
	ABucket      Kind = "bucket"
	AnObject     Kind = "object" // s3://bucket/key
	AKey         Kind = "key"
	AVPC         Kind = "VPC"
	AnAccount    Kind = "account"
	AStack       Kind = "stack"
	AnEnviron    Kind = "environment"
	AVersion     Kind = "application version"
	ALoadBalance Kind = "load balancer"
	AnOrg        Kind = "organization"
)

// Thing is one thing by name.
type Thing struct {
	Kind Kind   `json:"kind"`
	Name string `json:"name"`
}

// Refusal is a call that told nothing: refused, not offered by the endpoint,
// or failed.
type Refusal struct {
	Thing
	// Permission would settle it ("iam:GetRole").
	Permission string `json:"permission"`
	// Code is AWS's error code, "" when none came; Refused tells that it is a
	// matter of permission.
	Code    string `json:"code,omitempty"`
	Refused bool   `json:"refused"`
	Message string `json:"message,omitempty"`
	// Link is the part of the chain that stays unknown.
	Link string `json:"link"`
}

// Environment is an Elastic Beanstalk environment.
type Environment struct {
	Name         string    `json:"name"`
	ID           string    `json:"id"`
	Application  string    `json:"application"`
	VersionLabel string    `json:"versionLabel,omitempty"`
	Platform     string    `json:"platform,omitempty"` // solution stack name, or platform ARN
	Status       string    `json:"status"`
	Health       string    `json:"health,omitempty"`
	HealthStatus string    `json:"healthStatus,omitempty"`
	Template     string    `json:"template,omitempty"` // saved configuration
	Updated      time.Time `json:"updated"`
	Settings     []Setting `json:"optionSettings,omitempty"`
	Instances    []string  `json:"instances,omitempty"`
	// Resources are the other environment resources, "load balancer: NAME".
	Resources []string `json:"resources,omitempty"`
	Events    []Event  `json:"events,omitempty"` // newest first
	// Source is the version's source bundle, "s3://bucket/key".
	Source string `json:"source,omitempty"`
	Logs   []Log  `json:"logs,omitempty"`
}

// Setting is an option setting in force.
type Setting struct {
	Namespace string  `json:"namespace"`
	Name      string  `json:"name"`
	Resource  string  `json:"resource,omitempty"`
	Value     *string `json:"value"` // null: the option has none, or it is withheld
	// From says where it comes from: "default", "saved configuration NAME",
	// "environment" (the API, a template, or .ebextensions), "" when that was not read.
	From string `json:"from,omitempty"`
	// Withheld: the value may be secret and was left out.
	Withheld bool `json:"withheld,omitempty"`
}

// Event is an event of an environment, in the AWS CLI's words.
type Event struct {
	EventDate       time.Time
	Message         string
	ApplicationName string `json:",omitempty"`
	EnvironmentName string `json:",omitempty"`
	VersionLabel    string `json:",omitempty"`
	RequestID       string `json:"RequestId,omitempty"`
	Severity        string
}

// Log is what an instance's logs say.
type Log struct {
	Instance string `json:"instance"`
	Text     string `json:"text"`
}

// Stack is a CloudFormation stack: the environment's own, or a plain one.
type Stack struct {
	Name      string            `json:"name"`
	ID        string            `json:"id,omitempty"`
	Status    string            `json:"status,omitempty"`
	Resources map[string]string `json:"resources,omitempty"` // logical to physical ID
	// Metadata of resources that cfn-init reads, by logical ID, without secrets.
	Metadata   map[string]json.RawMessage `json:"metadata,omitempty"`
	Template   string                     `json:"template,omitempty"` // of a plain stack
	Parameters map[string]string          `json:"parameters,omitempty"`
	Events     []StackEvent               `json:"events,omitempty"` // newest first
	// Instances are a plain stack's own.
	Instances []Instance `json:"instances,omitempty"`
}

// Instance is an EC2 instance of a plain stack.
type Instance struct {
	ID string `json:"id"`
	// LogicalID is that of the instance or of its Auto Scaling group.
	LogicalID      string   `json:"logicalId"`
	VPC            string   `json:"vpc"`
	Subnet         string   `json:"subnet"`
	SecurityGroups []string `json:"securityGroups"`
	PublicIP       bool     `json:"publicIp"`
}

// StackEvent is an event of a stack, in the AWS CLI's words.
type StackEvent struct {
	Timestamp            time.Time
	LogicalResourceID    string `json:"LogicalResourceId"`
	ResourceType         string `json:",omitempty"`
	ResourceStatus       string
	ResourceStatusReason string `json:",omitempty"`
}

// Profile is an instance profile.
type Profile struct {
	Name  string   `json:"name"`
	Path  string   `json:"path"`
	ARN   string   `json:"arn"`
	ID    string   `json:"id"`
	Roles []string `json:"roles"`
}

// Role is an IAM role. Policies are documents as texts.
type Role struct {
	Name     string            `json:"name"`
	Path     string            `json:"path"`
	ARN      string            `json:"arn"`
	ID       string            `json:"id"`
	Trust    string            `json:"trust,omitempty"` // "" when not known
	Inline   map[string]string `json:"inline,omitempty"`
	Attached []string          `json:"attached,omitempty"`
	Boundary string            `json:"boundary,omitempty"`
	// Unknown names what of its policies could not be read.
	Unknown []string `json:"unknown,omitempty"`
}

// Policy is a managed policy in its default version.
type Policy struct {
	ARN      string `json:"arn"`
	Version  string `json:"version"`
	Document string `json:"document"`
}

// Bucket is a bucket.
type Bucket struct {
	Name   string `json:"name"`
	Region string `json:"region,omitempty"`
	// Own: it is this account's; null when that is not known.
	Own *bool `json:"own"`
	// Policy is "" when there is none, or PolicyUnknown says why.
	Policy        string        `json:"policy,omitempty"`
	PolicyUnknown string        `json:"policyUnknown,omitempty"`
	Public        *bool         `json:"public,omitempty"` // policy status
	PublicAccess  *PublicAccess `json:"publicAccess,omitempty"`
	Ownership     string        `json:"ownership,omitempty"`
	Encryption    *Encryption   `json:"encryption,omitempty"`
	// EncryptionUnknown says why the default encryption is not known.
	EncryptionUnknown string   `json:"encryptionUnknown,omitempty"`
	Objects           []Object `json:"objects,omitempty"`
}

// Object is an object of which the caller was told.
type Object struct {
	Key        string      `json:"key"`
	Size       int64       `json:"size"`
	ETag       string      `json:"etag,omitempty"`
	Encryption *Encryption `json:"encryption,omitempty"`
	// EncryptionUnknown says why it is not known how the object is encrypted.
	EncryptionUnknown string `json:"encryptionUnknown,omitempty"`
}

// Encryption is SSE.
type Encryption struct {
	Algorithm string `json:"algorithm"`
	Key       string `json:"key,omitempty"`
	// BucketKey is null when it is not known, as of a bucket's default.
	BucketKey *bool `json:"bucketKey,omitempty"`
}

// PublicAccess is Block Public Access.
type PublicAccess struct {
	BlockACLs   bool `json:"blockPublicAcls"`
	IgnoreACLs  bool `json:"ignorePublicAcls"`
	BlockPolicy bool `json:"blockPublicPolicy"`
	Restrict    bool `json:"restrictPublicBuckets"`
}

// Key is a KMS key.
type Key struct {
	Asked   string `json:"asked"` // as the bucket or object names it
	ID      string `json:"id"`
	ARN     string `json:"arn"`
	Owner   string `json:"owner,omitempty"`
	Enabled bool   `json:"enabled"`
	// Policy is "" when PolicyUnknown says why.
	Policy        string  `json:"policy,omitempty"`
	PolicyUnknown string  `json:"policyUnknown,omitempty"`
	Grants        []Grant `json:"grants,omitempty"`
	GrantsRead    bool    `json:"grantsRead"`
}

// Grant is a grant of a key.
type Grant struct {
	ID         string   `json:"id,omitempty"`
	Grantee    string   `json:"grantee"`
	Operations []string `json:"operations"`
	// ContextSubset and ContextEquals constrain the encryption context.
	ContextSubset map[string]string `json:"encryptionContextSubset,omitempty"`
	ContextEquals map[string]string `json:"encryptionContextEquals,omitempty"`
	SourceARN     string            `json:"sourceArn,omitempty"`
}

// Organization is an AWS organisation as far as it bears on the account.
type Organization struct {
	ID string `json:"id,omitempty"` // "o-…"; "": the account is in none
	// Management is the account that its policies do not bear on.
	Management string `json:"managementAccount,omitempty"`
	// Levels are the root, the organisational units on the way, the account.
	Levels []Level `json:"levels,omitempty"`
	// Read tells that every level was read, with its policies.
	Read bool `json:"read"`
}

// Level is a place in the organisation, with the policies attached there.
type Level struct {
	ID   string      `json:"id"` // "r-…", "ou-…", or the account's
	SCPs []OrgPolicy `json:"serviceControlPolicies,omitempty"`
	RCPs []OrgPolicy `json:"resourceControlPolicies,omitempty"`
}

// OrgPolicy is a policy of an organisation.
type OrgPolicy struct {
	ID       string `json:"id"` // "p-…"
	Name     string `json:"name"`
	Document string `json:"document,omitempty"`
}

// Sort brings what came in side by side into an order that does not depend on
// chance.
func (r *Reading) Sort() {
	slices.SortFunc(r.Profiles, func(a, b Profile) int { return strings.Compare(a.ARN, b.ARN) })
	slices.SortFunc(r.Roles, func(a, b Role) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(r.Policies, func(a, b Policy) int { return strings.Compare(a.ARN, b.ARN) })
	slices.SortFunc(r.Buckets, func(a, b Bucket) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(r.Keys, func(a, b Key) int { return strings.Compare(a.Asked, b.Asked) })
	slices.SortFunc(r.Absent, func(a, b Thing) int { return strings.Compare(string(a.Kind)+a.Name, string(b.Kind)+b.Name) })
	slices.SortFunc(r.NotRead, func(a, b Refusal) int {
		return strings.Compare(string(a.Kind)+a.Name+a.Permission, string(b.Kind)+b.Name+b.Permission)
	})
	slices.SortFunc(r.MoreNetworks, func(a, b Network) int { return strings.Compare(a.VPC, b.VPC) })
	for i := range r.Buckets {
		slices.SortFunc(r.Buckets[i].Objects, func(a, b Object) int { return strings.Compare(a.Key, b.Key) })
	}
	for i := range r.Roles {
		slices.Sort(r.Roles[i].Unknown)
	}
}
