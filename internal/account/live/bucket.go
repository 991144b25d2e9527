package live

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"beanpole/internal/account/reading"
)

// Needs is what the fetches of a deployment name.
type Needs struct {
	Objects []Object
	Roles   []string // values of roleName
	// Profiles are instance profiles that the template's own instances get.
	Profiles []string
	// VPCs are read by ID, "" for the default one, or by Subnets in them.
	VPCs, Subnets []string
}

// Object is an object that is fetched.
type Object struct{ Bucket, Key string }

// Needed reads what fetches need: the buckets, objects and keys that they
// name, and roles by the names under which they ask for credentials.
func (x *Reader) Needed(ctx context.Context, n *Needs) {
	buckets := map[string][]string{}
	var order []string
	for _, o := range n.Objects {
		if buckets[o.Bucket] == nil {
			order = append(order, o.Bucket)
		}
		buckets[o.Bucket] = append(buckets[o.Bucket], o.Key)
	}
	together(
		func() { each(order, func(b string) { x.bucket(ctx, b, buckets[b]) }) },
		func() { each(n.Profiles, func(p string) { x.profile(ctx, p) }) },
		func() { each(n.Roles, func(name string) { x.named(ctx, name) }) },
		func() { each(n.VPCs, func(v string) { x.network(ctx, v) }) },
		func() { x.networksOf(ctx, n.Subnets) },
		func() {
			if len(order) > 0 {
				x.publicAccess(ctx)
			}
		},
	)
	x.settled()
}

// named reads what a roleName stands for: a role, and an instance profile of
// that name, which is the mistake that is made.
func (x *Reader) named(ctx context.Context, name string) {
	if name == "" || strings.ContainsAny(name, "/:") {
		return
	}
	together(
		func() { x.role(ctx, name) },
		func() { x.profile(ctx, name) },
	)
}

// bucket reads a bucket and what the caller is told of objects in it.
func (x *Reader) bucket(ctx context.Context, name string, keys []string) {
	if !x.first(reading.ABucket, name) {
		return
	}
	b := &reading.Bucket{Name: name}
	exists := false
	together(
		func() { exists = x.headBucket(ctx, b) },
		func() { x.ownership(ctx, b) },
	)
	if !exists {
		return
	}
	in := func(o *s3.Options) {
		if b.Region != "" {
			o.Region = b.Region
		}
	}
	together(
		func() { x.bucketPolicy(ctx, b, in) },
		func() { x.bucketStatus(ctx, b, in) },
		func() { x.bucketPublicAccess(ctx, b, in) },
		func() { x.bucketOwnership(ctx, b, in) },
		func() { x.bucketEncryption(ctx, b, in) },
		func() { each(keys, func(key string) { x.object(ctx, b, key, in) }) },
	)
	used := map[string]bool{}
	if e := b.Encryption; e != nil {
		used[e.Key] = true
	}
	for _, o := range b.Objects {
		if o.Encryption != nil {
			used[o.Encryption.Key] = true
		}
	}
	var ids []string
	for id := range used {
		ids = append(ids, id)
	}
	each(ids, func(id string) { x.key(ctx, id, b.Region) })
	x.keep(func(r *reading.Reading) { r.Buckets = append(r.Buckets, *b) })
}

// onBucket is a question about a bucket.
func onBucket(op, name, link string, none ...string) question {
	return question{op: "s3:" + op, kind: reading.ABucket, name: name, link: link, none: none}
}

// headBucket tells whether the bucket exists, and where: S3 names the region
// with a refusal too. [S3 API: HeadBucket]
func (x *Reader) headBucket(ctx context.Context, b *reading.Bucket) bool {
	q := onBucket("HeadBucket", b.Name, "bucket")
	out, err := tried(ctx, x, q, func(ctx context.Context, in *s3.HeadBucketInput) (*s3.HeadBucketOutput, error) {
		return x.c.Objects.HeadBucket(ctx, in)
	}, &s3.HeadBucketInput{Bucket: &b.Name})
	if err == nil {
		b.Region = aws.ToString(out.BucketRegion)
		return true
	}
	var answer *awshttp.ResponseError
	if errors.As(err, &answer) && answer.Response != nil {
		b.Region = answer.Response.Header.Get("X-Amz-Bucket-Region")
		switch answer.HTTPStatusCode() {
		case 404:
			x.absent(reading.ABucket, b.Name)
			return false
		case 301, 400, 403:
			if b.Region != "" {
				return true // it exists; what may be read of it the other calls tell
			}
		}
	}
	x.refused(q, err)
	return false
}

