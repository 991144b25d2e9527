package cloud

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"beanpole/internal/aws"
	"beanpole/internal/cloud/metadata"
)

// imds is one instance's metadata service.
type imds struct {
	t   *testing.T
	url string
}

func (w *world) instance(t *testing.T, profile *string, required bool) *imds {
	h := w.Metadata(MetadataOptions{InstanceID: "i-0123456789abcdef0", Profile: func() string { return *profile }, TokensRequired: required})
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return &imds{t, s.URL}
}

func (m *imds) do(method, path string, header ...string) (status int, body string, h http.Header) {
	m.t.Helper()
	r, err := http.NewRequestWithContext(m.t.Context(), method, m.url+path, nil)
	must(m.t, err)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	must(m.t, err)
	defer res.Body.Close()
	data, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(data), res.Header
}

const (
	ttl   = "X-aws-ec2-metadata-token-ttl-seconds"
	token = "X-aws-ec2-metadata-token"
)

func TestMetadataTokensFollowVersion2(t *testing.T) {
	w, none := start(t, "eu-west-1"), ""
	m, other := w.instance(t, &none, false), w.instance(t, &none, true)
	status, good, h := m.do("PUT", "/latest/api/token", ttl, "60")
	if status != 200 || len(good) < 40 || h.Get(ttl) != "60" || h.Get("Content-Type") != "text/plain" {
		t.Errorf("token: %d %q %v", status, good, h)
	}
	tests := []struct {
		name, method, path string
		header             []string
		on                 *imds
		want               int
	}{
		{"no TTL", "PUT", "/latest/api/token", nil, m, 400},
		{"TTL 0", "PUT", "/latest/api/token", []string{ttl, "0"}, m, 400},
		{"TTL too long", "PUT", "/latest/api/token", []string{ttl, "21601"}, m, 400},
		{"TTL no number", "PUT", "/latest/api/token", []string{ttl, "x"}, m, 400},
		{"through a proxy", "PUT", "/latest/api/token", []string{ttl, "60", "X-Forwarded-For", "1.2.3.4"}, m, 403},
		{"version-specific token path", "PUT", "/2021-03-23/api/token", []string{ttl, "60"}, m, 403},
		{"version 1", "GET", "/latest/meta-data/instance-id", nil, m, 200},
		{"good token", "GET", "/latest/meta-data/instance-id", []string{token, good}, m, 200},
		{"wrong token where none is needed", "GET", "/latest/meta-data/instance-id", []string{token, good + "x"}, m, 401},
		{"another instance's token", "GET", "/latest/meta-data/instance-id", []string{token, good}, other, 401},
		{"no token where one is required", "GET", "/latest/meta-data/instance-id", nil, other, 401},
		{"absent", "GET", "/latest/meta-data/nothing", nil, m, 404},
		{"below a text", "GET", "/latest/meta-data/instance-id/x", nil, m, 404},
		{"unknown version", "GET", "/newest/meta-data/", nil, m, 404},
		{"other method", "POST", "/latest/meta-data/", nil, m, 405},
		{"HEAD", "HEAD", "/latest/meta-data/instance-id", nil, m, 200},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if status, body, _ := tt.on.do(tt.method, tt.path, tt.header...); status != tt.want {
				t.Errorf("status %d, want %d: %s", status, tt.want, body)
			} else if status >= 400 && body != aws.MetadataPage(status) {
				t.Errorf("page %q", body)
			}
		})
	}
	if _, body, _ := m.do("GET", "/latest/meta-data/nothing"); !strings.HasPrefix(body, `<?xml version="1.0" encoding="iso-8859-1"?>`+"\n") {
		t.Errorf("the 404 page begins %q", body)
	}
	if _, body, _ := m.do("GET", "/latest/meta-data/placement/"); body != "availability-zone\nregion" {
		t.Errorf("listing %q", body)
	}
	if _, body, _ := m.do("GET", "/latest/meta-data/local-ipv4"); body != "127.0.0.1" {
		t.Errorf("local-ipv4 %q", body)
	}
}

func TestMetadataTokensEnd(t *testing.T) {
	now := time.Now()
	s := httptest.NewServer(metadata.Handler(metadata.Options{InstanceID: "i-1", Region: "eu-west-1", TokensRequired: true, Now: func() time.Time { return now }}))
	defer s.Close()
	m := &imds{t, s.URL}
	_, tok, _ := m.do("PUT", "/latest/api/token", ttl, "60")
	for _, step := range []struct {
		after time.Duration
		want  int
	}{{59 * time.Second, 200}, {time.Second, 401}} {
		now = now.Add(step.after)
		if status, _, _ := m.do("GET", "/latest/meta-data/instance-id", token, tok); status != step.want {
			t.Errorf("after %s more: status %d, want %d", step.after, status, step.want)
		}
	}
}

