package s3

import (
	"bytes"
	"context"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"beanpole/internal/aws"
	"beanpole/internal/cloud/door"
	"beanpole/internal/cloud/state"
	"beanpole/internal/lazyregexp"
)

// [S3:bucketnamingrules]
var (
	bucketName = lazyregexp.New(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	dottedQuad = lazyregexp.New(`^\d+\.\d+\.\d+\.\d+$`)
)

func checkBucketName(name string) error {
	if !bucketName.MatchString(name) || dottedQuad.MatchString(name) || strings.Contains(name, "..") ||
		strings.HasPrefix(name, "xn--") || strings.HasSuffix(name, "-s3alias") {
		return aws.NewError("InvalidBucketName").With("BucketName", name)
	}
	return nil
}

// CreateBucket makes a bucket in the region that the input names, else in the
// caller's, and puts the objects that were seeded for it.
func (s *Service) CreateBucket(ctx context.Context, in *s3.CreateBucketInput) (*s3.CreateBucketOutput, error) {
	name := door.Value(in.Bucket)
	if err := checkBucketName(name); err != nil {
		return nil, err
	}
	region, err := s.placement(door.CallerOf(ctx), in.CreateBucketConfiguration)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	seeds, err := s.storeSeeds(name)
	if err != nil {
		return nil, err
	}
	err = s.state.Update(func(tx *state.Tx) error {
		b, found, err := tx.Bucket(name)
		if err != nil {
			return err
		}
		if found && (region != "us-east-1" || b.Region != region) {
			return aws.NewError("BucketAlreadyOwnedByYou").With("BucketName", name)
		}
		if found {
			return nil // us-east-1 alone takes the repetition [S3 API: CreateBucket]
		}
		if err := tx.PutBucket(&state.Bucket{Name: name, Region: region, Created: now()}); err != nil {
			return err
		}
		for _, o := range seeds {
			if err := tx.PutObject(o); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		for _, o := range seeds {
			s.drop(o.File)
		}
		return nil, err
	}
	delete(s.seeds, name)
	return &s3.CreateBucketOutput{Location: door.Pointer("/" + name)}, nil
}

// placement is the region of a new bucket. An endpoint outside us-east-1 makes
// buckets of its own region only, and wants it said [S3 API: CreateBucket]; a
// service that makes one for its caller means its own region.
func (s *Service) placement(c *door.Caller, config *types.CreateBucketConfiguration) (string, error) {
	region, constraint := c.Region, ""
	if region == "" {
		region = s.state.Region()
	}
	if config != nil {
		constraint = string(config.LocationConstraint)
	}
	if constraint == "EU" {
		constraint = "eu-west-1"
	}
	switch {
	case constraint == "us-east-1" && c.Direct():
		return "", aws.NewError("InvalidLocationConstraint").With("LocationConstraint", constraint)
	case constraint == "" && c.Direct() && region != "us-east-1":
		return "", aws.NewError("IllegalLocationConstraintException", "unspecified")
	case constraint != "" && c.Direct() && region != "us-east-1" && region != constraint:
		return "", aws.NewError("IllegalLocationConstraintException", constraint)
	case constraint != "":
		return constraint, nil
	}
	return region, nil
}

func (s *Service) storeSeeds(bucket string) ([]*state.Object, error) {
	var out []*state.Object
	for key, data := range s.seeds[bucket] {
		d, err := s.store(bytes.NewReader(data), io.Discard)
		if err != nil {
			return nil, err
		}
		out = append(out, &state.Object{Bucket: bucket, Key: key, Size: d.size, ETag: etag(d.md5), Type: defaultType, Modified: now(), File: d.file})
	}
	return out, nil
}

// DeleteBucket deletes an empty bucket.
func (s *Service) DeleteBucket(_ context.Context, in *s3.DeleteBucketInput) (*s3.DeleteBucketOutput, error) {
	return &s3.DeleteBucketOutput{}, s.state.Update(func(tx *state.Tx) error {
		b, err := bucket(tx, in.Bucket)
		if err != nil {
			return err
		}
		full := false
		err = tx.EachObject(b.Name, "", "", func(string, []byte) error {
			full = true
			return state.Stop
		})
		if err != nil {
			return err
		}
		if full {
			return aws.NewError("BucketNotEmpty").With("BucketName", b.Name)
		}
		return tx.DeleteBucket(b.Name)
	})
}

// HeadBucket says whether a bucket exists, and its region.
func (s *Service) HeadBucket(_ context.Context, in *s3.HeadBucketInput) (*s3.HeadBucketOutput, error) {
	b, err := s.bucket(in.Bucket)
	if err != nil {
		return nil, err
	}
	return &s3.HeadBucketOutput{BucketRegion: door.Pointer(b.Region), AccessPointAlias: door.Pointer(false)}, nil
}

func (s *Service) bucket(name *string) (b *state.Bucket, err error) {
	err = s.state.Read(func(tx *state.Tx) (err error) {
		b, err = bucket(tx, name)
		return err
	})
	return b, err
}

// GetBucketLocation says a bucket's region; us-east-1 is the empty text.
func (s *Service) GetBucketLocation(_ context.Context, in *s3.GetBucketLocationInput) (*s3.GetBucketLocationOutput, error) {
	b, err := s.bucket(in.Bucket)
	if err != nil {
		return nil, err
	}
	var out s3.GetBucketLocationOutput
	if b.Region != "us-east-1" {
		out.LocationConstraint = types.BucketLocationConstraint(b.Region)
	}
	return &out, nil
}

// ListBuckets lists the account's buckets by name.
func (s *Service) ListBuckets(_ context.Context, in *s3.ListBucketsInput) (*s3.ListBucketsOutput, error) {
	out := &s3.ListBucketsOutput{Buckets: []types.Bucket{}, Owner: &types.Owner{ID: door.Pointer(s.state.CanonicalID())}, Prefix: in.Prefix}
	err := s.state.Read(func(tx *state.Tx) error {
		bs, err := tx.Buckets()
		for _, b := range bs {
			if strings.HasPrefix(b.Name, door.Value(in.Prefix)) && (in.BucketRegion == nil || *in.BucketRegion == b.Region) {
				out.Buckets = append(out.Buckets, types.Bucket{Name: door.Pointer(b.Name), CreationDate: door.Pointer(b.Created), BucketRegion: door.Pointer(b.Region)})
			}
		}
		return err
	})
	return out, err
}

func malformedPolicy(message string) error { return aws.NewError("MalformedPolicy", message) }

// PutBucketPolicy replaces a bucket's policy. A role or user that it names
// must exist [S3:s3-bucket-user-policy-specifying-principal-intro].
func (s *Service) PutBucketPolicy(_ context.Context, in *s3.PutBucketPolicyInput) (*s3.PutBucketPolicyOutput, error) {
	if len(door.Value(in.Policy)) > 20<<10 {
		return nil, &aws.Error{Code: "PolicyTooLarge", Status: 400, Message: "Policy exceeds the maximum allowed document size."}
	}
	if err := checkPolicy(door.Value(in.Bucket), door.Value(in.Policy)); err != nil {
		return nil, err
	}
	return &s3.PutBucketPolicyOutput{}, s.state.Update(func(tx *state.Tx) error {
		b, err := bucket(tx, in.Bucket)
		if err != nil {
			return err
		}
		if b.PublicAccess != nil && b.PublicAccess.BlockPolicy && isPublic(*in.Policy) {
			return aws.NewError("AccessDenied") // [S3:access-control-block-public-access, BlockPublicPolicy]
		}
		d, dead, err := s.state.Bind(tx, "bucket policy", *in.Policy)
		if err != nil {
			return err
		}
		if dead != "" {
			return aws.NewError("MalformedPolicy", "Invalid principal in policy").With("Detail", `"AWS" : "`+dead+`"`)
		}
		b.Policy = &d
		return tx.PutBucket(b)
	})
}

// GetBucketPolicy shows a bucket's policy.
func (s *Service) GetBucketPolicy(_ context.Context, in *s3.GetBucketPolicyInput) (*s3.GetBucketPolicyOutput, error) {
	var out s3.GetBucketPolicyOutput
	err := s.state.Read(func(tx *state.Tx) error {
		b, err := bucket(tx, in.Bucket)
		if err != nil {
			return err
		}
		if b.Policy == nil {
			return aws.NewError("NoSuchBucketPolicy").With("BucketName", b.Name)
		}
		text, err := s.state.Shown(tx, *b.Policy)
		out.Policy = &text
		return err
	})
	return &out, err
}

// DeleteBucketPolicy deletes a bucket's policy; none is no error.
func (s *Service) DeleteBucketPolicy(_ context.Context, in *s3.DeleteBucketPolicyInput) (*s3.DeleteBucketPolicyOutput, error) {
	return &s3.DeleteBucketPolicyOutput{}, s.state.Update(func(tx *state.Tx) error {
		b, err := bucket(tx, in.Bucket)
		if err != nil {
			return err
		}
		b.Policy = nil
		return tx.PutBucket(b)
	})
}
