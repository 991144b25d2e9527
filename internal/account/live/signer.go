package live

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go"
)

// signer makes calls without the SDK's clients, in one region.
type signer struct {
	config aws.Config
	flags  []string
	seen   func(operation string)
	clock  *clock
}

// clock is AWS's, told by its answers. [SDK reference: clock skew]
type clock struct{ ahead atomic.Int64 } // of ours, in nanoseconds

// mostSkew is how far clocks may differ: signatures hold for five minutes.
const mostSkew = 4 * time.Minute

// now is AWS's time.
func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

// corrected takes AWS's time from an answer that refuses a signature; false: that
// is not why it was refused.
func (c *clock) corrected(answer *http.Response) bool {
	at, err := http.ParseTime(answer.Header.Get("Date"))
	if err != nil || answer.StatusCode/100 != 4 {
		return false
	}
	off := at.Sub(c.now())
	if off.Abs() < mostSkew {
		return false
	}
	c.ahead.Add(int64(off))
	return true
}

// errClock: AWS refused a signature because of the time in it.
var errClock = errors.New("this machine's clock differs from AWS's")

// may refuses calls that reading does not make, as Guard does for the SDK's.
func (c *signer) may(service, action string) error {
	if !allowed(service, action, c.flags) {
		return fmt.Errorf("%s %s is no call that reading makes", service, action)
	}
	if c.seen != nil {
		c.seen(service + ":" + action)
	}
	return nil
}

// again makes a call until it is answered, it is not worth another try, or
// tries are up.
func (c *signer) again(ctx context.Context, call func() error) error {
	for try := 1; ; try++ {
		err := call()
		if err == nil || try == tries || !passing(err) {
			return err
		}
		wait := time.Duration(1<<try)*100*time.Millisecond + rand.N(100*time.Millisecond)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

// maxAnswer bounds an answer in bytes.
const maxAnswer = 32 << 20

// tries is how often a call is made that is throttled or fails on the way.
const tries = 5

// passing tells an error that another try may not meet.
func passing(err error) bool {
	var e *smithy.GenericAPIError
	if errors.Is(err, errClock) {
		return true
	}
	if !errors.As(err, &e) {
		return false
	}
	return e.Fault == smithy.FaultServer || slices.Contains(throttled, e.Code)
}

// signed sends a request with a signature and decodes its answer in XML.
func (c *signer) signed(ctx context.Context, r *http.Request, service, body string, out any) error {
	data, err := c.sent(ctx, r, service, c.config.Region, body)
	if err != nil {
		return err
	}
	if err := xml.NewDecoder(bytes.NewReader(data)).Decode(out); err != nil {
		return fmt.Errorf("read the answer of %s: %w", service, err)
	}
	return nil
}

// sent sends a request with a signature for a region and gives back its answer.
func (c *signer) sent(ctx context.Context, r *http.Request, service, region, body string) ([]byte, error) {
	keys, err := c.config.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", service, err)
	}
	sum := sha256.Sum256([]byte(body))
	hash := hex.EncodeToString(sum[:])
	r.Header.Set("X-Amz-Content-Sha256", hash)
	if err := v4.NewSigner().SignHTTP(ctx, keys, r, hash, service, region, c.clock.now()); err != nil {
		return nil, fmt.Errorf("ask %s: %w", service, err)
	}
	answer, err := c.config.HTTPClient.Do(r)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", service, err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", service, err)
	}
	if answer.StatusCode != http.StatusOK {
		if c.clock.corrected(answer) {
			return nil, errClock
		}
		return nil, answerError(answer.StatusCode, data)
	}
	return data, nil
}

// answerError is an error answer as the SDK gives those of other services.
func answerError(status int, data []byte) error {
	var in struct {
		Errors struct {
			Error struct{ Code, Message string }
		}
		Error         struct{ Code, Message string } // of other query services
		Code, Message string                         // of S3
	}
	e := &smithy.GenericAPIError{Code: fmt.Sprint(status), Message: http.StatusText(status), Fault: smithy.FaultClient}
	var plain struct { // of services that speak JSON
		Type    string `json:"__type"`
		Message string
	}
	if json.Unmarshal(data, &plain) == nil && plain.Type != "" {
		e.Code, e.Message = plain.Type[strings.LastIndexByte(plain.Type, '#')+1:], plain.Message
	} else if xml.Unmarshal(data, &in) == nil {
		for _, x := range []struct{ Code, Message string }{in.Errors.Error, in.Error, {in.Code, in.Message}} {
			if x.Code != "" {
				e.Code, e.Message = x.Code, x.Message
			}
		}
	}
	if status >= 500 && status != http.StatusNotImplemented {
		e.Fault = smithy.FaultServer
	}
	return e
}
