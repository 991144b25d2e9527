package live

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// jsonCall is a call of a service that speaks AWS's JSON protocol, 1.1.
type jsonCall struct {
	service  string // as signatures name it
	target   string // header X-Amz-Target: the API's name and version, and the operation
	endpoint string
	region   string // of the signature
}

// asked makes a call with parameters and decodes its answer into out.
func (c *signer) asked(ctx context.Context, call jsonCall, params, out any) error {
	body, err := json.Marshal(params)
	if err != nil {
		return fmt.Errorf("ask %s: %w", call.service, err)
	}
	return c.again(ctx, func() error {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, call.endpoint, strings.NewReader(string(body)))
		if err != nil {
			return fmt.Errorf("ask %s: %w", call.service, err)
		}
		r.Header.Set("Content-Type", "application/x-amz-json-1.1")
		r.Header.Set("X-Amz-Target", call.target)
		data, err := c.sent(ctx, r, call.service, call.region, string(body))
		if err != nil {
			return err
		}
		if err := json.Unmarshal(data, out); err != nil {
			return fmt.Errorf("read the answer of %s: %w", call.service, err)
		}
		return nil
	})
}
