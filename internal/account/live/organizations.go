package live

import (
	"context"
	"strings"
)

// organizationsAPI asks AWS Organizations, for four calls of which the SDK's
// client would be large too.
type organizationsAPI interface {
	// Ask makes a call with parameters and decodes its answer into out.
	Ask(ctx context.Context, action string, params map[string]string, out any) error
}

// organizationsClient asks AWS Organizations, which has one endpoint for each
// partition. [AWS General Reference: Organizations endpoints]
type organizationsClient struct{ signer }

func (c *organizationsClient) Ask(ctx context.Context, action string, params map[string]string, out any) error {
	if err := c.may("Organizations", action); err != nil {
		return err
	}
	endpoint, region := c.endpoint()
	return c.asked(ctx, jsonCall{"organizations", "AWSOrganizationsV20161128." + action, endpoint, region}, params, out)
}

func (c *organizationsClient) endpoint() (url, region string) {
	region, suffix := "us-east-1", ".amazonaws.com/"
	switch {
	case strings.HasPrefix(c.config.Region, "cn-"):
		region, suffix = "cn-northwest-1", ".amazonaws.com.cn/"
	case strings.HasPrefix(c.config.Region, "us-gov-"):
		region = "us-gov-west-1"
	}
	if own := endpointOf(&c.config, "Organizations"); own != "" {
		return strings.TrimSuffix(own, "/") + "/", region
	}
	return "https://organizations." + region + suffix, region
}
