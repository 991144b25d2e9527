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

// Clients are what a Reader asks. The SDK's stand here as they are: behind an
// interface all of their methods would be linked, for 15 MB; Guard holds them to
// reading.
type Clients struct {
	Region  string
	Caller  *sts.Client
	Beans   *elasticbeanstalk.Client
	Stacks  *cloudformation.Client
	IAM     *iam.Client
	Objects *s3.Client
	Account accountAPI
	Keys    *kms.Client
	Network networkAPI
	// Organization asks AWS Organizations.
	Organization organizationsAPI
	// Get fetches a log's presigned URL.
	Get func(*http.Request) (*http.Response, error)
}

// accountAPI asks S3 Control, for one call of which the SDK's client would be
// large too.
type accountAPI interface {
	PublicAccess(ctx context.Context, account string) (*publicAccessAnswer, error)
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
		Keys:    kms.NewFromConfig(c), Network: &ec2Client{self}, Organization: &organizationsClient{self},
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
