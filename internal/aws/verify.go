package aws

import (
	"crypto/hmac"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// KeyLookup finds the secret of an access key ID. token is "" for a long-term
// key; expires is zero for one that does not expire. ok is false when there is
// no such key.
type KeyLookup func(keyID string) (secret, token string, expires time.Time, ok bool)

// Signature is what a request's signature says, once it is found right.
type Signature struct {
	KeyID   string
	Region  string // of a Version 4 scope
	Service string // of a Version 4 scope; "s3" for Version 2, "cloudformation" for CFN_V1
	Version string // "v4", "v2", "cfn_v1", "" for an unsigned request
	// Presigned is set when the signature came in the query.
	Presigned bool
	// PayloadHash is the declared hash of the body: hexadecimal SHA-256,
	// UNSIGNED-PAYLOAD, a STREAMING-… kind, or "" where none is declared.
	// See [Signature.Body].
	PayloadHash string
	Document    []byte // of CFN_V1: the instance identity document
}

// maxSkew is how far a request's time may be off. [S3 error list, RequestTimeTooSkewed]
const maxSkew = 15 * time.Minute

// Verify finds r's signature and checks it: Version 4 in header or query,
// Version 2 of S3 in header or query, and CloudFormation's CFN_V1, of which
// document judges the identity document and its (decoded) RSA signature. A
// request without any signature gives Version "" and no error. For services
// other than S3 a request without x-amz-content-sha256 signs its body all the
// same: Verify then reads it (up to 16 MiB) and puts it back.
func Verify(r *http.Request, lookup KeyLookup, document func(doc, sig []byte) bool, now time.Time) (Signature, *Error) {
	if r.URL == nil {
		r.URL = &url.URL{}
	}
	auth := strings.TrimSpace(r.Header.Get("Authorization"))
	scheme, rest, _ := strings.Cut(auth, " ")
	q := r.URL.Query()
	switch {
	case scheme == algorithmV4:
		return verifyHeaderV4(r, rest, lookup, now)
	case scheme == "AWS":
		return verifyV2(r, rest, lookup, now)
	case scheme == "CFN_V1":
		return verifyDocument(rest, document)
	case auth != "":
		return Signature{}, unknownScheme(r, auth)
	case q.Get("X-Amz-Algorithm") != "" || q.Get("X-Amz-Signature") != "":
		return verifyQueryV4(r, q, lookup, now)
	case q.Get("AWSAccessKeyId") != "" && q.Get("Signature") != "" && q.Get("Expires") != "":
		return verifyQueryV2(r, q, lookup, now)
	}
	return Signature{}, nil
}

// unknownScheme is the answer to an Authorization header that is none of AWS's.
func unknownScheme(r *http.Request, auth string) *Error {
	if _, ok := ServedS3(hostOf(r), r.URL.EscapedPath()); ok {
		scheme, _, _ := strings.Cut(auth, " ")
		return UnsupportedScheme(scheme)
	}
	return Errorf("IncompleteSignature", "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter.")
}

// UnsupportedScheme is S3's answer to an Authorization header of another kind,
// user name and password for instance. S3 repeats the whole header; we only
// its scheme, since the rest is a secret.
func UnsupportedScheme(scheme string) *Error {
	return Errorf("InvalidArgument", "Unsupported Authorization Type").With("ArgumentName", "Authorization").With("ArgumentValue", scheme)
}

// checkKey finds the key and judges the token that came with it.
func checkKey(keyID, token, service string, lookup KeyLookup, now time.Time) (secret string, e *Error) {
	secret, want, expires, ok := lookup(keyID)
	s3 := service == "s3"
	switch {
	case !ok && s3, want != "" && token == "" && s3:
		return "", NewError("InvalidAccessKeyId").With("AWSAccessKeyId", keyID)
	case !ok, want != token && !s3:
		return "", NewError("InvalidClientTokenId")
	case want != token:
		return "", NewError("InvalidToken")
	case !expires.IsZero() && !now.Before(expires) && s3:
		return "", NewError("ExpiredToken")
	case !expires.IsZero() && !now.Before(expires):
		e := Errorf("ExpiredToken", "The security token included in the request is expired")
		e.Status = http.StatusForbidden // S3 alone answers 400
		return "", e
	}
	return secret, nil
}

// checkSkew holds the request's time against now.
func checkSkew(at, now time.Time, sent, service string) *Error {
	if d := now.Sub(at); d <= maxSkew && d >= -maxSkew {
		return nil
	}
	if service == "s3" {
		return NewError("RequestTimeTooSkewed").With("RequestTime", sent).
			With("ServerTime", now.UTC().Format("2006-01-02T15:04:05Z")).With("MaxAllowedSkewMilliseconds", "900000")
	}
	at, now = at.UTC(), now.UTC()
	if at.Before(now) {
		return Errorf("SignatureDoesNotMatch", "Signature expired: %s is now earlier than %s (%s - 15 min.)",
			at.Format(timeV4), now.Add(-maxSkew).Format(timeV4), now.Format(timeV4))
	}
	return Errorf("SignatureDoesNotMatch", "Signature not yet current: %s is still later than %s (%s + 15 min.)",
		at.Format(timeV4), now.Add(maxSkew).Format(timeV4), now.Format(timeV4))
}

// verifyDocument checks "base64(document):base64(signature)".
func verifyDocument(rest string, document func(doc, sig []byte) bool) (Signature, *Error) {
	d, s, ok := strings.Cut(strings.TrimSpace(rest), ":")
	doc, err1 := base64.StdEncoding.DecodeString(d)
	sig, err2 := base64.StdEncoding.DecodeString(s)
	if !ok || err1 != nil || err2 != nil || len(doc) == 0 {
		return Signature{}, Errorf("IncompleteSignature", "The CFN_V1 Authorization header does not hold a document and its signature")
	}
	if document == nil || !document(doc, sig) {
		return Signature{}, NewError("SignatureDoesNotMatch")
	}
	return Signature{Version: "cfn_v1", Service: "cloudformation", Document: doc}, nil
}

// SignDocument signs r for CloudFormation with the instance identity document,
// as cfn-init does: document and signature are the texts that instance
// metadata serves (the signature is base64, of several lines). [cb:aws_client.py]
func SignDocument(r *http.Request, document, signature []byte) {
	if r.Header == nil {
		r.Header = http.Header{}
	}
	sig := strings.Join(strings.Fields(string(signature)), "")
	r.Header.Set("Authorization", "CFN_V1 "+base64.StdEncoding.EncodeToString(document)+":"+sig)
}

func sameText(a, b string) bool { return hmac.Equal([]byte(a), []byte(b)) }
