package s3

import (
	"context"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"beanpole/internal/account"
	"beanpole/internal/aws"
	"beanpole/internal/cloud/door"
	"beanpole/internal/cloud/state"
	"beanpole/internal/fact"
)

// byS3 is encryption with keys of S3's own.
var byS3 = state.Encryption{Algorithm: string(types.ServerSideEncryptionAes256)}

// defaultEncryption is what a bucket's new objects are under unless their
// requests say otherwise.
func (s *Service) defaultEncryption(bucketName *string) (state.Encryption, error) {
	b, err := s.bucket(bucketName)
	if err != nil || b.Encryption == nil {
		return byS3, err
	}
	return *b.Encryption, nil
}

// encryption is what an object is under. Data is kept as it came.
func (s *Service) encryption(o *state.Object) (types.ServerSideEncryption, *string, error) {
	e := o.Encryption
	if e == nil { // stored when only the bucket said it
		d, err := s.defaultEncryption(&o.Bucket)
		if err != nil {
			return "", nil, err
		}
		e = &d
	}
	return types.ServerSideEncryption(e.Algorithm), s.keyARN(e), nil
}

// keyARN is the ARN of an encryption's key as far as KMS here knows it.
func (s *Service) keyARN(e *state.Encryption) (arn *string) {
	if e.Key == "" {
		return nil
	}
	s.state.View(func(a *account.Account) {
		if k, found := a.Key(e.Key); found == fact.Holds {
			arn = door.Pointer(k.ARN)
		}
	})
	return arn
}

// encryptionFor is what a new object is under: what its request's headers say,
// else the bucket's default. The key counts as it is now.
func (s *Service) encryptionFor(bucketName *string, algorithm types.ServerSideEncryption, key, customer *string) (*state.Encryption, error) {
	switch {
	case customer != nil:
		return nil, &aws.Error{Code: "NotImplemented", Status: http.StatusNotImplemented, Message: "beanpole does not keep objects under keys of the customer's own (SSE-C)"}
	case algorithm == "" && key == nil:
		e, err := s.defaultEncryption(bucketName)
		return s.pinned(e), err
	}
	e := state.Encryption{Algorithm: string(algorithm), Key: door.Value(key)}
	if err := checkEncryption(e); err != nil {
		return nil, err
	}
	return s.pinned(e), nil
}

// pinned is an encryption with its key's ARN in place of an ID or an alias.
func (s *Service) pinned(e state.Encryption) *state.Encryption {
	if arn := s.keyARN(&e); arn != nil {
		e.Key = *arn
	}
	return &e
}

// checkEncryption refuses what S3 does not know, in its words (general).
func checkEncryption(e state.Encryption) error {
	kms := strings.HasPrefix(e.Algorithm, "aws:kms")
	switch {
	case e.Key != "" && !kms:
		return aws.NewError("InvalidArgument", "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms").
			With("ArgumentName", "x-amz-server-side-encryption").With("ArgumentValue", e.Algorithm)
	case e.Algorithm != byS3.Algorithm && e.Algorithm != string(types.ServerSideEncryptionAwsKms) && e.Algorithm != string(types.ServerSideEncryptionAwsKmsDsse):
		return aws.NewError("InvalidArgument", "The encryption method specified is not supported").
			With("ArgumentName", "x-amz-server-side-encryption").With("ArgumentValue", e.Algorithm)
	}
	return nil
}

// xmlEncryption is a bucket's default encryption on the wire.
type xmlEncryption struct {
	XMLName struct{}  `xml:"ServerSideEncryptionConfiguration"`
	NS      string    `xml:"xmlns,attr"`
	Rule    []xmlRule `xml:"Rule"`
}

type xmlRule struct {
	ApplyServerSideEncryptionByDefault struct {
		SSEAlgorithm   string
		KMSMasterKeyID string `xml:",omitempty"`
	}
	BucketKeyEnabled bool
}

