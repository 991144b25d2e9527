package cli

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestWebPagesReachNothing(t *testing.T) {
	reached, stopped := false, false
	d := &ownDoor{token: "secret-token", next: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }),
		stop: context.CancelFunc(func() { stopped = true })}
	for _, tt := range []struct {
		what, url string
		header    []string
		reaches   bool
	}{
		{"a client on this machine", "http://127.0.0.1:4566/bucket/key", nil, true},
		{"another address of this machine", "http://[::1]:4566/bucket/key", nil, true},
		{"a bucket's own name", "http://bucket.localhost:4566/key", nil, true},
		{"one of AWS's names", "http://bucket.s3.eu-west-1.amazonaws.com/key", nil, true},
		{"a page whose name leads here", "http://attacker.example:4566/bucket/key", nil, false},
		{"a name that only looks so", "http://localhost.attacker.example:4566/bucket/key", nil, false},
		{"another that only looks so", "http://notlocalhost:4566/bucket/key", nil, false},
		{"an address beyond", "http://192.0.2.1:4566/bucket/key", nil, false},
		{"a page across sites", "http://127.0.0.1:4566/bucket/key", []string{"Sec-Fetch-Site", "cross-site"}, false},
		{"a page's form", "http://127.0.0.1:4566/", []string{"Origin", "https://attacker.example"}, false},
		{"a sandboxed page's form", "http://127.0.0.1:4566/", []string{"Origin", "null"}, false},
		{"a page with half a signature", "http://attacker.example:4566/b/k?Signature=x", nil, false},
		{"a signed request under any name", "http://my-proxy.example/", []string{"Authorization", "AWS4-HMAC-SHA256 Credential=…"}, true},
		{"a presigned upload from a page", "http://127.0.0.1:4566/b/k?X-Amz-Signature=0", []string{"Origin", "http://localhost:3000"}, true},
	} {
		reached = false
		r := httptest.NewRequest("POST", tt.url, nil)
		for i := 0; i+1 < len(tt.header); i += 2 {
			r.Header.Set(tt.header[i], tt.header[i+1])
		}
		w := httptest.NewRecorder()
		d.ServeHTTP(w, r)
		if reached != tt.reaches || !tt.reaches && w.Code != http.StatusForbidden {
			t.Errorf("%s: reached %v, status %d", tt.what, reached, w.Code)
		}
	}
	for _, token := range []string{"", "Bearer ", "Bearer secret", "Bearer secret-token-", "Basic secret-token", "bearer secret-token"} {
		r := httptest.NewRequest("POST", "http://127.0.0.1:4566/_beanpole/stop", nil)
		if token != "" {
			r.Header.Set("Authorization", token)
		}
		w := httptest.NewRecorder()
		d.ServeHTTP(w, r)
		if w.Code != http.StatusForbidden || stopped {
			t.Errorf("token %q: status %d", token, w.Code)
		}
	}
	r := httptest.NewRequest("POST", "http://127.0.0.1:4566/_beanpole/stop", nil)
	r.Header.Set("Authorization", "Bearer secret-token")
	if d.ServeHTTP(httptest.NewRecorder(), r); !stopped {
		t.Error("the right token does not open the door")
	}
}
