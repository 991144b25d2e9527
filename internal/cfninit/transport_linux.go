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
func (b *build) follow(ctx context.Context, req *http.Request, at string, creds *aws.Credentials) (*http.Response, *failure) {
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
			b.sign(req, to, *creds)
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

// prepareURL is a URL as the agent's HTTP library sends it: scheme in small
// letters, what must be escaped escaped (requests 2.6) [cb-run].
func prepareURL(raw string) (string, *failure) {
	if strings.Contains(raw, ":") && !strings.HasPrefix(strings.ToLower(raw), "http") {
		return raw, nil
	}
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok {
		return "", &failure{kind: ioFailure, text: fmt.Sprintf("Invalid URL %s: No schema supplied. Perhaps you meant http://%s?", quote(raw, true), raw)}
	}
	host, path := rest, ""
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		host, path = rest[:i], rest[i:]
	}
	if host == "" {
		return "", &failure{kind: ioFailure, text: fmt.Sprintf("Invalid URL %s: No host supplied", quote(raw, true))}
	}
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	return strings.ToLower(scheme) + "://" + host + requote(path), nil
}

// requote escapes what a URL may not hold, and unescapes what needs no escape.
func requote(s string) string {
	const unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
	const safe = unreserved + "!#$%&'()*+,/:;=?@[]"
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if c, ok := unhex(s[i+1 : i+3]); ok && strings.IndexByte(unreserved, c) >= 0 {
				b.WriteByte(c)
				i += 2
				continue
			}
		}
		if s[i] < 0x80 && strings.IndexByte(safe, s[i]) >= 0 {
			b.WriteByte(s[i])
		} else {
			fmt.Fprintf(&b, "%%%02X", s[i])
		}
	}
	return b.String()
}

func unhex(s string) (byte, bool) {
	var c byte
	_, err := fmt.Sscanf(s, "%02x", &c)
	return c, err == nil && len(s) == 2
}
