package recorded

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"beanpole/internal/aws"
)

// rule is one rule of a recorded case's servers.
type rule struct {
	Method    string
	URL       string
	URLPrefix string `json:"url_prefix"`
	Responses []*response

	used int // answers given
}

type response struct {
	Status     int
	Headers    map[string]string
	Body       string
	BodyB64    string `json:"body_b64"`
	Repeat     int
	Truncate   *int
	CloseAfter *int `json:"close_after"`
	Close      bool
	Connect    string
}

// request is one recorded request.
type request struct {
	Method, Scheme, Host, Path, Query string
	Signed, Region                    string
	AccessKey                         string `json:"access_key"`
	Token, Basic, Authorization       string
	SignatureValid                    *bool `json:"signature_valid"`
	Status                            int
	Times                             int
}

// replay answers as the recorded servers did, inside the process.
type replay struct {
	rules     []*rule
	names     []string // in the TLS certificate
	untrusted bool
	metadata  json.RawMessage
	now       time.Time
	seen      []string
}

func (p *replay) RoundTrip(req *http.Request) (*http.Response, error) {
	at := req.URL.Scheme + "://" + strings.ToLower(req.URL.Host) + req.URL.RequestURI()
	p.seen = append(p.seen, p.describe(req).String())
	for _, r := range p.rules {
		if r.Method != req.Method || wholeURL(r.URL) != at && (r.URLPrefix == "" || !strings.HasPrefix(at, r.URLPrefix)) {
			continue
		}
		a := r.next()
		if err := p.refuse(req, a); err != nil {
			return nil, err
		}
		return a.build(req), nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: req.URL.Host, IsNotFound: true}
}

// wholeURL is a rule's URL as it is sent: scheme and host in small letters
// (names in DNS have no case), no credentials, at least "/".
func wholeURL(s string) string {
	scheme, rest, _ := strings.Cut(s, "://")
	host, path, _ := strings.Cut(rest, "/")
	host = host[strings.LastIndexByte(host, '@')+1:]
	return strings.ToLower(scheme+"://"+host) + "/" + path
}

// next is the answer whose turn it is; the last one stays.
func (r *rule) next() *response {
	n := r.used
	r.used++
	for _, a := range r.Responses {
		if n -= max(a.Repeat, 1); n < 0 {
			return a
		}
	}
	return r.Responses[len(r.Responses)-1]
}

// refuse is the error instead of an answer, if there is one.
func (p *replay) refuse(req *http.Request, a *response) error {
	switch a.Connect {
	case "refused":
		return &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	case "unreachable":
		return &net.OpError{Op: "dial", Err: syscall.ENETUNREACH}
	case "unknown_host":
		return &net.DNSError{Err: "no such host", Name: req.URL.Host, IsNotFound: true}
	}
	if req.URL.Scheme == "https" && p.untrusted {
		return x509.UnknownAuthorityError{}
	}
	if req.URL.Scheme == "https" && p.names != nil {
		cert := &x509.Certificate{DNSNames: p.names}
		if err := cert.VerifyHostname(req.URL.Hostname()); err != nil {
			return err
		}
	}
	if a.Close {
		return io.EOF
	}
	return nil
}

func (a *response) build(req *http.Request) *http.Response {
	data := []byte(a.Body)
	if a.BodyB64 != "" {
		data, _ = base64.StdEncoding.DecodeString(a.BodyB64)
	}
	resp := &http.Response{StatusCode: a.Status, Header: http.Header{}, Request: req, ContentLength: int64(len(data))}
	for k, v := range a.Headers {
		resp.Header.Set(k, v)
	}
	var body io.Reader = bytes.NewReader(data)
	switch {
	case resp.Header.Get("Transfer-Encoding") == "chunked":
		resp.ContentLength = -1
		resp.Header.Del("Transfer-Encoding")
		var chunks bytes.Buffer
		for i := 0; i < len(data); i += 1000 {
			part := data[i:min(i+1000, len(data))]
			fmt.Fprintf(&chunks, "%x\r\n%s\r\n", len(part), part)
		}
		chunks.WriteString("0\r\n\r\n")
		if a.CloseAfter != nil {
			chunks.Truncate(*a.CloseAfter)
		}
		body = httputil.NewChunkedReader(&chunks)
	case a.Truncate != nil:
		body = io.MultiReader(bytes.NewReader(data[:*a.Truncate]), broken{})
	}
	resp.Body = io.NopCloser(body)
	return resp
}

