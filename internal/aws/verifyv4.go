package aws

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sort"
	"strconv"
	"strings"
	"time"
)

// claimV4 is a Version 4 signature as it came, not yet found right.
type claimV4 struct {
	keyID     string
	scope     scopeV4
	headers   []string
	signature string
	token     string
	at        time.Time
	sent      string // the time as it was sent
	payload   string
	presigned bool
}

func verifyHeaderV4(r *http.Request, rest string, lookup KeyLookup, now time.Time) (Signature, *Error) {
	fields := map[string]string{}
	for _, part := range strings.Split(rest, ",") {
		k, v, _ := strings.Cut(strings.TrimSpace(part), "=")
		fields[k] = v
	}
	c := claimV4{signature: fields["Signature"], headers: strings.Split(fields["SignedHeaders"], ";"), token: r.Header.Get("X-Amz-Security-Token")}
	var ok bool
	if c.keyID, c.scope, ok = cutCredential(fields["Credential"]); !ok || c.signature == "" || fields["SignedHeaders"] == "" {
		return Signature{}, malformedV4(r, c.scope.service)
	}
	if c.sent = r.Header.Get("X-Amz-Date"); c.sent == "" {
		c.sent = r.Header.Get("Date")
	}
	if c.at, ok = parseTime(c.sent); !ok {
		return Signature{}, Errorf("AccessDenied", "AWS authentication requires a valid Date or x-amz-date header")
	}
	if e := checkSkew(c.at, now, c.sent, c.scope.service); e != nil {
		return Signature{}, e
	}
	if e := c.declaredHash(r); e != nil {
		return Signature{}, e
	}
	return c.check(r, r.URL.RawQuery, lookup, now)
}

// declaredHash finds the payload hash that the signature covers.
func (c *claimV4) declaredHash(r *http.Request) *Error {
	if c.payload = r.Header.Get("X-Amz-Content-Sha256"); c.payload != "" {
		return nil
	}
	if c.scope.service == "s3" {
		return Errorf("InvalidRequest", "Missing required header for this request: x-amz-content-sha256")
	}
	body, e := readBody(r)
	if e != nil {
		return e
	}
	c.payload = PayloadHash(body)
	return nil
}

const maxBody = 16 << 20

// readBody reads the whole body and puts it back.
func readBody(r *http.Request) ([]byte, *Error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	r.Body.Close()
	r.Body = io.NopCloser(bytes.NewReader(body))
	if err != nil {
		return nil, NewError("IncompleteBody")
	}
	if len(body) > maxBody {
		return nil, NewError("EntityTooLarge")
	}
	return body, nil
}

func verifyQueryV4(r *http.Request, q url.Values, lookup KeyLookup, now time.Time) (Signature, *Error) {
	c := claimV4{signature: q.Get("X-Amz-Signature"), headers: strings.Split(q.Get("X-Amz-SignedHeaders"), ";"),
		token: q.Get("X-Amz-Security-Token"), sent: q.Get("X-Amz-Date"), presigned: true}
	var ok bool
	c.keyID, c.scope, ok = cutCredential(q.Get("X-Amz-Credential"))
	at, timed := parseTime(c.sent)
	seconds, err := strconv.Atoi(q.Get("X-Amz-Expires"))
	if c.scope.service != "s3" && q.Get("X-Amz-Expires") == "" {
		seconds, err = int(maxSkew/time.Second), nil // only S3 asks for it
	}
	switch {
	case q.Get("X-Amz-Algorithm") != algorithmV4:
		return Signature{}, Errorf("AuthorizationQueryParametersError", "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256\"")
	case !ok || !timed || c.signature == "" || q.Get("X-Amz-SignedHeaders") == "" || err != nil:
		return Signature{}, Errorf("AuthorizationQueryParametersError", "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.")
	case seconds < 0 || seconds > 7*24*3600:
		return Signature{}, Errorf("AuthorizationQueryParametersError", "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds")
	}
	c.at = at
	if e := presignedTime(at, time.Duration(seconds)*time.Second, now); e != nil {
		return Signature{}, e
	}
	if e := c.presignedHash(r, q); e != nil {
		return Signature{}, e
	}
	return c.check(r, r.URL.RawQuery, lookup, now)
}

// presignedHash is the hash that a presigned request covers: S3's may say it
// in query or header and else leave the body unsigned; others cover the body.
func (c *claimV4) presignedHash(r *http.Request, q url.Values) *Error {
	if c.payload = q.Get("X-Amz-Content-Sha256"); c.payload == "" {
		c.payload = r.Header.Get("X-Amz-Content-Sha256")
	}
	if c.payload == "" && c.scope.service == "s3" {
		c.payload = UnsignedPayload
	}
	if c.payload == "" {
		return c.declaredHash(r)
	}
	return nil
}