// encryptionRows set a bucket's default encryption; deleting it takes the
// permission to put it, and leaves S3's own keys
// [S3 API: DeleteBucketEncryption].
func (s *Service) encryptionRows() []door.Row {
	return []door.Row{
		door.RestOp("s3", "PutBucketEncryption", "s3:PutEncryptionConfiguration", door.Wire[s3.PutBucketEncryptionInput, s3.PutBucketEncryptionOutput]{
			Match: matches("PUT", true, false, "encryption"),
			Decode: func(x *door.Request) (*s3.PutBucketEncryptionInput, error) {
				var c struct{ Rule []xmlRule }
				if err := s.readXML(x, &c); err != nil {
					return nil, err
				}
				in := &s3.PutBucketEncryptionInput{Bucket: &x.Bucket, ServerSideEncryptionConfiguration: &types.ServerSideEncryptionConfiguration{}}
				for _, r := range c.Rule {
					d := r.ApplyServerSideEncryptionByDefault
					in.ServerSideEncryptionConfiguration.Rules = append(in.ServerSideEncryptionConfiguration.Rules, types.ServerSideEncryptionRule{
						BucketKeyEnabled: door.Pointer(r.BucketKeyEnabled), ApplyServerSideEncryptionByDefault: &types.ServerSideEncryptionByDefault{
							SSEAlgorithm: types.ServerSideEncryption(d.SSEAlgorithm), KMSMasterKeyID: door.Given(d.KMSMasterKeyID)}})
				}
				return in, nil
			},
			Encode: empty[s3.PutBucketEncryptionOutput](http.StatusOK),
		}, onBucket("s3:PutEncryptionConfiguration", func(in *s3.PutBucketEncryptionInput) *string { return in.Bucket }), s.PutBucketEncryption),
		door.RestOp("s3", "DeleteBucketEncryption", "s3:PutEncryptionConfiguration", door.Wire[s3.DeleteBucketEncryptionInput, s3.DeleteBucketEncryptionOutput]{
			Match:  matches("DELETE", true, false, "encryption"),
			Decode: named(func(b *string) *s3.DeleteBucketEncryptionInput { return &s3.DeleteBucketEncryptionInput{Bucket: b} }),
			Encode: empty[s3.DeleteBucketEncryptionOutput](http.StatusNoContent),
		}, onBucket("s3:PutEncryptionConfiguration", func(in *s3.DeleteBucketEncryptionInput) *string { return in.Bucket }), s.DeleteBucketEncryption),
	}
}

// PutBucketEncryption sets what new objects are under. Whether the key exists
// is asked when one is stored, as on AWS.
func (s *Service) PutBucketEncryption(_ context.Context, in *s3.PutBucketEncryptionInput) (*s3.PutBucketEncryptionOutput, error) {
	rules := in.ServerSideEncryptionConfiguration.Rules
	if len(rules) != 1 {
		return nil, aws.NewError("MalformedXML")
	}
	d := rules[0].ApplyServerSideEncryptionByDefault
	e := state.Encryption{Algorithm: string(d.SSEAlgorithm), Key: door.Value(d.KMSMasterKeyID), BucketKey: door.Value(rules[0].BucketKeyEnabled)}
	if e.Key != "" && e.Algorithm == byS3.Algorithm {
		return nil, aws.NewError("InvalidArgument", "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse")
	}
	if checkEncryption(e) != nil {
		return nil, aws.NewError("MalformedXML")
	}
	return &s3.PutBucketEncryptionOutput{}, s.setEncryption(in.Bucket, &e)
}

// DeleteBucketEncryption goes back to S3's own keys.
func (s *Service) DeleteBucketEncryption(_ context.Context, in *s3.DeleteBucketEncryptionInput) (*s3.DeleteBucketEncryptionOutput, error) {
	return &s3.DeleteBucketEncryptionOutput{}, s.setEncryption(in.Bucket, &byS3)
}

func (s *Service) setEncryption(name *string, e *state.Encryption) error {
	return s.state.Update(func(tx *state.Tx) error {
		b, err := bucket(tx, name)
		if err != nil {
			return err
		}
		if b.Encryption = e; e.Algorithm == byS3.Algorithm {
			b.Encryption = nil
		}
		return tx.PutBucket(b)
	})
}
