package s3

import (
	"context"
	"io"
	"net/http"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"beanpole/internal/cloud/door"
)

// Rows are the operations with their actions
// [service authorization reference: Amazon S3].
func (s *Service) Rows() []door.Row {
	return slices.Concat(s.settingRows(), s.bucketRows(), s.publicAccessRows(), s.encryptionRows(), s.objectRows(), s.uploadRows())
}

// named decodes an input that is only a bucket's name.
func named[I any](make func(bucket *string) *I) func(*door.Request) (*I, error) {
	return func(x *door.Request) (*I, error) { return make(&x.Bucket), nil }
}

func (s *Service) bucketRows() []door.Row {
	return append(s.policyRows(),
		door.RestOp("s3", "ListBuckets", "s3:ListAllMyBuckets", door.Wire[s3.ListBucketsInput, s3.ListBucketsOutput]{
			Match: matches("GET", false, false),
			Decode: func(x *door.Request) (*s3.ListBucketsInput, error) {
				q := x.URL.Query()
				return &s3.ListBucketsInput{Prefix: query(q, "prefix"), BucketRegion: query(q, "bucket-region")}, nil
			},
			Encode: encodeBuckets,
		}, func(context.Context, *s3.ListBucketsInput) []door.Ask {
			return []door.Ask{{Action: "s3:ListAllMyBuckets", Resource: "*"}}
		}, s.ListBuckets),
		door.RestOp("s3", "CreateBucket", "s3:CreateBucket", door.Wire[s3.CreateBucketInput, s3.CreateBucketOutput]{
			Match: matches("PUT", true, false), Decode: s.decodeCreateBucket,
			Encode: func(x *door.Request, out *s3.CreateBucketOutput) error {
				x.Begin().Set("Location", door.Value(out.Location))
				x.W.WriteHeader(http.StatusOK)
				return nil
			},
		}, func(_ context.Context, in *s3.CreateBucketInput) []door.Ask {
			return []door.Ask{{Action: "s3:CreateBucket", Resource: "arn:aws:s3:::" + door.Value(in.Bucket)}}
		}, s.CreateBucket),
		door.RestOp("s3", "DeleteBucket", "s3:DeleteBucket", door.Wire[s3.DeleteBucketInput, s3.DeleteBucketOutput]{
			Match:  matches("DELETE", true, false),
			Decode: named(func(b *string) *s3.DeleteBucketInput { return &s3.DeleteBucketInput{Bucket: b} }),
			Encode: empty[s3.DeleteBucketOutput](http.StatusNoContent),
		}, onBucket("s3:DeleteBucket", func(in *s3.DeleteBucketInput) *string { return in.Bucket }), s.DeleteBucket),
		door.RestOp("s3", "HeadBucket", "s3:ListBucket", door.Wire[s3.HeadBucketInput, s3.HeadBucketOutput]{
			Match:  matches("HEAD", true, false),
			Decode: named(func(b *string) *s3.HeadBucketInput { return &s3.HeadBucketInput{Bucket: b} }),
			Encode: func(x *door.Request, out *s3.HeadBucketOutput) error {
				h := x.Begin()
				h.Set("X-Amz-Bucket-Region", door.Value(out.BucketRegion))
				h.Set("X-Amz-Access-Point-Alias", "false")
				h.Set("Content-Type", "application/xml")
				x.W.WriteHeader(http.StatusOK)
				return nil
			},
		}, onBucket("s3:ListBucket", func(in *s3.HeadBucketInput) *string { return in.Bucket }), s.HeadBucket),
		door.RestOp("s3", "GetBucketLocation", "s3:GetBucketLocation", door.Wire[s3.GetBucketLocationInput, s3.GetBucketLocationOutput]{
			Match:  matches("GET", true, false, "location"),
			Decode: named(func(b *string) *s3.GetBucketLocationInput { return &s3.GetBucketLocationInput{Bucket: b} }),
			Encode: encodeLocation,
		}, onBucket("s3:GetBucketLocation", func(in *s3.GetBucketLocationInput) *string { return in.Bucket }), s.GetBucketLocation),
		s.listRow(), s.oldListRow(),
	)
}

func (s *Service) policyRows() []door.Row {
	return []door.Row{
		door.RestOp("s3", "PutBucketPolicy", "s3:PutBucketPolicy", door.Wire[s3.PutBucketPolicyInput, s3.PutBucketPolicyOutput]{
			Match: matches("PUT", true, false, "policy"),
			Decode: func(x *door.Request) (*s3.PutBucketPolicyInput, error) {
				body, err := s.body(x)
				if err != nil {
					return nil, err
				}
				text, err := io.ReadAll(io.LimitReader(body, 64<<10))
				if err != nil {
					return nil, readFailure(err)
				}
				return &s3.PutBucketPolicyInput{Bucket: &x.Bucket, Policy: door.Pointer(string(text))}, nil
			},
			Encode: empty[s3.PutBucketPolicyOutput](http.StatusNoContent),
		}, onBucket("s3:PutBucketPolicy", func(in *s3.PutBucketPolicyInput) *string { return in.Bucket }), s.PutBucketPolicy),
		door.RestOp("s3", "GetBucketPolicy", "s3:GetBucketPolicy", door.Wire[s3.GetBucketPolicyInput, s3.GetBucketPolicyOutput]{
			Match:  matches("GET", true, false, "policy"),
			Decode: named(func(b *string) *s3.GetBucketPolicyInput { return &s3.GetBucketPolicyInput{Bucket: b} }),
			Encode: func(x *door.Request, out *s3.GetBucketPolicyOutput) error {
				x.Begin().Set("Content-Type", "application/json")
				x.W.WriteHeader(http.StatusOK)
				_, _ = io.WriteString(x.W, door.Value(out.Policy)) // a client that went away is no failure
				return nil
			},
		}, onBucket("s3:GetBucketPolicy", func(in *s3.GetBucketPolicyInput) *string { return in.Bucket }), s.GetBucketPolicy),
		door.RestOp("s3", "DeleteBucketPolicy", "s3:DeleteBucketPolicy", door.Wire[s3.DeleteBucketPolicyInput, s3.DeleteBucketPolicyOutput]{
			Match:  matches("DELETE", true, false, "policy"),
			Decode: named(func(b *string) *s3.DeleteBucketPolicyInput { return &s3.DeleteBucketPolicyInput{Bucket: b} }),
			Encode: empty[s3.DeleteBucketPolicyOutput](http.StatusNoContent),
		}, onBucket("s3:DeleteBucketPolicy", func(in *s3.DeleteBucketPolicyInput) *string { return in.Bucket }), s.DeleteBucketPolicy),
	}
}

// decodeCreateBucket reads where the bucket shall be.
func (s *Service) decodeCreateBucket(x *door.Request) (*s3.CreateBucketInput, error) {
	in := &s3.CreateBucketInput{Bucket: &x.Bucket}
	var c struct{ LocationConstraint string }
	if x.ContentLength == 0 {
		return in, nil
	}
	if err := s.readXML(x, &c); err != nil {
		return nil, err
	}
	in.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(c.LocationConstraint)}
	return in, nil
}