// ownership tells whose the bucket is: the caller's account lists its own.
func (x *Reader) ownership(ctx context.Context, b *reading.Bucket) {
	out, _ := ask(ctx, x, onBucket("ListBuckets", b.Name, "bucket"), func(ctx context.Context, in *s3.ListBucketsInput) (*s3.ListBucketsOutput, error) {
		return x.c.Objects.ListBuckets(ctx, in)
	}, &s3.ListBucketsInput{Prefix: &b.Name, MaxBuckets: aws.Int32(1)}) // its own name comes first
	if out == nil {
		return
	}
	own := false
	for _, o := range out.Buckets {
		own = own || aws.ToString(o.Name) == b.Name
	}
	b.Own = &own
}

func (x *Reader) bucketPolicy(ctx context.Context, b *reading.Bucket, in func(*s3.Options)) {
	out, none := ask(ctx, x, onBucket("GetBucketPolicy", b.Name, "bucket", "NoSuchBucketPolicy"), func(ctx context.Context, i *s3.GetBucketPolicyInput) (*s3.GetBucketPolicyOutput, error) {
		return x.c.Objects.GetBucketPolicy(ctx, i, in)
	}, &s3.GetBucketPolicyInput{Bucket: &b.Name})
	switch {
	case out != nil:
		b.Policy = aws.ToString(out.Policy)
	case none == "":
		b.PolicyUnknown = `the policy of bucket "` + b.Name + `" (permission s3:GetBucketPolicy)`
	}
}

func (x *Reader) bucketStatus(ctx context.Context, b *reading.Bucket, in func(*s3.Options)) {
	out, _ := ask(ctx, x, onBucket("GetBucketPolicyStatus", b.Name, "bucket", "NoSuchBucketPolicy"), func(ctx context.Context, i *s3.GetBucketPolicyStatusInput) (*s3.GetBucketPolicyStatusOutput, error) {
		return x.c.Objects.GetBucketPolicyStatus(ctx, i, in)
	}, &s3.GetBucketPolicyStatusInput{Bucket: &b.Name})
	if out != nil && out.PolicyStatus != nil {
		b.Public = out.PolicyStatus.IsPublic
	}
}

func (x *Reader) bucketPublicAccess(ctx context.Context, b *reading.Bucket, in func(*s3.Options)) {
	out, none := ask(ctx, x, onBucket("GetPublicAccessBlock", b.Name, "bucket", "NoSuchPublicAccessBlockConfiguration"), func(ctx context.Context, i *s3.GetPublicAccessBlockInput) (*s3.GetPublicAccessBlockOutput, error) {
		return x.c.Objects.GetPublicAccessBlock(ctx, i, in)
	}, &s3.GetPublicAccessBlockInput{Bucket: &b.Name})
	switch {
	case none != "":
		b.PublicAccess = &reading.PublicAccess{}
	case out != nil && out.PublicAccessBlockConfiguration != nil:
		c := out.PublicAccessBlockConfiguration
		b.PublicAccess = &reading.PublicAccess{BlockACLs: aws.ToBool(c.BlockPublicAcls), IgnoreACLs: aws.ToBool(c.IgnorePublicAcls),
			BlockPolicy: aws.ToBool(c.BlockPublicPolicy), Restrict: aws.ToBool(c.RestrictPublicBuckets)}
	}
}

func (x *Reader) bucketOwnership(ctx context.Context, b *reading.Bucket, in func(*s3.Options)) {
	out, none := ask(ctx, x, onBucket("GetBucketOwnershipControls", b.Name, "object", "OwnershipControlsNotFoundError"), func(ctx context.Context, i *s3.GetBucketOwnershipControlsInput) (*s3.GetBucketOwnershipControlsOutput, error) {
		return x.c.Objects.GetBucketOwnershipControls(ctx, i, in)
	}, &s3.GetBucketOwnershipControlsInput{Bucket: &b.Name})
	switch {
	case none != "":
		b.Ownership = string(types.ObjectOwnershipObjectWriter) // what buckets without controls do
	case out != nil && out.OwnershipControls != nil:
		for _, r := range out.OwnershipControls.Rules {
			b.Ownership = string(r.ObjectOwnership)
		}
	}
}

