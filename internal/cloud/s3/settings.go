package s3

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"beanpole/internal/access"
	"beanpole/internal/account"
	"beanpole/internal/aws"
	"beanpole/internal/cloud/door"
	"beanpole/internal/fact"
	"beanpole/internal/iam"
)

// settingRows show how a bucket is kept. Object Ownership is set by
// CloudFormation alone.
func (s *Service) settingRows() []door.Row {
	return []door.Row{
		door.RestOp("s3", "GetBucketPolicyStatus", "s3:GetBucketPolicyStatus", door.Wire[s3.GetBucketPolicyStatusInput, s3.GetBucketPolicyStatusOutput]{
			Match:  matches("GET", true, false, "policyStatus"),
			Decode: named(func(b *string) *s3.GetBucketPolicyStatusInput { return &s3.GetBucketPolicyStatusInput{Bucket: b} }),
			Encode: func(x *door.Request, out *s3.GetBucketPolicyStatusOutput) error {
				return writeXML(x, struct {
					XMLName  struct{} `xml:"PolicyStatus"`
					NS       string   `xml:"xmlns,attr"`
					IsPublic bool
				}{NS: xmlns, IsPublic: door.Value(out.PolicyStatus.IsPublic)})
			},
		}, onBucket("s3:GetBucketPolicyStatus", func(in *s3.GetBucketPolicyStatusInput) *string { return in.Bucket }), s.GetBucketPolicyStatus),
		door.RestOp("s3", "GetBucketOwnershipControls", "s3:GetBucketOwnershipControls", door.Wire[s3.GetBucketOwnershipControlsInput, s3.GetBucketOwnershipControlsOutput]{
			Match: matches("GET", true, false, "ownershipControls"),
			Decode: named(func(b *string) *s3.GetBucketOwnershipControlsInput {
				return &s3.GetBucketOwnershipControlsInput{Bucket: b}
			}),
			Encode: encodeOwnership,
		}, onBucket("s3:GetBucketOwnershipControls", func(in *s3.GetBucketOwnershipControlsInput) *string { return in.Bucket }), s.GetBucketOwnershipControls),
		door.RestOp("s3", "GetBucketEncryption", "s3:GetEncryptionConfiguration", door.Wire[s3.GetBucketEncryptionInput, s3.GetBucketEncryptionOutput]{
			Match:  matches("GET", true, false, "encryption"),
			Decode: named(func(b *string) *s3.GetBucketEncryptionInput { return &s3.GetBucketEncryptionInput{Bucket: b} }),
			Encode: encodeEncryption,
		}, onBucket("s3:GetEncryptionConfiguration", func(in *s3.GetBucketEncryptionInput) *string { return in.Bucket }), s.GetBucketEncryption),
		s.accountRow(),
	}
}

// GetBucketPolicyStatus tells whether S3 counts a bucket's policy as public.
func (s *Service) GetBucketPolicyStatus(_ context.Context, in *s3.GetBucketPolicyStatusInput) (*s3.GetBucketPolicyStatusOutput, error) {
	b, err := s.bucket(in.Bucket)
	if err != nil {
		return nil, err
	}
	if b.Policy == nil {
		return nil, aws.NewError("NoSuchBucketPolicy").With("BucketName", b.Name)
	}
	return &s3.GetBucketPolicyStatusOutput{PolicyStatus: &types.PolicyStatus{IsPublic: door.Pointer(isPublic(b.Policy.Text))}}, nil
}

// GetBucketOwnershipControls shows whose the objects of a bucket are.
func (s *Service) GetBucketOwnershipControls(_ context.Context, in *s3.GetBucketOwnershipControlsInput) (*s3.GetBucketOwnershipControlsOutput, error) {
	b, err := s.bucket(in.Bucket)
	if err != nil {
		return nil, err
	}
	ownership := b.Ownership
	if ownership == "" {
		ownership = account.OwnerEnforced
	}
	return &s3.GetBucketOwnershipControlsOutput{OwnershipControls: &types.OwnershipControls{
		Rules: []types.OwnershipControlsRule{{ObjectOwnership: types.ObjectOwnership(ownership)}}}}, nil
}