func presignedTime(at time.Time, expires time.Duration, now time.Time) *Error {
	end := at.Add(expires)
	switch {
	case at.After(now.Add(maxSkew)):
		return Errorf("AccessDenied", "Request is not yet valid")
	case !now.Before(end):
		return Errorf("AccessDenied", "Request has expired").
			With("Expires", end.UTC().Format("2006-01-02T15:04:05Z")).With("ServerTime", now.UTC().Format("2006-01-02T15:04:05Z"))
	}
	return nil
}

// check holds the claim against the request.
func (c *claimV4) check(r *http.Request, rawQuery string, lookup KeyLookup, now time.Time) (Signature, *Error) {
	if c.at.UTC().Format(dateV4) != c.scope.date {
		return Signature{}, c.malformedDate()
	}
	if e := c.checkHeaders(r); e != nil {
		return Signature{}, e
	}
	secret, e := checkKey(c.keyID, c.token, c.scope.service, lookup, now)
	if e != nil {
		return Signature{}, e
	}
	drop := ""
	if c.presigned {
		drop = "X-Amz-Signature"
	}
	can := canonicalV4{r.Method, "", canonicalQuery(rawQuery, drop), c.headers, func(h string) string { return headerValue(r, h) }, c.payload}
	var text string
	for _, can.path = range canonicalPaths(c.scope.service, r.URL.EscapedPath()) {
		t := stringToSignV4(can.text(), c.at, c.scope)
		if sameText(signatureV4(secret, c.scope, t), c.signature) {
			return Signature{KeyID: c.keyID, Region: c.scope.region, Service: c.scope.service, Version: "v4",
				Presigned: c.presigned, PayloadHash: c.payload}, nil
		}
		if text == "" {
			text = t
		}
	}
	return Signature{}, c.mismatch(text)
}

// checkHeaders wants host signed and, for S3, every x-amz- header; the order
// of the names is part of the signature.
func (c *claimV4) checkHeaders(r *http.Request) *Error {
	signed := map[string]bool{}
	for _, h := range c.headers {
		signed[h] = true
	}
	var missing []string
	if !signed["host"] {
		missing = append(missing, "host")
	}
	for h := range r.Header {
		l := strings.ToLower(h)
		// a presigned URL does not cover its payload's hash
		if c.scope.service == "s3" && strings.HasPrefix(l, "x-amz-") && !signed[l] && !(c.presigned && l == "x-amz-content-sha256") {
			missing = append(missing, l)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	sort.Strings(missing)
	if c.scope.service == "s3" {
		return Errorf("AccessDenied", "There were headers present in the request which were not signed").With("HeadersNotSigned", strings.Join(missing, ", "))
	}
	return Errorf("SignatureDoesNotMatch", "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
}

func (c *claimV4) malformedDate() *Error {
	if c.scope.service == "s3" {
		return Errorf("AuthorizationHeaderMalformed", "The authorization header is malformed; Invalid credential date \"%s\". This date is not the same as X-Amz-Date: \"%s\".", c.scope.date, c.at.UTC().Format(dateV4))
	}
	return Errorf("SignatureDoesNotMatch", "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%s' != '%s', from '%s'.", c.scope.date, c.at.UTC().Format(dateV4), c.sent)
}

// mismatch tells what was signed here, as S3 does; it holds no secret.
func (c *claimV4) mismatch(text string) *Error {
	e := NewError("SignatureDoesNotMatch")
	if c.scope.service != "s3" {
		e.Message = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
		return e
	}
	return e.With("AWSAccessKeyId", c.keyID).With("StringToSign", text).With("SignatureProvided", c.signature).
		With("StringToSignBytes", strings.TrimSpace(fmt.Sprintf("% x", text)))
}

// cutCredential takes "KEY/DATE/REGION/SERVICE/aws4_request" apart.
func cutCredential(s string) (keyID string, sc scopeV4, ok bool) {
	f := strings.Split(s, "/")
	if n := len(f); n >= 5 && f[n-1] == "aws4_request" {
		keyID = strings.Join(f[:n-4], "/")
		return keyID, scopeV4{f[n-4], f[n-3], f[n-2]}, keyID != ""
	}
	return "", scopeV4{}, false
}

func malformedV4(r *http.Request, service string) *Error {
	if _, ok := ServedS3(hostOf(r), "/"); ok || service == "s3" {
		return Errorf("AuthorizationHeaderMalformed", "The authorization header is malformed; the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".")
	}
	return Errorf("IncompleteSignature", "Authorization header requires 'Credential', 'Signature' and 'SignedHeaders' parameters.")
}

// parseTime reads the forms of time that clients send.
func parseTime(s string) (time.Time, bool) {
	for _, layout := range []string{timeV4, http.TimeFormat, time.RFC1123Z, time.RFC1123, time.RFC850, time.ANSIC, time.RFC3339} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
