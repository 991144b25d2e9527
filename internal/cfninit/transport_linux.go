package cfninit

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"

	"beanpole/internal/aws"
)

const (
	// redirects that the agent's HTTP library follows.
	maxRedirects = 30
	// redirects between S3 addresses, which the agent does not count: it would
	// go round in a ring for ever. beanpole stops some time.
	maxS3Redirects = 500
)

// follow sends a request and follows redirects. With creds set, one to an
// address that counts as S3 is signed anew; any other is followed without a
// new signature [cb:auth.py, cb-run].
func (b *build) follow(ctx context.Context, req *http.Request, at string, creds *signingKeys) (*http.Response, *failure) {
	counted, resigned := 0, 0
	for {
		resp, fail := b.send(req)
		if fail != nil {
			return nil, fail
		}
		to := resp.Header.Get("Location")
		if !isRedirect(resp.StatusCode) || to == "" {
			return resp, nil
		}
		io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20))
		resp.Body.Close()
		if creds != nil && aws.AgentS3(to).Recognised() {
			b.log("WARNING", "Handling redirect to S3 location: %s", hideURL(to))
			if resigned++; resigned > maxS3Redirects {
				return nil, &failure{kind: unexpected, text: "S3 addresses redirect to each other without end (AWS's agent would not stop)"}
			}
			if req, fail = newRequest(ctx, to); fail != nil {
				return nil, fail
			}
			if fail = b.sign(req, to, *creds); fail != nil {
				return nil, fail
			}
			at = to
			continue
		}
		if creds != nil {
			b.log("ERROR", "S3 redirected to non-S3 url: %s", hideURL(to))
		}
		if counted++; counted > maxRedirects {
			return nil, &failure{kind: ioFailure, text: fmt.Sprintf("Exceeded %d redirects.", maxRedirects)}
		}
		if req, at, fail = b.redirected(ctx, req, at, to); fail != nil {
			return nil, fail
		}
	}
}

func isRedirect(status int) bool {
	switch status {
	case 301, 302, 303, 307, 308:
		return true
	}
	return false
}

// redirected is the next request. Credentials stay with the host that they
// were meant for; AWS's agent sends the session token to any host.
func (b *build) redirected(ctx context.Context, req *http.Request, at, to string) (*http.Request, string, *failure) {
	base, err := url.Parse(at)
	if err != nil {
		return nil, "", &failure{kind: unexpected, text: err.Error()}
	}
	next, err := base.Parse(to)
	if err != nil {
		return nil, "", &failure{kind: unexpected, text: err.Error()}
	}
	where, fail := prepareURL(next.String())
	if fail != nil {
		return nil, "", fail
	}
	out, fail := newRequest(ctx, where)
	if fail != nil {
		return nil, "", fail
	}
	if next.Host == base.Host && next.Scheme == base.Scheme {
		for name, values := range req.Header {
			if name == "Authorization" || strings.HasPrefix(name, "X-Amz-") || strings.HasPrefix(name, "X-Aws-") {
				out.Header[name] = values
			}
		}
	} else if req.Header.Get("X-Amz-Security-Token") != "" {
		b.Notes = append(b.Notes, fmt.Sprintf("redirect from %s to %s: AWS's agent would send the role's session token there; beanpole does not", base.Host, next.Host))
	}
	return out, where, nil
}

// send sends one request and words what can go wrong as Python does.
func (b *build) send(req *http.Request) (*http.Response, *failure) {
	if strings.HasPrefix(req.URL.String(), b.metadata()+"/") {
		b.MetadataCalls++
	} else {
		b.OtherCalls++
	}
	resp, err := b.transport().RoundTrip(req)
	if err != nil {
		return nil, connectionFailure(err)
	}
	if resp.Request == nil {
		resp.Request = req
	}
	return resp, nil
}

// connectionFailure words a transport error.
func connectionFailure(err error) *failure {
	var host x509.HostnameError
	var authority x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	var no syscall.Errno
	var dns *net.DNSError
	aborted := func(inner string) *failure {
		return &failure{kind: connection, text: "('Connection aborted.', " + inner + ")"}
	}
	switch {
	case errors.As(err, &host):
		return &failure{kind: badTLS, text: hostMismatch(host)}
	case errors.As(err, &authority), errors.As(err, &invalid):
		return &failure{kind: badTLS, text: "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed (_ssl.c:727)"}
	case errors.As(err, &dns) && dns.IsNotFound:
		return aborted("gaierror(-2, 'Name or service not known')")
	case errors.As(err, &dns):
		return aborted("gaierror(-3, 'Temporary failure in name resolution')")
	case errors.As(err, &no):
		return aborted(fmt.Sprintf("error(%d, '%s')", int(no), errnoName(no)))
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), strings.Contains(err.Error(), "server closed"):
		return aborted("BadStatusLine('No status line received - the server has closed the connection',)")
	}
	return aborted(quote(err.Error(), false))
}

// hostMismatch words a certificate for other names.
func hostMismatch(e x509.HostnameError) string {
	var names []string
	if e.Certificate != nil {
		for _, n := range e.Certificate.DNSNames {
			names = append(names, quote(n, false))
		}
	}
	either := ""
	if len(names) > 1 {
		either = "either of "
	}
	return fmt.Sprintf("hostname %s doesn't match %s%s", quote(e.Host, false), either, strings.Join(names, ", "))
}
