package account

import (
	"beanpole/internal/fact"
	"beanpole/internal/source"
)

// PublicAccess is Block Public Access of a bucket or an account. The zero
// value is one of which nothing is known. All four are on for buckets made
// since April 2023 unless something says otherwise.
// [S3:access-control-block-public-access]
type PublicAccess struct {
	// BlockPolicy: S3 refuses to save a bucket policy that is public.
	BlockPolicy fact.Verdict
	// Restrict: of a bucket with a public policy only AWS services and
	// principals of its owner's account get in.
	Restrict fact.Verdict
	// BlockACLs and IgnoreACLs are about ACLs.
	BlockACLs, IgnoreACLs fact.Verdict
	Pos                   source.Pos
}

// Open is Block Public Access with nothing blocked.
func Open() *PublicAccess {
	return &PublicAccess{BlockPolicy: fact.Broken, Restrict: fact.Broken, BlockACLs: fact.Broken, IgnoreACLs: fact.Broken}
}

// Object ownership of a bucket, in S3's words. Enforced is that of buckets
// made since April 2023. [S3:about-object-ownership]
const (
	OwnerEnforced  = "BucketOwnerEnforced"
	OwnerPreferred = "BucketOwnerPreferred"
	ObjectWriter   = "ObjectWriter"
)
