package endtoend

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const anyCertificate = "arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012"

// secure asks for the page over TLS, trusting the local authority alone.
func (p *pages) secure(host string) string {
	text, err := os.ReadFile(filepath.Join(p.state(), "authority", "ca.pem"))
	if err != nil {
		p.t.Fatal(err)
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(text)
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true, ForceAttemptHTTP2: true,
		TLSClientConfig: &tls.Config{RootCAs: trusted, ServerName: host}}}
	res, err := client.Get(fmt.Sprintf("https://127.0.0.1:%d/", p.https))
	if err != nil {
		return err.Error()
	}
	defer res.Body.Close()
	page, _ := io.ReadAll(res.Body)
	return fmt.Sprintf("%s %d %s %s", res.Proto, res.StatusCode, res.Header.Get("X-Version"), strings.TrimSpace(string(page)))
}

func TestLoadBalancersOfEachKindEndTLSWithTheAuthoritysCertificate(t *testing.T) {
	t.Parallel()
	const classic, v2 = "aws:elb:listener:443:", "aws:elbv2:listener:443:"
	for _, c := range []struct {
		name, proto string
		options     []string
		forwarded   bool
	}{
		{"classic HTTPS", "HTTP/1.1", []string{classic + "ListenerProtocol=HTTPS", classic + "InstancePort=80", classic + "InstanceProtocol=HTTP", classic + "SSLCertificateId=" + anyCertificate}, true},
		{"classic SSL", "HTTP/1.1", []string{classic + "ListenerProtocol=SSL", classic + "InstancePort=80", classic + "InstanceProtocol=TCP", classic + "SSLCertificateId=" + anyCertificate}, false},
		{"application HTTPS", "HTTP/2.0", []string{"aws:elasticbeanstalk:environment:LoadBalancerType=application", v2 + "Protocol=HTTPS", v2 + "SSLCertificateArns=" + anyCertificate}, true},
		{"network TLS", "HTTP/1.1", []string{"aws:elasticbeanstalk:environment:LoadBalancerType=network", v2 + "Protocol=TLS", v2 + "SSLCertificateArns=" + anyCertificate}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPages(t, c.options...)
			by := "Welcome to the shop. You came by ."
			if c.forwarded {
				by = "Welcome to the shop. You came by https."
			}
			if got, want := p.secure("green-env.us-east-1.elasticbeanstalk.localhost"), c.proto+" 200 1 "+by; got != want {
				t.Errorf("over TLS it answers %q, not %q", got, want)
			}
			if got := p.shown("localhost"); got != "200 1" {
				t.Errorf("without TLS it answers %q", got)
			}
			p.down()
		})
	}
}
