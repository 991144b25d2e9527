package live

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"
	"github.com/aws/smithy-go/middleware"

	localaws "beanpole/internal/aws"
)

// Clients are what a Reader asks. Each is no wider than what it asks.
type Clients struct {
	Region  string
	Caller  callerAPI
	Beans   beansAPI
	Stacks  stacksAPI
	IAM     iamAPI
	Objects objectsAPI
	Account accountAPI
	Keys    keysAPI
	Network networkAPI
	// Get fetches a log's presigned URL.
	Get func(*http.Request) (*http.Response, error)
}

type callerAPI interface {
	GetCallerIdentity(context.Context, *sts.GetCallerIdentityInput, ...func(*sts.Options)) (*sts.GetCallerIdentityOutput, error)
}

type beansAPI interface {
	DescribeEnvironments(context.Context, *elasticbeanstalk.DescribeEnvironmentsInput, ...func(*elasticbeanstalk.Options)) (*elasticbeanstalk.DescribeEnvironmentsOutput, error)
	DescribeConfigurationSettings(context.Context, *elasticbeanstalk.DescribeConfigurationSettingsInput, ...func(*elasticbeanstalk.Options)) (*elasticbeanstalk.DescribeConfigurationSettingsOutput, error)
	DescribeConfigurationOptions(context.Context, *elasticbeanstalk.DescribeConfigurationOptionsInput, ...func(*elasticbeanstalk.Options)) (*elasticbeanstalk.DescribeConfigurationOptionsOutput, error)
	DescribeEnvironmentResources(context.Context, *elasticbeanstalk.DescribeEnvironmentResourcesInput, ...func(*elasticbeanstalk.Options)) (*elasticbeanstalk.DescribeEnvironmentResourcesOutput, error)
	DescribeEvents(context.Context, *elasticbeanstalk.DescribeEventsInput, ...func(*elasticbeanstalk.Options)) (*elasticbeanstalk.DescribeEventsOutput, error)
	DescribeApplicationVersions(context.Context, *elasticbeanstalk.DescribeApplicationVersionsInput, ...func(*elasticbeanstalk.Options)) (*elasticbeanstalk.DescribeApplicationVersionsOutput, error)
	RequestEnvironmentInfo(context.Context, *elasticbeanstalk.RequestEnvironmentInfoInput, ...func(*elasticbeanstalk.Options)) (*elasticbeanstalk.RequestEnvironmentInfoOutput, error)
	RetrieveEnvironmentInfo(context.Context, *elasticbeanstalk.RetrieveEnvironmentInfoInput, ...func(*elasticbeanstalk.Options)) (*elasticbeanstalk.RetrieveEnvironmentInfoOutput, error)
}

type stacksAPI interface {
	DescribeStacks(context.Context, *cloudformation.DescribeStacksInput, ...func(*cloudformation.Options)) (*cloudformation.DescribeStacksOutput, error)
	DescribeStackResources(context.Context, *cloudformation.DescribeStackResourcesInput, ...func(*cloudformation.Options)) (*cloudformation.DescribeStackResourcesOutput, error)
	DescribeStackResource(context.Context, *cloudformation.DescribeStackResourceInput, ...func(*cloudformation.Options)) (*cloudformation.DescribeStackResourceOutput, error)
	DescribeStackEvents(context.Context, *cloudformation.DescribeStackEventsInput, ...func(*cloudformation.Options)) (*cloudformation.DescribeStackEventsOutput, error)
	GetTemplate(context.Context, *cloudformation.GetTemplateInput, ...func(*cloudformation.Options)) (*cloudformation.GetTemplateOutput, error)
}

type iamAPI interface {
	GetInstanceProfile(context.Context, *iam.GetInstanceProfileInput, ...func(*iam.Options)) (*iam.GetInstanceProfileOutput, error)
	GetRole(context.Context, *iam.GetRoleInput, ...func(*iam.Options)) (*iam.GetRoleOutput, error)
	ListRolePolicies(context.Context, *iam.ListRolePoliciesInput, ...func(*iam.Options)) (*iam.ListRolePoliciesOutput, error)
	GetRolePolicy(context.Context, *iam.GetRolePolicyInput, ...func(*iam.Options)) (*iam.GetRolePolicyOutput, error)
	ListAttachedRolePolicies(context.Context, *iam.ListAttachedRolePoliciesInput, ...func(*iam.Options)) (*iam.ListAttachedRolePoliciesOutput, error)
	GetPolicy(context.Context, *iam.GetPolicyInput, ...func(*iam.Options)) (*iam.GetPolicyOutput, error)
	GetPolicyVersion(context.Context, *iam.GetPolicyVersionInput, ...func(*iam.Options)) (*iam.GetPolicyVersionOutput, error)
}

