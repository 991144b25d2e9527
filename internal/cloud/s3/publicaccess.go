package s3

import (
	"context"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"beanpole/internal/aws"
	"beanpole/internal/cloud/door"
	"beanpole/internal/cloud/state"
)

// xmlPublicAccess is Block Public Access on the wire.
type xmlPublicAccess struct {
	XMLName                                                                     struct{} `xml:"PublicAccessBlockConfiguration"`
	NS                                                                          string   `xml:"xmlns,attr"`
	BlockPublicAcls, IgnorePublicAcls, BlockPublicPolicy, RestrictPublicBuckets bool
}

// publicAccessRows are those of a bucket's Block Public Access; deleting it
// takes the permission to put it [S3 API: DeletePublicAccessBlock].
func (s *Service) publicAccessRows() []door.Row {
	return []door.Row{
		door.RestOp("s3", "PutPublicAccessBlock", "s3:PutBucketPublicAccessBlock", door.Wire[s3.PutPublicAccessBlockInput, s3.PutPublicAccessBlockOutput]{
			Match: matches("PUT", true, false, "publicAccessBlock"),
			Decode: func(x *door.Request) (*s3.PutPublicAccessBlockInput, error) {
				var c struct{ BlockPublicAcls, IgnorePublicAcls, BlockPublicPolicy, RestrictPublicBuckets bool }
				err := s.readXML(x, &c)
				return &s3.PutPublicAccessBlockInput{Bucket: &x.Bucket, PublicAccessBlockConfiguration: &types.PublicAccessBlockConfiguration{
					BlockPublicAcls: &c.BlockPublicAcls, IgnorePublicAcls: &c.IgnorePublicAcls,
					BlockPublicPolicy: &c.BlockPublicPolicy, RestrictPublicBuckets: &c.RestrictPublicBuckets}}, err
			},
			Encode: empty[s3.PutPublicAccessBlockOutput](http.StatusOK),
		}, onBucket("s3:PutBucketPublicAccessBlock", func(in *s3.PutPublicAccessBlockInput) *string { return in.Bucket }), s.PutPublicAccessBlock),
		door.RestOp("s3", "GetPublicAccessBlock", "s3:GetBucketPublicAccessBlock", door.Wire[s3.GetPublicAccessBlockInput, s3.GetPublicAccessBlockOutput]{
			Match:  matches("GET", true, false, "publicAccessBlock"),
			Decode: named(func(b *string) *s3.GetPublicAccessBlockInput { return &s3.GetPublicAccessBlockInput{Bucket: b} }),
			Encode: func(x *door.Request, out *s3.GetPublicAccessBlockOutput) error {
				c := out.PublicAccessBlockConfiguration
				return writeXML(x, xmlPublicAccess{NS: xmlns, BlockPublicAcls: door.Value(c.BlockPublicAcls), IgnorePublicAcls: door.Value(c.IgnorePublicAcls),
					BlockPublicPolicy: door.Value(c.BlockPublicPolicy), RestrictPublicBuckets: door.Value(c.RestrictPublicBuckets)})
			},
		}, onBucket("s3:GetBucketPublicAccessBlock", func(in *s3.GetPublicAccessBlockInput) *string { return in.Bucket }), s.GetPublicAccessBlock),
		door.RestOp("s3", "DeletePublicAccessBlock", "s3:PutBucketPublicAccessBlock", door.Wire[s3.DeletePublicAccessBlockInput, s3.DeletePublicAccessBlockOutput]{
			Match:  matches("DELETE", true, false, "publicAccessBlock"),
			Decode: named(func(b *string) *s3.DeletePublicAccessBlockInput { return &s3.DeletePublicAccessBlockInput{Bucket: b} }),
			Encode: empty[s3.DeletePublicAccessBlockOutput](http.StatusNoContent),
		}, onBucket("s3:PutBucketPublicAccessBlock", func(in *s3.DeletePublicAccessBlockInput) *string { return in.Bucket }), s.DeletePublicAccessBlock),
	}
}

// PutPublicAccessBlock sets a bucket's Block Public Access.
func (s *Service) PutPublicAccessBlock(_ context.Context, in *s3.PutPublicAccessBlockInput) (*s3.PutPublicAccessBlockOutput, error) {
	c := in.PublicAccessBlockConfiguration
	return &s3.PutPublicAccessBlockOutput{}, s.setPublicAccess(in.Bucket, &state.PublicAccess{BlockACLs: door.Value(c.BlockPublicAcls),
		IgnoreACLs: door.Value(c.IgnorePublicAcls), BlockPolicy: door.Value(c.BlockPublicPolicy), Restrict: door.Value(c.RestrictPublicBuckets)})
}

// DeletePublicAccessBlock opens a bucket; none is no error.
func (s *Service) DeletePublicAccessBlock(_ context.Context, in *s3.DeletePublicAccessBlockInput) (*s3.DeletePublicAccessBlockOutput, error) {
	return &s3.DeletePublicAccessBlockOutput{}, s.setPublicAccess(in.Bucket, nil)
}

func (s *Service) setPublicAccess(name *string, p *state.PublicAccess) error {
	return s.state.Update(func(tx *state.Tx) error {
		b, err := bucket(tx, name)
		if err != nil {
			return err
		}
		b.PublicAccess = p
		return tx.PutBucket(b)
	})
}

// GetPublicAccessBlock shows a bucket's Block Public Access.
func (s *Service) GetPublicAccessBlock(_ context.Context, in *s3.GetPublicAccessBlockInput) (*s3.GetPublicAccessBlockOutput, error) {
	b, err := s.bucket(in.Bucket)
	if err != nil {
		return nil, err
	}
	p := b.PublicAccess
	if p == nil {
		return nil, aws.NewError("NoSuchPublicAccessBlockConfiguration").With("BucketName", b.Name)
	}
	return &s3.GetPublicAccessBlockOutput{PublicAccessBlockConfiguration: &types.PublicAccessBlockConfiguration{BlockPublicAcls: &p.BlockACLs,
		IgnorePublicAcls: &p.IgnoreACLs, BlockPublicPolicy: &p.BlockPolicy, RestrictPublicBuckets: &p.Restrict}}, nil
}
