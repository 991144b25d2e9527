package state

import (
	"errors"
	"strings"
	"time"

	"beanpole/internal/account"
	"beanpole/internal/fact"
)

// Document is a policy as it was given.
type Document struct {
	Name string `json:",omitempty"` // of an inline policy
	Text string
	// Bound are the unique IDs that the roles and users named as principals
	// had when the policy was saved. AWS keeps IDs, not names: a role that is
	// made again under the same name is another principal
	// [IAM:reference_policies_elements_principal].
	Bound map[string]string `json:",omitempty"`
}

// Role is an IAM role's record.
type Role struct {
	Name, Path, ID string
	Description    string `json:",omitempty"`
	MaxSession     int32  `json:",omitempty"` // seconds
	Created        time.Time
	Trust          Document
	Inline         []Document        `json:",omitempty"`
	Attached       []string          `json:",omitempty"` // policy ARNs
	Boundary       string            `json:",omitempty"`
	Tags           map[string]string `json:",omitempty"`
}

// Profile is an instance profile's record.
type Profile struct {
	Name, Path, ID string
	Created        time.Time
	Roles          []string          `json:",omitempty"` // none or one
	Tags           map[string]string `json:",omitempty"`
}

// User is an IAM user's record.
type User struct {
	Name, Path, ID string
	Created        time.Time
	Inline         []Document `json:",omitempty"`
	Attached       []string   `json:",omitempty"`
}

// Policy is a customer managed policy's record; it has one version.
type Policy struct {
	Name, Path, ID string
	Description    string `json:",omitempty"`
	Created        time.Time
	Text           string
}

// Bucket is an S3 bucket's record.
type Bucket struct {
	Name, Region string
	Created      time.Time
	Policy       *Document         `json:",omitempty"`
	Tags         map[string]string `json:",omitempty"`
	// PublicAccess is Block Public Access; nil: of an older store, all open.
	PublicAccess *PublicAccess `json:",omitempty"`
	Ownership    string        `json:",omitempty"`
	Encryption   *Encryption   `json:",omitempty"`
}

// PublicAccess is Block Public Access of a bucket.
type PublicAccess struct {
	BlockACLs, IgnoreACLs, BlockPolicy, Restrict bool
}

// Encryption is how an object is encrypted, or a bucket's objects by default.
type Encryption struct {
	Algorithm string
	Key       string `json:",omitempty"` // of KMS; "" is the key aws/s3
	BucketKey bool   `json:",omitempty"`
}

// Key is a KMS key's record. Nothing encrypts with it: it answers for its
// policy.
type Key struct {
	ID, ARN  string
	Aliases  []string `json:",omitempty"`
	Disabled bool     `json:",omitempty"`
	// PendingDeletion: it waits for its end, and is of no use.
	PendingDeletion bool `json:",omitempty"`
	Policy          Document
}

// Object is an S3 object's record. Its data is a file of the s3 package's, or
// absent for objects that came in with Load, which have no content.
type Object struct {
	Bucket, Key string
	Size        int64
	ETag        string // without quotes
	Type        string // Content-Type
	Modified    time.Time
	File        string            `json:",omitempty"` // name below DIR/objects
	Header      map[string]string `json:",omitempty"` // Cache-Control and the like
	Meta        map[string]string `json:",omitempty"` // x-amz-meta-…, names without that
	Checksum    map[string]string `json:",omitempty"` // algorithm to base64 value
	// Encryption is how it was encrypted when it was stored; nil, of an older
	// store or of Load: as the bucket's objects are by default.
	Encryption *Encryption `json:",omitempty"`
	// Owner is another account that wrote it, as only Load makes them.
	Owner string `json:",omitempty"`
}

// AccessKey is a user's long-term key.
type AccessKey struct {
	ID, Secret, User string
	Created          time.Time
}

// names of things are unique without regard to case.
func fold(name string) string { return strings.ToLower(name) }

// Role finds a role by name.
func (t *Tx) Role(name string) (*Role, bool, error) { return one[Role](t, "role", fold(name)) }

// PutRole writes a role.
func (t *Tx) PutRole(r *Role) error { return t.Put("role", fold(r.Name), r) }

// DeleteRole forgets a role.
func (t *Tx) DeleteRole(name string) error { return t.Delete("role", fold(name)) }

// Roles are all roles, by name.
func (t *Tx) Roles() ([]*Role, error) { return List[Role](t, "role") }

// Profile finds an instance profile by name.
func (t *Tx) Profile(name string) (*Profile, bool, error) {
	return one[Profile](t, "profile", fold(name))
}