type objectsAPI interface {
	ListBuckets(context.Context, *s3.ListBucketsInput, ...func(*s3.Options)) (*s3.ListBucketsOutput, error)
	HeadBucket(context.Context, *s3.HeadBucketInput, ...func(*s3.Options)) (*s3.HeadBucketOutput, error)
	HeadObject(context.Context, *s3.HeadObjectInput, ...func(*s3.Options)) (*s3.HeadObjectOutput, error)
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
	ListObjectsV2(context.Context, *s3.ListObjectsV2Input, ...func(*s3.Options)) (*s3.ListObjectsV2Output, error)
	GetBucketPolicy(context.Context, *s3.GetBucketPolicyInput, ...func(*s3.Options)) (*s3.GetBucketPolicyOutput, error)
	GetBucketPolicyStatus(context.Context, *s3.GetBucketPolicyStatusInput, ...func(*s3.Options)) (*s3.GetBucketPolicyStatusOutput, error)
	GetPublicAccessBlock(context.Context, *s3.GetPublicAccessBlockInput, ...func(*s3.Options)) (*s3.GetPublicAccessBlockOutput, error)
	GetBucketOwnershipControls(context.Context, *s3.GetBucketOwnershipControlsInput, ...func(*s3.Options)) (*s3.GetBucketOwnershipControlsOutput, error)
	GetBucketEncryption(context.Context, *s3.GetBucketEncryptionInput, ...func(*s3.Options)) (*s3.GetBucketEncryptionOutput, error)
}

// accountAPI asks S3 Control, for one call of which the SDK's client would be
// large too.
type accountAPI interface {
	PublicAccess(ctx context.Context, account string) (*publicAccessAnswer, error)
}

type keysAPI interface {
	DescribeKey(context.Context, *kms.DescribeKeyInput, ...func(*kms.Options)) (*kms.DescribeKeyOutput, error)
	GetKeyPolicy(context.Context, *kms.GetKeyPolicyInput, ...func(*kms.Options)) (*kms.GetKeyPolicyOutput, error)
	ListGrants(context.Context, *kms.ListGrantsInput, ...func(*kms.Options)) (*kms.ListGrantsOutput, error)
}

// Options say which account is read, and as whom.
type Options struct {
	Region, Profile, Endpoint string // "": as the environment and AWS's files say
	Flags                     []string
	// Seen is told of each call made, "IAM:GetRole"; nil: nobody wants to know.
	Seen func(operation string)
}

// ErrNoRegion: nothing says which region is meant.
var ErrNoRegion = errors.New("no region is set; give --region, or set AWS_REGION or a profile with one")

// Connect makes clients from the default credential chain: environment, shared
// files with profiles, SSO and roles, container and instance credentials.
func Connect(ctx context.Context, o Options) (*Clients, error) {
	with := []func(*config.LoadOptions) error{
		config.WithRetryer(func() aws.Retryer { return retry.NewAdaptiveMode() }),
		config.WithLogger(logging.Nop{}), // its words on checksums are nobody's concern
		config.WithAPIOptions([]func(*middleware.Stack) error{Guard(o.Flags, o.Seen)}),
	}
	if o.Region != "" {
		with = append(with, config.WithRegion(o.Region))
	}
	if o.Profile != "" {
		with = append(with, config.WithSharedConfigProfile(o.Profile))
	}
	if o.Endpoint != "" {
		with = append(with, config.WithBaseEndpoint(o.Endpoint))
	}
	c, err := config.LoadDefaultConfig(ctx, with...)
	if err != nil {
		return nil, fmt.Errorf("read AWS's configuration: %w", err)
	}
	if c.Region == "" {
		return nil, ErrNoRegion
	}
	return fromConfig(c, o), nil
}

func fromConfig(c aws.Config, o Options) *Clients {
	own := endpointOf(&c)
	if c.HTTPClient == nil {
		c.HTTPClient = awshttp.NewBuildableClient()
	}
	if own != "" {
		c.HTTPClient = &http.Client{Transport: localaws.OwnBody{Next: http.DefaultTransport}}
	}
	self := signer{config: c, flags: o.Flags, seen: o.Seen}
	return &Clients{
		Region: c.Region,
		Caller: sts.NewFromConfig(c), Beans: elasticbeanstalk.NewFromConfig(c), Stacks: cloudformation.NewFromConfig(c), IAM: iam.NewFromConfig(c),
		Objects: s3.NewFromConfig(c, func(o *s3.Options) { o.UsePathStyle = own != "" }),
		Account: &controlClient{self},
		Keys:    kms.NewFromConfig(c), Network: &ec2Client{self},
		Get: (&http.Client{Timeout: time.Minute}).Do,
	}
}

// endpointOf is the endpoint that stands in for AWS's, "" for AWS itself.
func endpointOf(c *aws.Config) string {
	if c.BaseEndpoint != nil {
		return *c.BaseEndpoint
	}
	return os.Getenv("AWS_ENDPOINT_URL")
}
