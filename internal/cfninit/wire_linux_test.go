package cfninit

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"beanpole/internal/aws"
)

// What Go's own client does to a request on its way (HTTP/2, headers of its
// own) must not break the signature, which covers all headers.
func TestSignaturesSurviveTheWire(t *testing.T) {
	for _, c := range []struct{ name, url, version string }{
		{"version 4", s3URL, "v4"},
		{"version 4 with an odd key", "https://certs.s3.eu-west-1.amazonaws.com/a b/ü%2Fx.pem", "v4"},
		{"version 2", "https://certs.s3.amazonaws.com/client.pem", "v2"},
		{"version 2, bucket in the path", "https://s3.amazonaws.com/certs/client.pem", "v2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got aws.Signature
			var refused *aws.Error
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				lookup := func(string) (string, string, time.Time, bool) { return "geheim-key", "geheim-token", time.Time{}, true }
				got, refused = aws.Verify(r, lookup, nil, time.Now())
				fmt.Fprint(w, "KEY")
			}))
			server.EnableHTTP2 = true
			server.StartTLS()
			defer server.Close()
			meta := httptest.NewServer(text200(roleKeys))
			defer meta.Close()
			wire := overTLS(server)
			_, content, _, err := try(t, nil, c.url, func(r *Runner) { r.HTTP, r.Metadata = wire, meta.URL })
			if err != nil || content != "KEY" {
				t.Fatalf("content %q, error %v", content, err)
			}
			if refused != nil || got.Version != c.version || got.KeyID != "ASIATEST" {
				t.Errorf("signature %+v, refused: %v", got, refused)
			}
		})
	}
}

// overTLS is a client that reaches server under every https name.
func overTLS(server *httptest.Server) http.RoundTripper {
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return &http.Transport{
		ForceAttemptHTTP2: true,
		TLSClientConfig:   &tls.Config{RootCAs: roots, ServerName: "example.com"},
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			if host, port, err := net.SplitHostPort(addr); err == nil && port == "443" && host != "" {
				addr = server.Listener.Addr().String()
			}
			return (&net.Dialer{}).DialContext(ctx, network, addr)
		},
	}
}
