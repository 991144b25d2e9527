package aws

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"path"
	"sort"
	"strconv"
	"strings"
	"time"
)

const (
	algorithmV4 = "AWS4-HMAC-SHA256"
	timeV4      = "20060102T150405Z"
	dateV4      = "20060102"
	// UnsignedPayload is the payload hash of a request whose body is not signed.
	UnsignedPayload = "UNSIGNED-PAYLOAD"
	emptyHash       = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

// PayloadHash is the value of x-amz-content-sha256 for a body.
func PayloadHash(body []byte) string {
	h := sha256.Sum256(body)
	return hex.EncodeToString(h[:])
}

// scopeV4 is what a Version 4 signature is good for.
type scopeV4 struct{ date, region, service string }

func (s scopeV4) String() string {
	return s.date + "/" + s.region + "/" + s.service + "/aws4_request"
}

// canonicalV4 is everything of a request that a Version 4 signature covers.
type canonicalV4 struct {
	method, path, query string
	headers             []string // names in lower case, sorted
	value               func(name string) string
	payload             string
}

func (c canonicalV4) text() string {
	var b strings.Builder
	b.WriteString(c.method + "\n" + c.path + "\n" + c.query + "\n")
	for _, h := range c.headers {
		b.WriteString(h + ":" + c.value(h) + "\n")
	}
	b.WriteString("\n" + strings.Join(c.headers, ";") + "\n" + c.payload)
	return b.String()
}

func stringToSignV4(canonical string, at time.Time, s scopeV4) string {
	return algorithmV4 + "\n" + at.UTC().Format(timeV4) + "\n" + s.String() + "\n" + PayloadHash([]byte(canonical))
}

func signatureV4(secret string, s scopeV4, text string) string {
	key := []byte("AWS4" + secret)
	for _, part := range []string{s.date, s.region, s.service, "aws4_request", text} {
		m := hmac.New(sha256.New, key)
		m.Write([]byte(part))
		key = m.Sum(nil)
	}
	return hex.EncodeToString(key)
}

// headerValue is the value of a header as both sides of a connection see it:
// net/http keeps host, length and transfer coding apart.
func headerValue(r *http.Request, name string) string {
	vs := r.Header.Values(name)
	switch {
	case name == "host":
		vs = []string{hostOf(r)}
	case name == "content-length" && len(vs) == 0 && r.ContentLength >= 0:
		vs = []string{strconv.FormatInt(r.ContentLength, 10)}
	case name == "transfer-encoding" && len(vs) == 0:
		vs = r.TransferEncoding
	}
	out := make([]string, len(vs))
	for i, v := range vs {
		out[i] = strings.Join(strings.Fields(v), " ")
	}
	return strings.Join(out, ",")
}

func hostOf(r *http.Request) string {
	if r.Host == "" && r.URL != nil {
		return r.URL.Host
	}
	return r.Host
}

// canonicalQuery sorts the query's parameters and encodes them anew; drop
// names one that stays out (the signature itself).
func canonicalQuery(raw, drop string) string {
	type pair struct{ k, v string }
	var ps []pair
	for _, part := range strings.Split(raw, "&") {
		if part == "" {
			continue
		}
		k, v, _ := strings.Cut(part, "=")
		if k = unescapeQuery(k); k == drop {
			continue
		}
		ps = append(ps, pair{uriEncode(k, false), uriEncode(unescapeQuery(v), false)})
	}
	sort.Slice(ps, func(i, j int) bool {
		if ps[i].k != ps[j].k {
			return ps[i].k < ps[j].k
		}
		return ps[i].v < ps[j].v
	})
	out := make([]string, len(ps))
	for i, p := range ps {
		out[i] = p.k + "=" + p.v
	}
	return strings.Join(out, "&")
}

// unescapeQuery leaves a text with a broken percent sign as it is.
func unescapeQuery(s string) string {
	if u, err := url.QueryUnescape(s); err == nil {
		return u
	}
	return s
}

const upperHex = "0123456789ABCDEF"

// uriEncode encodes every byte but the unreserved ones (and "/" if slash is
// set), as the Version 4 documents ask for.
func uriEncode(s string, slash bool) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if unreserved(c) || slash && c == '/' {
			b.WriteByte(c)
			continue
		}
		b.WriteString("%" + upperHex[c>>4:c>>4+1] + upperHex[c&15:c&15+1])
	}
	return b.String()
}

func unreserved(c byte) bool {
	return c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.' || c == '~'
}

// canonicalPaths are the canonical forms of a path that count as right, the
// published one first. S3 encodes once and changes nothing; the others encode
// what was sent once more, after "." and ".." are resolved, which not all
// clients do. A path is also taken as it was sent: clients differ in the
// characters that they leave alone.
func canonicalPaths(service, escaped string) []string {
	if escaped == "" {
		escaped = "/"
	}
	if service == "s3" {
		plain, err := url.PathUnescape(escaped)
		if err != nil {
			return []string{escaped}
		}
		return distinct(uriEncode(plain, true), escaped)
	}
	clean := path.Clean(escaped)
	if strings.HasSuffix(escaped, "/") && clean != "/" {
		clean += "/"
	}
	return distinct(uriEncode(clean, true), uriEncode(escaped, true))
}

func distinct(a, b string) []string {
	if a == b {
		return []string{a}
	}
	return []string{a, b}
}
