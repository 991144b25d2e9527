package aws

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func FuzzAgentS3(f *testing.F) {
	for _, s := range []string{"https://b.s3.us-west-2.amazonaws.com/k", "http://s3.amazonaws.com/b/k", "s3://b", "https://%", "https://s3.\ue0b0a\ue0b1.amazonaws.com/\ue0b0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if a := AgentS3(s); !a.Recognised() && a != (S3Address{}) {
			t.Errorf("%+v", a)
		}
		AgentUnsure(s)
		AgentMissigns(s)
	})
}

func FuzzParseARN(f *testing.F) {
	f.Add("arn:aws:iam::1:role/x")
	f.Add("arn:\ue0b0:\ue0b1:s3:::b")
	f.Fuzz(func(t *testing.T, s string) {
		if a, ok := ParseARN(s); ok && a.String() != s {
			t.Errorf("%q became %q", s, a)
		}
	})
}

func FuzzServedS3(f *testing.F) {
	f.Add("b.s3.us-west-2.amazonaws.com", "/k")
	f.Add("s3.amazonaws.com:80", "/b/%2F")
	f.Fuzz(func(t *testing.T, host, path string) {
		if s, ok := ServedS3(host, path); ok && s.Region == "" {
			t.Errorf("%+v", s)
		}
	})
}

func FuzzVerify(f *testing.F) {
	f.Add("AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=host,Signature=00", "20130524T000000Z", "/k", "a=b", "b.s3.amazonaws.com")
	f.Add("AWS AKIAIOSFODNN7EXAMPLE:x", "Fri, 24 May 2013 00:00:00 GMT", "/", "versionId", "s3.amazonaws.com")
	f.Add("CFN_V1 e30=:e30=", "", "", "", "")
	f.Add("", "", "/", "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a/20130524/r/s3/aws4_request&X-Amz-Date=20130524T000000Z&X-Amz-SignedHeaders=host&X-Amz-Expires=9&X-Amz-Signature=1", "h")
	f.Fuzz(func(t *testing.T, auth, date, path, query, host string) {
		r := &http.Request{Method: "GET", Host: host, URL: &url.URL{Path: path, RawQuery: query}, Header: http.Header{}}
		r.Header.Set("Authorization", auth)
		r.Header.Set("X-Amz-Date", date)
		r.Header.Set("X-Amz-Content-Sha256", emptyHash)
		s, e := Verify(r, testLooks, func(_, _ []byte) bool { return false }, testNow)
		if e == nil && s.Version != "" {
			t.Errorf("forged: %+v", s)
		}
		if e != nil && strings.Contains(e.Error()+e.S3Body("", "", ""), docsKey.Secret) {
			t.Error("secret told")
		}
	})
}
