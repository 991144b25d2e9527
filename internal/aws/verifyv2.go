package aws

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// verifyV2 checks "KEY:signature". Whether the region takes Version 2 at all
// is for the caller to judge (see [SigV2Allowed]).
func verifyV2(r *http.Request, rest string, lookup KeyLookup, now time.Time) (Signature, *Error) {
	keyID, given, ok := strings.Cut(strings.TrimSpace(rest), ":")
	if !ok || keyID == "" {
		return Signature{}, Errorf("InvalidArgument", "AWS authorization header is invalid.  Expected AwsAccessKeyId:signature").
			With("ArgumentName", "Authorization").With("ArgumentValue", "AWS")
	}
	sent := r.Header.Get("X-Amz-Date")
	if sent == "" {
		sent = r.Header.Get("Date")
	}
	at, ok := parseTime(sent)
	if !ok {
		return Signature{}, Errorf("AccessDenied", "AWS authentication requires a valid Date or x-amz-date header")
	}
	if e := checkSkew(at, now, sent, "s3"); e != nil {
		return Signature{}, e
	}
	secret, e := checkKey(keyID, r.Header.Get("X-Amz-Security-Token"), "s3", lookup, now)
	if e != nil {
		return Signature{}, e
	}
	return checkV2(r, keyID, secret, given, r.Header.Get("Date"), "", false)
}

func verifyQueryV2(r *http.Request, q url.Values, lookup KeyLookup, now time.Time) (Signature, *Error) {
	keyID := q.Get("AWSAccessKeyId")
	end, err := strconv.ParseInt(q.Get("Expires"), 10, 64)
	if err != nil {
		return Signature{}, Errorf("AccessDenied", "Invalid date (should be seconds since epoch): %s", q.Get("Expires"))
	}
	if now.Unix() >= end {
		return Signature{}, Errorf("AccessDenied", "Request has expired").
			With("Expires", time.Unix(end, 0).UTC().Format("2006-01-02T15:04:05Z")).With("ServerTime", now.UTC().Format("2006-01-02T15:04:05Z"))
	}
	token := q.Get("x-amz-security-token")
	secret, e := checkKey(keyID, token, "s3", lookup, now)
	if e != nil {
		return Signature{}, e
	}
	line := ""
	if token != "" {
		line = "x-amz-security-token:" + token + "\n"
	}
	return checkV2(r, keyID, secret, q.Get("Signature"), q.Get("Expires"), line, true)
}

// checkV2 compares signatures; amz is a header line that came in the query.
func checkV2(r *http.Request, keyID, secret, given, date, amz string, presigned bool) (Signature, *Error) {
	text := stringToSignV2(r, date, amz+resourceV2(r))
	if !sameText(signatureV2(secret, text), given) {
		return Signature{}, NewError("SignatureDoesNotMatch").With("AWSAccessKeyId", keyID).
			With("StringToSign", text).With("SignatureProvided", given)
	}
	return Signature{KeyID: keyID, Service: "s3", Version: "v2", Presigned: presigned}, nil
}

// resourceV2 is bucket, path as sent, and the subresources that are signed.
func resourceV2(r *http.Request) string {
	path := r.URL.EscapedPath()
	if path == "" {
		path = "/"
	}
	if t, ok := ServedS3(hostOf(r), path); ok && !t.PathStyle {
		path = "/" + t.Bucket + path
	}
	return path + canonicalResourceQuery(r.URL.RawQuery)
}
