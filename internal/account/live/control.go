package live

import (
	"context"
	"fmt"
	"net/http"
	"strings"
)

// controlClient asks S3 Control.
type controlClient struct{ signer }

// publicAccessAnswer is Block Public Access of an account.
type publicAccessAnswer struct {
	BlockACLs   bool `xml:"BlockPublicAcls"`
	IgnoreACLs  bool `xml:"IgnorePublicAcls"`
	BlockPolicy bool `xml:"BlockPublicPolicy"`
	Restrict    bool `xml:"RestrictPublicBuckets"`
}

// PublicAccess reads Block Public Access of an account. [S3 API: S3 Control,
// GetPublicAccessBlock]
func (c *controlClient) PublicAccess(ctx context.Context, account string) (*publicAccessAnswer, error) {
	if err := c.may("S3 Control", "GetPublicAccessBlock"); err != nil {
		return nil, err
	}
	host := "https://" + account + ".s3-control." + c.config.Region + ".amazonaws.com"
	if own := endpointOf(&c.config, "S3 Control"); own != "" {
		host = strings.TrimSuffix(own, "/")
	} else if strings.HasPrefix(c.config.Region, "cn-") {
		host += ".cn"
	}
	out := &publicAccessAnswer{}
	err := c.again(ctx, func() error {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, host+"/v20180820/configuration/publicAccessBlock", nil)
		if err != nil {
			return fmt.Errorf("ask S3 Control: %w", err)
		}
		r.Header.Set("X-Amz-Account-Id", account)
		return c.signed(ctx, r, "s3", "", out)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