// PutProfile writes an instance profile.
func (t *Tx) PutProfile(p *Profile) error { return t.Put("profile", fold(p.Name), p) }

// DeleteProfile forgets an instance profile.
func (t *Tx) DeleteProfile(name string) error { return t.Delete("profile", fold(name)) }

// Profiles are all instance profiles, by name.
func (t *Tx) Profiles() ([]*Profile, error) { return List[Profile](t, "profile") }

// User finds a user by name.
func (t *Tx) User(name string) (*User, bool, error) { return one[User](t, "user", fold(name)) }

// PutUser writes a user.
func (t *Tx) PutUser(u *User) error { return t.Put("user", fold(u.Name), u) }

// Policy finds a customer managed policy by name.
func (t *Tx) Policy(name string) (*Policy, bool, error) { return one[Policy](t, "policy", fold(name)) }

// PutPolicy writes a customer managed policy.
func (t *Tx) PutPolicy(p *Policy) error { return t.Put("policy", fold(p.Name), p) }

// DeletePolicy forgets a customer managed policy.
func (t *Tx) DeletePolicy(name string) error { return t.Delete("policy", fold(name)) }

// Keys are all KMS keys, by ARN.
func (t *Tx) Keys() ([]*Key, error) { return List[Key](t, "kms-key") }

// ErrNoKey is Key's answer for a key that does not exist.
var ErrNoKey = errors.New("there is no such KMS key")

// Key is the KMS key with an ARN.
func (t *Tx) Key(arn string) (*Key, error) {
	k, ok, err := one[Key](t, "kms-key", arn)
	if err == nil && !ok {
		err = ErrNoKey
	}
	return k, err
}

// PutKey writes a KMS key.
func (t *Tx) PutKey(k *Key) error { return t.Put("kms-key", k.ARN, k) }

// DeleteKey forgets a KMS key.
func (t *Tx) DeleteKey(arn string) error { return t.Delete("kms-key", arn) }

// Bucket finds a bucket by name.
func (t *Tx) Bucket(name string) (*Bucket, bool, error) { return one[Bucket](t, "bucket", name) }

// PutBucket writes a bucket.
func (t *Tx) PutBucket(b *Bucket) error { return t.Put("bucket", b.Name, b) }

// DeleteBucket forgets a bucket; its objects must be gone before.
func (t *Tx) DeleteBucket(name string) error { return t.Delete("bucket", name) }

// Buckets are all buckets, by name.
func (t *Tx) Buckets() ([]*Bucket, error) { return List[Bucket](t, "bucket") }

// Bucket names hold no slash, so this keeps buckets' objects apart and in the
// order of their keys.
func objectKey(bucket, key string) string { return bucket + "/" + key }

// Object finds an object.
func (t *Tx) Object(bucket, key string) (*Object, bool, error) {
	return one[Object](t, "object", objectKey(bucket, key))
}

// PutObject writes an object.
func (t *Tx) PutObject(o *Object) error {
	t.objects = append(t.objects, objectChange{o.Bucket, o.Key, o.view()})
	return t.Put("object", objectKey(o.Bucket, o.Key), o)
}

// DeleteObject forgets an object.
func (t *Tx) DeleteObject(bucket, key string) error {
	t.objects = append(t.objects, objectChange{bucket, key, nil})
	return t.Delete("object", objectKey(bucket, key))
}

// EachObject calls f with a bucket's objects whose keys begin with prefix and
// are not before from, in the order of their keys.
func (t *Tx) EachObject(bucket, prefix, from string, f func(key string, data []byte) error) error {
	start := objectKey(bucket, max(prefix, from))
	return t.EachFrom("object", objectKey(bucket, prefix), start, func(k string, data []byte) error {
		return f(k[len(bucket)+1:], data)
	})
}

func (o *Object) view() *account.Object {
	v := &account.Object{Size: o.Size, ETag: o.ETag, Type: o.Type, Owner: o.Owner}
	if o.Owner != "" {
		v.Shared = fact.Broken // ACLs are not kept
	}
	if e := o.Encryption; e != nil {
		v.Encryption = &account.Encryption{Algorithm: e.Algorithm, Key: e.Key, BucketKey: fact.Of(e.BucketKey)}
	}
	return v
}

func one[T any](t *Tx, kind, key string) (*T, bool, error) {
	v := new(T)
	ok, err := t.Get(kind, key, v)
	if !ok || err != nil {
		return nil, false, err
	}
	return v, true, nil
}
