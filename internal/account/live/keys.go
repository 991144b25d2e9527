package live

import (
	"context"
	"strings"
)

// keysAPI asks KMS. The SDK's own client of KMS makes tables of all its shapes
// whenever the program starts: half a millisecond of every command, for three
// calls.
type keysAPI interface {
	// Ask makes a call in a region, "" the account's, with parameters, and
	// decodes its answer into out.
	Ask(ctx context.Context, region, action string, params map[string]string, out any) error
}

// keysClient asks KMS. [KMS API: TrentService is its target's name; AWS General
// Reference: KMS endpoints]
type keysClient struct{ signer }

func (c *keysClient) Ask(ctx context.Context, region, action string, params map[string]string, out any) error {
	if err := c.may("KMS", action); err != nil {
		return err
	}
	if region == "" {
		region = c.config.Region
	}
	return c.asked(ctx, jsonCall{"kms", "TrentService." + action, c.endpoint(region), region}, params, out)
}

func (c *keysClient) endpoint(region string) string {
	if own := endpointOf(&c.config, "KMS"); own != "" {
		return strings.TrimSuffix(own, "/") + "/"
	}
	suffix := ".amazonaws.com/"
	if strings.HasPrefix(region, "cn-") {
		suffix = ".amazonaws.com.cn/"
	}
	return "https://kms." + region + suffix
}