// broken is the end of a body that is shorter than announced.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// describe takes down a request as the cases have it.
func (p *replay) describe(req *http.Request) request {
	d := request{Method: req.Method, Scheme: req.URL.Scheme, Host: req.URL.Host, Path: req.URL.EscapedPath(), Query: req.URL.RawQuery, Signed: "none",
		Token: req.Header.Get("X-Amz-Security-Token")}
	auth, service := req.Header.Get("Authorization"), "s3"
	switch kind, rest, _ := strings.Cut(auth, " "); kind {
	case "AWS4-HMAC-SHA256":
		d.Signed = "v4"
		scope, _, _ := strings.Cut(strings.TrimPrefix(rest, "Credential="), ",")
		parts := strings.Split(scope, "/")
		d.AccessKey, d.Region, service = parts[0], parts[2], parts[3]
	case "AWS":
		d.Signed = "v2"
		d.AccessKey, _, _ = strings.Cut(rest, ":")
	case "CFN_V1":
		d.Signed, d.Authorization = "cfn_v1", auth
	case "Basic":
		d.Signed = "basic"
		plain, _ := base64.StdEncoding.DecodeString(rest)
		d.Basic = string(plain)
		if !utf8.Valid(plain) { // the agent sends Latin-1
			runes := make([]rune, len(plain))
			for i, c := range plain {
				runes[i] = rune(c)
			}
			d.Basic = string(runes)
		}
	}
	if service == "s3" && (d.Signed == "v4" || d.Signed == "v2") { // of others it was not noted
		sent := req.Clone(req.Context())
		sent.Host, sent.RequestURI = req.URL.Host, req.URL.RequestURI()
		_, err := aws.Verify(sent, p.secret, nil, p.now)
		valid := err == nil
		d.SignatureValid = &valid
	}
	return d
}

// secret finds the secret of a key in the case itself.
func (p *replay) secret(keyID string) (secret, token string, expires time.Time, ok bool) {
	var doc struct {
		Blocks map[string]map[string]any `json:"AWS::CloudFormation::Authentication"`
	}
	if json.Unmarshal(p.metadata, &doc) == nil {
		for _, b := range doc.Blocks {
			if b["accessKeyId"] == keyID {
				secret, _ := b["secretKey"].(string)
				return secret, "", time.Time{}, true
			}
		}
	}
	for _, r := range p.rules {
		for _, a := range r.Responses {
			var c struct{ AccessKeyID, SecretAccessKey, Token string }
			if json.Unmarshal([]byte(a.Body), &c) == nil && c.AccessKeyID == keyID {
				return c.SecretAccessKey, c.Token, time.Time{}, true
			}
		}
	}
	return "", "", time.Time{}, false
}

func (d request) String() string {
	valid := ""
	if d.SignatureValid != nil {
		valid = fmt.Sprint(*d.SignatureValid)
	}
	return strings.Join([]string{d.Method, d.Scheme, d.Host, d.Path, d.Query, d.Signed, d.Region, d.AccessKey, d.Token, d.Basic, d.Authorization, valid}, " ")
}

// expand writes out the recorded requests that came several times.
func expand(rs []request) []string {
	var out []string
	for _, r := range rs {
		for range max(r.Times, 1) {
			out = append(out, r.String())
		}
	}
	return out
}
