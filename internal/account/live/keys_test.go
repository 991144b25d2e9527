package live

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// recorder keeps the requests that are sent through it, and refuses them.
type recorder struct{ sent []*http.Request }

func (r *recorder) Do(q *http.Request) (*http.Response, error) {
	r.sent = append(r.sent, q)
	return jsonAnswer(400, `{"__type":"com.amazonaws.kms#NotFoundException","message":"no such key"}`), nil
}

// A key may lie in another region than the environment: it is asked for there,
// with a signature for there.
func TestKeysAreAskedForInTheirOwnRegion(t *testing.T) {
	for _, c := range []struct{ own, asked, endpoint, host, scope string }{
		{"eu-west-1", "", "", "kms.eu-west-1.amazonaws.com", "/eu-west-1/kms/"},
		{"eu-west-1", "us-east-2", "", "kms.us-east-2.amazonaws.com", "/us-east-2/kms/"},
		{"cn-north-1", "", "", "kms.cn-north-1.amazonaws.com.cn", "/cn-north-1/kms/"},
		{"eu-west-1", "us-east-2", "http://127.0.0.1:4566", "127.0.0.1:4566", "/us-east-2/kms/"},
	} {
		web := &recorder{}
		client := &keysClient{signer{clock: &clock{}, config: aws.Config{Region: c.own, HTTPClient: web, Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", "")}}}
		if c.endpoint != "" {
			client.config.BaseEndpoint = &c.endpoint
		}
		var out struct{}
		err := client.Ask(t.Context(), c.asked, "DescribeKey", map[string]string{"KeyId": "k"}, &out)
		if codeOf(err) != "NotFoundException" || !strings.Contains(err.Error(), "no such key") {
			t.Errorf("%+v: the error is %v", c, err)
		}
		if len(web.sent) != 1 {
			t.Fatalf("%+v: %d requests", c, len(web.sent))
		}
		r := web.sent[0]
		if r.URL.Host != c.host || !strings.Contains(r.Header.Get("Authorization"), c.scope) || r.Header.Get("X-Amz-Target") != "TrentService.DescribeKey" {
			t.Errorf("%+v: asked %s with %v", c, r.URL, r.Header)
		}
	}
	if err := (&keysClient{}).Ask(t.Context(), "", "Decrypt", nil, nil); err == nil || !strings.Contains(err.Error(), "no call that reading makes") {
		t.Errorf("Decrypt is not refused: %v", err)
	}
}