func (x *Reader) bucketEncryption(ctx context.Context, b *reading.Bucket, in func(*s3.Options)) {
	out, none := ask(ctx, x, onBucket("GetBucketEncryption", b.Name, "object", "ServerSideEncryptionConfigurationNotFoundError"), func(ctx context.Context, i *s3.GetBucketEncryptionInput) (*s3.GetBucketEncryptionOutput, error) {
		return x.c.Objects.GetBucketEncryption(ctx, i, in)
	}, &s3.GetBucketEncryptionInput{Bucket: &b.Name})
	if out == nil || out.ServerSideEncryptionConfiguration == nil {
		if none == "" {
			b.EncryptionUnknown = `the default encryption of bucket "` + b.Name + `" (permission s3:GetEncryptionConfiguration)`
		}
		return
	}
	for _, r := range out.ServerSideEncryptionConfiguration.Rules {
		if d := r.ApplyServerSideEncryptionByDefault; d != nil {
			b.Encryption = &reading.Encryption{Algorithm: string(d.SSEAlgorithm), Key: aws.ToString(d.KMSMasterKeyID)}
		}
	}
}

// object asks for an object as ourselves. S3 answers 403 to who may not list
// the bucket, whether the object is there or not; the list may say more.
func (x *Reader) object(ctx context.Context, b *reading.Bucket, key string, in func(*s3.Options)) {
	at := "s3://" + b.Name + "/" + key
	if !x.first(reading.AnObject, at) {
		return
	}
	q := question{op: "s3:HeadObject", kind: reading.AnObject, name: at, link: "object", none: []string{"NotFound", "NoSuchKey", "404"}}
	out, err := tried(ctx, x, q, func(ctx context.Context, i *s3.HeadObjectInput) (*s3.HeadObjectOutput, error) {
		return x.c.Objects.HeadObject(ctx, i, in)
	}, &s3.HeadObjectInput{Bucket: &b.Name, Key: &key})
	o := reading.Object{Key: key}
	switch {
	case err == nil:
		o.Size, o.ETag = aws.ToInt64(out.ContentLength), strings.Trim(aws.ToString(out.ETag), `"`)
		if out.ServerSideEncryption != "" {
			o.Encryption = &reading.Encryption{Algorithm: string(out.ServerSideEncryption), Key: aws.ToString(out.SSEKMSKeyId)}
			if out.SSEKMSKeyId != nil { // the header is there when it is so [S3 API: HeadObject]
				o.Encryption.BucketKey = aws.Bool(aws.ToBool(out.BucketKeyEnabled))
			}
		}
	case codeOf(err) == "NotFound" || codeOf(err) == "NoSuchKey" || codeOf(err) == "404":
		x.absent(reading.AnObject, at)
		return
	default:
		x.refused(q, err)
		there, told := x.listed(ctx, b, key, in)
		if !told {
			return
		}
		if !there {
			x.absent(reading.AnObject, at)
			return
		}
		o.EncryptionUnknown = "how " + at + " is encrypted (permission s3:GetObject)"
	}
	x.keep(func(*reading.Reading) { b.Objects = append(b.Objects, o) })
}

// listed tells by the bucket's list whether an object is there.
func (x *Reader) listed(ctx context.Context, b *reading.Bucket, key string, in func(*s3.Options)) (there, told bool) {
	q := question{op: "s3:ListObjectsV2", kind: reading.AnObject, name: "s3://" + b.Name + "/" + key, link: "object"}
	out, _ := ask(ctx, x, q, func(ctx context.Context, i *s3.ListObjectsV2Input) (*s3.ListObjectsV2Output, error) {
		return x.c.Objects.ListObjectsV2(ctx, i, in)
	}, &s3.ListObjectsV2Input{Bucket: &b.Name, Prefix: &key, MaxKeys: aws.Int32(1)}) // its own name comes first
	if out == nil {
		return false, false
	}
	return len(out.Contents) > 0 && aws.ToString(out.Contents[0].Key) == key, true
}

// publicAccess reads Block Public Access of the account.
func (x *Reader) publicAccess(ctx context.Context) {
	id := x.out.Account
	if !x.first(reading.AnAccount, id) {
		return
	}
	q := question{op: "s3control:GetPublicAccessBlock", kind: reading.AnAccount, name: id, link: "bucket", none: []string{"NoSuchPublicAccessBlockConfiguration"}}
	out, none := ask(ctx, x, q, x.c.Account.PublicAccess, id)
	x.keep(func(r *reading.Reading) {
		switch {
		case none != "":
			r.PublicAccess = &reading.PublicAccess{}
		case out != nil:
			r.PublicAccess = &reading.PublicAccess{BlockACLs: out.BlockACLs, IgnoreACLs: out.IgnoreACLs, BlockPolicy: out.BlockPolicy, Restrict: out.Restrict}
		}
	})
}
