package aws

import (
	"testing"
	"time"

	"beanpole/internal/fact"
)

func TestFormOf(t *testing.T) {
	for rawURL, want := range map[string]URLForm{
		"s3://certs/server.key": SchemeS3,
		"S3://certs/server.key": SchemeS3,
		"https://s3.console.aws.amazon.com/s3/object/certs?prefix=server.key":           ConsoleURL,
		"https://eu-west-1.console.aws.amazon.com/s3/object/certs":                      ConsoleURL,
		"https://console.aws.amazon.com/s3/":                                            ConsoleURL,
		"http://certs.s3-website-us-east-1.amazonaws.com/server.key":                    Website,
		"https://certs.s3-website.eu-central-1.amazonaws.com/server.key":                Website,
		"https://certs.s3-accelerate.amazonaws.com/server.key":                          Accelerate,
		"https://my.certs.s3.eu-west-1.amazonaws.com/server.key":                        DottedHost,
		"https://my.certs.s3.amazonaws.com/server.key":                                  DottedHost,
		"http://my.certs.s3.amazonaws.com/server.key":                                   PlainURL,
		"https://s3.eu-west-1.amazonaws.com/my.certs/server.key":                        PlainURL,
		"https://certs.s3.dualstack.eu-west-1.amazonaws.com/server.key":                 PlainURL,
		"https://certs.s3.eu-west-1.amazonaws.com/server.key":                           PlainURL,
		"https://example.com/s3://certs":                                                PlainURL,
		"https://" + fact.Symbol("a bucket") + ".s3.eu-west-1.amazonaws.com/server.key": PlainURL,
		"/etc/server.key": PlainURL,
		"":                PlainURL,
	} {
		if got := FormOf(rawURL); got != want {
			t.Errorf("FormOf(%q) = %q, want %q", rawURL, got, want)
		}
	}
}

func TestPresigned(t *testing.T) {
	const at = "https://certs.s3.eu-west-1.amazonaws.com/server.key"
	for rawURL, want := range map[string]string{
		at + "?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20260101T000000Z&X-Amz-Expires=3600&X-Amz-Signature=ab": "2026-01-01T01:00:00Z",
		at + "?X-Amz-Date=20260101T000000Z&X-Amz-Expires=99999999&X-Amz-Signature=ab":                              "0001-01-01T00:00:00Z",
		at + "?X-Amz-Signature=ab":                                 "0001-01-01T00:00:00Z",
		at + "?AWSAccessKeyId=AKIA&Expires=1767225600&Signature=a": "2026-01-01T00:00:00Z",
		at + "?Signature=a":                                        "",
		at + "?versionId=1":                                        "",
		at:                                                         "",
	} {
		expires, ok := Presigned(rawURL)
		got := ""
		if ok {
			got = expires.Format(time.RFC3339)
		}
		if got != want {
			t.Errorf("Presigned(%q) = %q, want %q", rawURL, got, want)
		}
	}
}
