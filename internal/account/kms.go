package account

import (
	"strings"

	"beanpole/internal/fact"
	"beanpole/internal/iam"
	"beanpole/internal/source"
)

// Key is a KMS key.
type Key struct {
	ID  string // the UUID at the end of its ARN
	ARN string
	// Owner is the owning account's ID; "" means the Account's own.
	Owner string
	// Aliases are the names that lead to it, "alias/NAME".
	Aliases []string
	// Policy is the key policy. nil: PolicyUnknown says why; it always has one.
	Policy        *iam.Policy
	PolicyUnknown string
	// Enabled is Broken for a key that is disabled or waits to be deleted.
	Enabled fact.Verdict
	// PendingDeletion is why it is not enabled.
	PendingDeletion bool
	// Grants are those that allow kms:Decrypt, beside all policies
	// [KMS:grants]; GrantsKnown: there are no others.
	Grants      []Grant
	GrantsKnown bool

	Pos     source.Pos
	Logical string
}

// Grant lets one principal decrypt with a key.
type Grant struct {
	ID string
	// Grantee is an ARN of a user, role, role session or account, the unique ID
	// of one that was deleted, or a service.
	Grantee string
	// Context are pairs that the encryption context must have; with Exact it
	// must have no others. [KMS API: GrantConstraints]
	Context map[string]string
	Exact   bool
	// Unknown is a constraint that is not judged, "" for none.
	Unknown string
}

// S3Key is the name of the key that AWS makes and manages for S3 in each
// account: used when SSE-KMS is asked for without a key. Its policy lets in
// whoever in the same account may use S3, and nobody else.
// [S3:UsingKMSEncryption]
const S3Key = "alias/aws/s3"

// Encryption is how objects are encrypted at rest.
type Encryption struct {
	Algorithm string // "AES256", "aws:kms", "aws:kms:dsse"
	Key       string // of KMS: ID, ARN or alias; "" means S3Key
	// BucketKey: S3 uses a key of the bucket's, so that KMS is told the bucket's
	// ARN as encryption context, not the object's. [S3:bucket-key]
	BucketKey fact.Verdict
	// Unknown says what of it is not known, "" when all is.
	Unknown string
	Pos     source.Pos
}

// KMS reports whether KMS holds the key. Unknown: it cannot be told.
func (e *Encryption) KMS() fact.Verdict {
	switch {
	case e == nil:
		return fact.Broken
	case e.Unknown != "" && e.Algorithm == "", !fact.Known(e.Algorithm):
		return fact.Unknown
	}
	return fact.Of(strings.HasPrefix(e.Algorithm, "aws:kms"))
}

// Key looks a KMS key up by ID, ARN or alias (by name or ARN).
func (a *Account) Key(name string) (*Key, fact.Verdict) {
	if i := strings.Index(name, ":alias/"); i >= 0 {
		name = name[i+1:]
	}
	unsure := false
	for _, k := range a.Keys {
		v := fact.Any(fact.Equal(k.ID, name), fact.Equal(k.ARN, name))
		for _, alias := range k.Aliases {
			v = fact.Any(v, fact.Equal(alias, name))
		}
		switch v {
		case fact.Holds:
			return k, v
		case fact.Unknown:
			unsure = true
		}
	}
	if (a.Complete || a.isGone("key", name)) && !unsure && fact.Known(name) {
		return nil, fact.Broken
	}
	return nil, fact.Unknown
}
