package aws

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
)

// OwnBody is a transport for the SDK against the local AWS: it gives each request a body that nobody else closes. The SDK closes
// its own as soon as an answer begins (smithy-go's transport/http/client.go);
// the local AWS is so near that Go's transport may then still be looking for
// that body's end, takes the close for a failed write, and drops the
// connection under the answer ("use of closed network connection").
type OwnBody struct{ Next http.RoundTripper }

// maxOwnBody is the largest body that is copied. A larger one is an upload,
// whose answer is short and comes at its end.
const maxOwnBody = 1 << 20

// RoundTrip sends r with a copy of its body.
func (t OwnBody) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength < 0 || r.ContentLength > maxOwnBody {
		return t.Next.RoundTrip(r)
	}
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, fmt.Errorf("read the request's body: %w", err)
	}
	own := r.Clone(r.Context())
	own.Body = io.NopCloser(bytes.NewReader(data))
	return t.Next.RoundTrip(own)
}
