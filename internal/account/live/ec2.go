package live

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// networkAPI asks EC2. The SDK's own client of EC2 would make beanpole's program
// two and a half times as large for nine calls; this one speaks the same query
// protocol with the SDK's credentials and signature.
type networkAPI interface {
	// Describe makes a call with parameters and decodes its answer into out.
	Describe(ctx context.Context, action string, params url.Values, out any) error
}

// ec2Client asks EC2 in one region.
type ec2Client struct{ signer }

// ec2Version is that of EC2's API. [EC2 API: Query requests]
const ec2Version = "2016-11-15"

func (c *ec2Client) Describe(ctx context.Context, action string, params url.Values, out any) error {
	if err := c.may("EC2", action); err != nil {
		return err
	}
	params.Set("Action", action)
	params.Set("Version", ec2Version)
	body := params.Encode()
	return c.again(ctx, func() error { return c.once(ctx, body, out) })
}

func (c *ec2Client) once(ctx context.Context, body string, out any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint(), strings.NewReader(body))
	if err != nil {
		return fmt.Errorf("ask EC2: %w", err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	return c.signed(ctx, r, "ec2", body, out)
}

func (c *ec2Client) endpoint() string {
	if own := endpointOf(&c.config, "EC2"); own != "" {
		return strings.TrimSuffix(own, "/") + "/"
	}
	suffix := ".amazonaws.com/"
	if strings.HasPrefix(c.config.Region, "cn-") {
		suffix = ".amazonaws.com.cn/"
	}
	return "https://ec2." + c.config.Region + suffix
}
