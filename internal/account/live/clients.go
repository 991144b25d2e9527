package live

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/iam"
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
	Keys    keysAPI
	Network networkAPI
	// Organization asks AWS Organizations.
	Organization organizationsAPI
	// Get fetches a log's presigned URL.
	Get func(*http.Request) (*http.Response, error)

	own *http.Transport // nil: the SDK's
}

// Close ends the connections that are kept for further calls.
func (c *Clients) Close() {
	if c.own != nil {
		c.own.CloseIdleConnections()
	}
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
	// Code asks for the code of a profile's MFA device; nil: nobody can be asked.
	Code func() (string, error)
	// Seen is told of each call made, "IAM:GetRole"; nil: nobody wants to know.
	Seen func(operation string)
}

// ErrNoRegion: nothing says which region is meant.
var ErrNoRegion = errors.New("no region is set; give --region, or set AWS_REGION or a profile with one")

// Connect makes clients from the default credential chain: environment, shared
// files with profiles, SSO and roles, container and instance credentials. What
// getting credentials takes (AssumeRole, SSO) the SDK asks by itself; Guard is
// about what reads the account.
func Connect(ctx context.Context, o Options) (*Clients, error) {
	var c aws.Config
	with := []func(*config.LoadOptions) error{
		config.WithAPIOptions([]func(*middleware.Stack) error{redirect(&c)}),
		config.WithRetryer(func() aws.Retryer {
			return retry.NewAdaptiveMode(func(a *retry.AdaptiveModeOptions) {
				a.StandardOptions = append(a.StandardOptions, func(s *retry.StandardOptions) { s.MaxAttempts = tries })
			})
		}),
		config.WithLogger(logging.Nop{}), // its words on checksums are nobody's concern
		config.WithAssumeRoleCredentialOptions(func(a *stscreds.AssumeRoleOptions) { a.TokenProvider = o.code() }),
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
	var err error
	if c, err = config.LoadDefaultConfig(ctx, with...); err != nil {
		return nil, err
	}
	if c.Region == "" {
		return nil, ErrNoRegion
	}
	guarded := c
	guarded.APIOptions = []func(*middleware.Stack) error{Guard(o.Flags, o.Seen)}
	return fromConfig(guarded, o), nil
}

// errNoCode: a profile wants a code of an MFA device, and nobody can be asked.
var errNoCode = errors.New("the profile wants a code of an MFA device, and there is no terminal to ask for it")

func (o *Options) code() func() (string, error) {
	if o.Code != nil {
		return o.Code
	}
	return func() (string, error) { return "", errNoCode }
}

func fromConfig(c aws.Config, o Options) *Clients {
	if c.HTTPClient == nil {
		c.HTTPClient = awshttp.NewBuildableClient()
	}
	var own *http.Transport
	objects := endpointOf(&c, "S3")
	if built, ok := c.HTTPClient.(*awshttp.BuildableClient); ok && (objects != "" || endpointOf(&c, "EC2") != "") {
		own = built.GetTransport()
		c.HTTPClient = &http.Client{Transport: localaws.OwnBody{Next: own}}
	}
	self := signer{config: c, flags: o.Flags, seen: o.Seen, clock: &clock{}}
	return &Clients{
		Region: c.Region,
		Caller: sts.NewFromConfig(c), Beans: elasticbeanstalk.NewFromConfig(c), Stacks: cloudformation.NewFromConfig(c), IAM: iam.NewFromConfig(c),
		Objects: s3.NewFromConfig(c, func(o *s3.Options) { o.UsePathStyle = objects != "" }),
		Account: &controlClient{self},
		Keys:    &keysClient{self}, Network: &ec2Client{self}, Organization: &organizationsClient{self},
		Get: (&http.Client{Timeout: time.Minute}).Do, own: own,
	}
}

// endpointOf is the endpoint that stands in for AWS's of a service ("S3"), ""
// for AWS itself: --endpoint-url, AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, and the
// same in a profile. [SDK reference: Service-specific endpoints]
func endpointOf(c *aws.Config, service string) string {
	ctx := context.Background()
	if off, found, err := config.GetIgnoreConfiguredEndpoints(ctx, c.ConfigSources); err == nil && found && off {
		return ""
	}
	for _, from := range c.ConfigSources {
		says, ok := from.(interface {
			GetServiceBaseEndpoint(context.Context, string) (string, bool, error)
		})
		if !ok {
			continue
		}
		if url, found, err := says.GetServiceBaseEndpoint(ctx, service); err == nil && found {
			return url
		}
	}
	return aws.ToString(c.BaseEndpoint)
}
