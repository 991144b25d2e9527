package live

import (
	"context"
	"fmt"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// redirect sends the SDK's own calls for credentials (STS, SSO) to what stands
// in for AWS, as the AWS CLI does: the SDK makes these clients before it looks
// at AWS_ENDPOINT_URL. c is filled in when the configuration has been read, and
// calls come after that.
func redirect(c *aws.Config) func(*middleware.Stack) error {
	return func(stack *middleware.Stack) error {
		return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("beanpole endpoint", func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
			r, ok := in.Request.(*smithyhttp.Request)
			own := endpointOf(c, awsmiddleware.GetServiceID(ctx))
			if !ok || own == "" {
				return next.HandleFinalize(ctx, in)
			}
			to, err := url.Parse(own)
			if err != nil {
				return middleware.FinalizeOutput{}, middleware.Metadata{}, fmt.Errorf("read the endpoint %q: %w", own, err)
			}
			r.URL.Scheme, r.URL.Host = to.Scheme, to.Host
			return next.HandleFinalize(ctx, in)
		}), "ResolveEndpointV2", middleware.After)
	}
}
