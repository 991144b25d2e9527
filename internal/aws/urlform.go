package aws

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"beanpole/internal/fact"
)

// URLForm is a kind of address for something in S3 that a fetch by URL cannot
// use as it is.
type URLForm string

const (
	PlainURL   URLForm = ""
	SchemeS3   URLForm = "s3://"         // for AWS's own clients, no URL of a server
	ConsoleURL URLForm = "console"       // a page of the management console
	Website    URLForm = "website"       // plain HTTP, without signatures [S3:WebsiteEndpoints]
	Accelerate URLForm = "accelerate"    // its name tells no region
	DottedHost URLForm = "dotted bucket" // TLS under a name that S3's certificate does not cover
)

// FormOf tells which form a URL has. A host that is not known is PlainURL.
// S3's certificates are for *.s3.REGION.amazonaws.com and the like, where the
// star stands for one label. [S3:VirtualHosting, S3:bucketnamingrules]
func FormOf(rawURL string) URLForm {
	scheme, rest, ok := strings.Cut(rawURL, "://")
	if !ok {
		return PlainURL
	}
	if strings.EqualFold(scheme, "s3") {
		return SchemeS3
	}
	host := rest
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		host = rest[:i]
	}
	host = hostName(host[strings.LastIndexByte(host, '@')+1:])
	switch t, served := ServedS3(host, "/"); {
	case !fact.Known(host):
	case host == "console.aws.amazon.com", strings.HasSuffix(host, ".console.aws.amazon.com"):
		return ConsoleURL
	case served && !t.PathStyle && strings.Contains(t.Bucket, ".") && strings.EqualFold(scheme, "https"):
		return DottedHost
	case served || !strings.HasSuffix(host, ".amazonaws.com"):
	case strings.HasSuffix(host, ".s3-accelerate.amazonaws.com"), strings.HasSuffix(host, ".s3-accelerate.dualstack.amazonaws.com"):
		return Accelerate
	case strings.Contains(host, ".s3-website-"), strings.Contains(host, ".s3-website."):
		return Website
	}
	return PlainURL
}

// Presigned tells whether a URL carries a signature in its query, and when that
// expires; the zero time when the URL does not say so in a form that can be
// read. [S3:sigv4-query-string-auth, S3:RESTAuthentication]
func Presigned(rawURL string) (expires time.Time, ok bool) {
	_, query, _ := strings.Cut(rawURL, "?")
	query, _, _ = strings.Cut(query, "#")
	q, _ := url.ParseQuery(query)
	switch {
	case q.Get("X-Amz-Signature") != "":
		at, err := time.Parse("20060102T150405Z", q.Get("X-Amz-Date"))
		seconds, err2 := strconv.Atoi(q.Get("X-Amz-Expires"))
		if err == nil && err2 == nil && seconds > 0 && seconds <= 7*24*60*60 {
			expires = at.Add(time.Duration(seconds) * time.Second)
		}
		return expires, true
	case q.Get("Signature") != "" && q.Get("AWSAccessKeyId") != "":
		if n, err := strconv.ParseInt(q.Get("Expires"), 10, 64); err == nil && n > 0 && n < 1<<40 {
			expires = time.Unix(n, 0).UTC()
		}
		return expires, true
	}
	return time.Time{}, false
}
