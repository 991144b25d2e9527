package live

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
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
	body, err := json.Marshal(params)
	if err != nil {
		return fmt.Errorf("ask Organizations: %w", err)
	}
	endpoint, region := c.endpoint()
	return c.again(ctx, func() error {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(string(body)))
		if err != nil {
			return fmt.Errorf("ask Organizations: %w", err)
		}
		r.Header.Set("Content-Type", "application/x-amz-json-1.1")
		r.Header.Set("X-Amz-Target", "AWSOrganizationsV20161128."+action)
		data, err := c.sent(ctx, r, "organizations", region, string(body))
		if err != nil {
			return err
		}
		if err := json.Unmarshal(data, out); err != nil {
			return fmt.Errorf("read the answer of Organizations: %w", err)
		}
		return nil
	})
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
