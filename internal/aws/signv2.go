package aws

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"net/http"
	"net/url"
	"sort"
	"strconv"
	"strings"
	"time"
)

// SignV2S3 signs r for S3 with Signature Version 2 as the agent does for the
// global endpoint: date in x-amz-date, the query left out. bucket is the one
// in the host name, "" for path style. [cb:auth.py]
func SignV2S3(r *http.Request, c Credentials, bucket string, now time.Time) {
	if r.Header == nil {
		r.Header = http.Header{}
	}
	if r.Method == "" {
		r.Method = http.MethodGet
	}
	if r.Header.Get("Date") == "" {
		r.Header.Set("X-Amz-Date", now.UTC().Format(http.TimeFormat))
	}
	if c.Token != "" {
		r.Header.Set("X-Amz-Security-Token", c.Token)
	}
	resource := r.URL.EscapedPath()
	if resource == "" {
		resource = "/"
	}
	if bucket != "" {
		resource = "/" + bucket + resource
	}
	text := stringToSignV2(r, r.Header.Get("Date"), resource)
	r.Header.Set("Authorization", "AWS "+c.KeyID+":"+signatureV2(c.Secret, text))
}

// PresignV2S3 is the query that lets whoever has it make one request of a
// method for a key, until a time; escapedKey is the key as the address writes
// it. [S3:RESTAuthentication, query string request authentication]
func PresignV2S3(method, bucket, escapedKey string, c Credentials, until time.Time) string {
	end := strconv.FormatInt(until.Unix(), 10)
	text := stringToSignV2(&http.Request{Method: method, Header: http.Header{}}, end, "/"+bucket+"/"+escapedKey)
	return url.Values{"AWSAccessKeyId": {c.KeyID}, "Expires": {end}, "Signature": {signatureV2(c.Secret, text)}}.Encode()
}

func signatureV2(secret, text string) string {
	m := hmac.New(sha1.New, []byte(secret))
	m.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(m.Sum(nil))
}

// stringToSignV2 is the text that Version 2 signs. An x-amz-date header makes
// the date line empty. [S3:RESTAuthentication]
func stringToSignV2(r *http.Request, date, resource string) string {
	if r.Header.Get("X-Amz-Date") != "" {
		date = ""
	}
	var names []string
	for h := range r.Header {
		if l := strings.ToLower(h); strings.HasPrefix(l, "x-amz-") {
			names = append(names, l)
		}
	}
	sort.Strings(names)
	var b strings.Builder
	b.WriteString(r.Method + "\n" + r.Header.Get("Content-Md5") + "\n" + r.Header.Get("Content-Type") + "\n" + date + "\n")
	for _, h := range names {
		b.WriteString(h + ":" + strings.Join(r.Header.Values(h), ",") + "\n")
	}
	return b.String() + resource
}

// subresources are the query parameters that Version 2 signs. [S3:RESTAuthentication]
var subresources = map[string]bool{
	"acl": true, "cors": true, "delete": true, "inventory": true, "lifecycle": true, "location": true, "logging": true, "notification": true,
	"partNumber": true, "policy": true, "requestPayment": true, "restore": true, "tagging": true, "torrent": true, "uploadId": true,
	"uploads": true, "versionId": true, "versioning": true, "versions": true, "website": true,
	"response-cache-control": true, "response-content-disposition": true, "response-content-encoding": true,
	"response-content-language": true, "response-content-type": true, "response-expires": true,
}

// canonicalResourceQuery is the signed part of a query, with its "?".
func canonicalResourceQuery(raw string) string {
	var out []string
	for _, part := range strings.Split(raw, "&") {
		k, v, has := strings.Cut(part, "=")
		if !subresources[k] {
			continue
		}
		if has {
			k += "=" + unescapeQuery(v)
		}
		out = append(out, k)
	}
	if len(out) == 0 {
		return ""
	}
	sort.Strings(out)
	return "?" + strings.Join(out, "&")
}