func TestMetadataHandsCredentialsOutUnderTheRolesNameOnly(t *testing.T) {
	w, ctx := start(t, "eu-west-1"), t.Context()
	c, profile := iam.NewFromConfig(w.config), ""
	m := w.instance(t, &profile, false)
	if _, body, _ := m.do("GET", "/latest/meta-data/"); strings.Contains(body, "iam") {
		t.Errorf("iam is listed without a profile: %q", body)
	}
	must(t, second(c.CreateRole(ctx, &iam.CreateRoleInput{RoleName: awssdk.String("shop-role"), Path: awssdk.String("/team/"), AssumeRolePolicyDocument: awssdk.String(ec2Trust)})))
	must(t, second(c.CreateInstanceProfile(ctx, &iam.CreateInstanceProfileInput{InstanceProfileName: awssdk.String("shop-profile")})))
	profile = "shop-profile"
	if status, _, _ := m.do("GET", "/latest/meta-data/iam/security-credentials/"); status != 404 {
		t.Errorf("an empty profile: status %d", status)
	}
	must(t, second(c.AddRoleToInstanceProfile(ctx, &iam.AddRoleToInstanceProfileInput{InstanceProfileName: &profile, RoleName: awssdk.String("shop-role")})))
	for path, want := range map[string]int{"shop-role": 200, "shop-profile": 404, "Shop-Role": 404, "other": 404, "team/shop-role": 404, "shop-role/x": 404,
		"arn:aws:iam::" + w.State().AccountID() + ":role/team/shop-role": 404} {
		if status, body, _ := m.do("GET", "/latest/meta-data/iam/security-credentials/"+path); status != want {
			t.Errorf("%s: status %d, want %d: %s", path, status, want, body)
		}
	}
	if _, body, _ := m.do("GET", "/latest/meta-data/iam/security-credentials/"); body != "shop-role" {
		t.Errorf("listing %q", body)
	}
	_, body, h := m.do("GET", "/latest/meta-data/iam/info")
	if !strings.Contains(body, ":instance-profile/shop-profile") || strings.Contains(body, "shop-role") || h.Get("Content-Type") != "text/plain" {
		t.Errorf("info %s", body)
	}
	keys := readKeys(t, m)
	if again := readKeys(t, m); again != keys {
		t.Error("the credentials changed before their time")
	}
	session := w.as(keys, "eu-west-1")
	who, err := sts.NewFromConfig(session).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	must(t, err)
	if want := "arn:aws:sts::" + w.State().AccountID() + ":assumed-role/shop-role/i-0123456789abcdef0"; *who.Arn != want {
		t.Errorf("the instance is %q, want %q", *who.Arn, want)
	}
	_, err = s3.NewFromConfig(session, pathStyle).ListBuckets(ctx, &s3.ListBucketsInput{})
	wantCode(t, err, "AccessDenied")
	must(t, second(c.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: awssdk.String("shop-role"), PolicyDocument: awssdk.String(strings.Replace(ec2Trust, "ec2.", "lambda.", 1))})))
	status, body, _ := m.do("GET", "/latest/meta-data/iam/security-credentials/shop-role")
	if status != 200 || !strings.Contains(body, "AssumeRoleUnauthorizedAccess") || strings.Contains(body, "AccessKeyId") {
		t.Errorf("a role that EC2 may not assume: %d %s", status, body)
	}
}

func readKeys(t *testing.T, m *imds) aws.Credentials {
	t.Helper()
	status, body, _ := m.do("GET", "/latest/meta-data/iam/security-credentials/shop-role")
	var c struct{ Code, Type, AccessKeyId, SecretAccessKey, Token, Expiration, LastUpdated string }
	if err := json.Unmarshal([]byte(body), &c); err != nil || status != 200 || c.Code != "Success" || c.Type != "AWS-HMAC" || !strings.HasPrefix(c.AccessKeyId, "ASIA") {
		t.Fatalf("credentials: %d %s %v", status, body, err)
	}
	return aws.Credentials{KeyID: c.AccessKeyId, Secret: c.SecretAccessKey, Token: c.Token}
}

func TestInstanceSignsWithItsIdentityDocument(t *testing.T) {
	w, none := start(t, "eu-west-1"), ""
	m := w.instance(t, &none, false)
	_, doc, _ := m.do("GET", "/latest/dynamic/instance-identity/document")
	_, sig, _ := m.do("GET", "/latest/dynamic/instance-identity/signature")
	var d struct{ InstanceID, Region, AccountID string }
	if err := json.Unmarshal([]byte(doc), &d); err != nil || d.InstanceID != "i-0123456789abcdef0" || d.Region != "eu-west-1" || d.AccountID != w.State().AccountID() {
		t.Errorf("document %s, %v", doc, err)
	}
	raw, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(sig, "\n", ""))
	if err != nil || !w.Authority().Verify([]byte(doc), raw) {
		t.Errorf("the signature is not good, error %v", err)
	}
}
