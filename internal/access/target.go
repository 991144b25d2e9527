package access

import (
	"net/url"
	"strings"

	"beanpole/internal/aws"
	"beanpole/internal/fact"
)

// target is what a fetch asks of S3.
type target struct {
	aws.S3Target
	secure    bool
	elsewhere bool   // another server than S3
	unknown   string // what would have to be known, "" when all is
}

// readTarget reads a fetch's URL as S3 will.
func readTarget(f *Fetch) (t target) {
	scheme, host, path, query := cutURL(f.URL)
	t.secure = strings.EqualFold(scheme, "https")
	switch {
	case fact.Known(host):
		s, ok := aws.ServedS3(host, path)
		t.S3Target, t.elsewhere = s, !ok
	case f.Address.Recognised():
		key, err := url.PathUnescape(f.Address.Key)
		t.S3Target = aws.S3Target{
			Bucket: f.Address.Bucket, Key: strings.TrimPrefix(key, "/"), Region: f.Address.Region,
			Global: f.Address.Default, PathStyle: f.Address.PathStyle,
		}
		t.elsewhere = err != nil
	default:
		t.unknown = "the URL: " + strings.Join(fact.Missing(host), ", ")
	}
	if query != "" && t.unknown == "" {
		t.unknown = "what S3 makes of the query in the URL"
	}
	return t
}

// cutURL takes a URL apart that may hold unknown parts.
func cutURL(s string) (scheme, host, path, query string) {
	s, _, _ = strings.Cut(s, "#")
	s, query, _ = strings.Cut(s, "?")
	scheme, s, _ = strings.Cut(s, "://")
	if i := strings.IndexByte(s, '/'); i >= 0 {
		s, path = s[:i], s[i:]
	}
	return scheme, s[strings.LastIndexByte(s, '@')+1:], path, query
}

func isARN(s string) bool { return strings.HasPrefix(s, "arn:") }

func isProfileARN(s string) bool {
	a, ok := aws.ParseARN(s)
	return ok && a.Service == "iam" && strings.HasPrefix(a.Resource, "instance-profile/")
}

// Asks is the object that a fetch asks of S3; ok is unset when it asks another
// server, or when it is not known which object.
func (f *Fetch) Asks() (bucket, key string, ok bool) {
	t := readTarget(f)
	return t.Bucket, t.Key, !t.elsewhere && t.unknown == "" && fact.Known(t.Bucket) && fact.Known(t.Key)
}
