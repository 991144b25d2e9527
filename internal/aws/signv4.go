package aws

import (
	"net/http"
	"net/url"
	"sort"
	"strconv"
	"strings"
	"time"
)

// Credentials are keys to sign with. Token is set for temporary ones. None of
// the three belongs into any output.
type Credentials struct {
	KeyID, Secret, Token string
	Expires              time.Time // zero: never
}

// SignV4 signs r as the agent (aws-cfn-bootstrap 1.4) does: it sets
// x-amz-date, x-amz-content-sha256 and x-amz-security-token, and signs them
// with every header that r has. For service "s3" it also treats the path and
// query as the agent does, which S3 refuses in rare cases; see
// [AgentMissigns]. Drop the headers of an earlier signature first: an old
// Authorization header would be signed too, which can't come out right. [cb:auth.py]
func SignV4(r *http.Request, payloadHash string, c Credentials, region, service string, now time.Time) {
	setSigningHeaders(r, payloadHash, c, now)
	names := []string{"host"}
	for h := range r.Header {
		names = append(names, strings.ToLower(h))
	}
	sort.Strings(names)
	path, query := canonicalPaths(service, r.URL.EscapedPath())[0], canonicalQuery(r.URL.RawQuery, "")
	if service == "s3" {
		path, query = agentCanonical(r.URL)
	}
	value := func(h string) string { return headerValue(r, h) }
	canonical := canonicalV4{r.Method, path, query, names, value, payloadHash}.text()
	s := scopeV4{now.UTC().Format(dateV4), region, service}
	r.Header.Set("Authorization", algorithmV4+" Credential="+c.KeyID+"/"+s.String()+
		",SignedHeaders="+strings.Join(names, ";")+",Signature="+signatureV4(c.Secret, s, stringToSignV4(canonical, now, s)))
}

func setSigningHeaders(r *http.Request, payloadHash string, c Credentials, now time.Time) {
	if r.Header == nil {
		r.Header = http.Header{}
	}
	if r.Method == "" {
		r.Method = http.MethodGet
	}
	r.Header.Set("X-Amz-Date", now.UTC().Format(timeV4))
	r.Header.Set("X-Amz-Content-Sha256", payloadHash)
	if c.Token != "" {
		r.Header.Set("X-Amz-Security-Token", c.Token)
	}
}

// PresignV4 gives a URL that carries its signature in the query, good for
// expires (AWS takes 1 second to 7 days). The error is that of url.Parse.
func PresignV4(method, rawURL string, c Credentials, region, service string, expires time.Duration, now time.Time) (string, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return "", err
	}
	s := scopeV4{now.UTC().Format(dateV4), region, service}
	q := u.RawQuery
	add := func(k, v string) {
		if q != "" {
			q += "&"
		}
		q += k + "=" + uriEncode(v, false)
	}
	add("X-Amz-Algorithm", algorithmV4)
	add("X-Amz-Credential", c.KeyID+"/"+s.String())
	add("X-Amz-Date", now.UTC().Format(timeV4))
	add("X-Amz-Expires", strconv.Itoa(int(expires/time.Second)))
	if c.Token != "" {
		add("X-Amz-Security-Token", c.Token)
	}
	add("X-Amz-SignedHeaders", "host")
	payload := emptyHash
	if service == "s3" {
		payload = UnsignedPayload
	}
	host := func(string) string { return u.Host }
	canonical := canonicalV4{method, canonicalPaths(service, u.EscapedPath())[0], canonicalQuery(q, ""), []string{"host"}, host, payload}.text()
	add("X-Amz-Signature", signatureV4(c.Secret, s, stringToSignV4(canonical, now, s)))
	u.RawQuery = q
	return u.String(), nil
}