func encodeOwnership(x *door.Request, out *s3.GetBucketOwnershipControlsOutput) error {
	type rule struct{ ObjectOwnership string }
	v := struct {
		XMLName struct{} `xml:"OwnershipControls"`
		NS      string   `xml:"xmlns,attr"`
		Rule    []rule
	}{NS: xmlns}
	for _, r := range out.OwnershipControls.Rules {
		v.Rule = append(v.Rule, rule{string(r.ObjectOwnership)})
	}
	return writeXML(x, v)
}

// GetBucketEncryption shows a bucket's default encryption; every bucket has one
// [S3:default-encryption-faq].
func (s *Service) GetBucketEncryption(_ context.Context, in *s3.GetBucketEncryptionInput) (*s3.GetBucketEncryptionOutput, error) {
	e, err := s.defaultEncryption(in.Bucket)
	if err != nil {
		return nil, err
	}
	return &s3.GetBucketEncryptionOutput{ServerSideEncryptionConfiguration: &types.ServerSideEncryptionConfiguration{
		Rules: []types.ServerSideEncryptionRule{{BucketKeyEnabled: &e.BucketKey,
			ApplyServerSideEncryptionByDefault: &types.ServerSideEncryptionByDefault{SSEAlgorithm: types.ServerSideEncryption(e.Algorithm), KMSMasterKeyID: door.Given(s.pinned(e).Key)}}}}}, nil
}

func encodeEncryption(x *door.Request, out *s3.GetBucketEncryptionOutput) error {
	v := xmlEncryption{NS: xmlns}
	for _, r := range out.ServerSideEncryptionConfiguration.Rules {
		rule := xmlRule{BucketKeyEnabled: door.Value(r.BucketKeyEnabled)}
		d := &rule.ApplyServerSideEncryptionByDefault
		d.SSEAlgorithm, d.KMSMasterKeyID = string(r.ApplyServerSideEncryptionByDefault.SSEAlgorithm), door.Value(r.ApplyServerSideEncryptionByDefault.KMSMasterKeyID)
		v.Rule = append(v.Rule, rule)
	}
	return writeXML(x, v)
}

// ofAccount is S3 Control's request about a whole account.
type ofAccount struct{}

// accountRow is S3 Control's GetPublicAccessBlock. It is told from a request
// about an object by the header that all of S3 Control's have. [S3 API: S3
// Control, GetPublicAccessBlock]
func (s *Service) accountRow() door.Row {
	return door.RestOp("s3", "GetAccountPublicAccessBlock", "s3:GetAccountPublicAccessBlock", door.Wire[ofAccount, ofAccount]{
		Match: func(x *door.Request) bool {
			return x.Method == "GET" && x.URL.Path == "/v20180820/configuration/publicAccessBlock" && x.Header.Get("X-Amz-Account-Id") != ""
		},
		Decode: func(*door.Request) (*ofAccount, error) { return &ofAccount{}, nil },
	}, func(context.Context, *ofAccount) []door.Ask {
		return []door.Ask{{Action: "s3:GetAccountPublicAccessBlock", Resource: "*"}}
	}, s.accountPublicAccess)
}

// accountPublicAccess: Block Public Access of the whole account is not kept
// here, and never on.
func (s *Service) accountPublicAccess(context.Context, *ofAccount) (*ofAccount, error) {
	return nil, aws.NewError("NoSuchPublicAccessBlockConfiguration")
}

// isPublic: what cannot be told is let pass, as it is predicted.
func isPublic(policy string) bool {
	p, err := iam.ParseJSON("bucket policy", "", []byte(policy))
	return err == nil && access.Public(p) == fact.Holds
}
