package live

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// stand stands in for AWS at one address: it hands out credentials by every way
// that the SDK knows, and says who asked.
type stand struct {
	*httptest.Server
	mu    sync.Mutex
	asked []string // "key region service operation"
	// answer, if not nil, answers instead when it returns true.
	answer func(w http.ResponseWriter, r *http.Request, operation string) bool
}

var scope = regexp.MustCompile(`Credential=([^/]+)/\d+/([^/]+)/([^/]+)/`)

func newStand(t *testing.T) *stand {
	s := &stand{}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	for _, name := range []string{"AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"} {
		t.Setenv(name, "")
		os.Unsetenv(name)
	}
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(home, "config"))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(home, "credentials"))
	return s
}

const future = "2126-11-26T10:00:00Z"

func (s *stand) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, "body", http.StatusBadRequest)
		return
	}
	form, _ := url.ParseQuery(string(body)) // what is no form has no Action
	op := form.Get("Action")
	switch {
	case strings.HasPrefix(r.URL.Path, "/federation/credentials"):
		op = "GetRoleCredentials"
	case op == "":
		op = r.Method + " " + r.URL.Path
	}
	who := "nobody - -"
	if m := scope.FindStringSubmatch(r.Header.Get("Authorization")); m != nil {
		who = m[1] + " " + m[2] + " " + m[3]
	}
	s.mu.Lock()
	s.asked = append(s.asked, who+" "+op)
	s.mu.Unlock()
	if s.answer != nil && s.answer(w, r, op) {
		return
	}
	switch op {
	case "GetRoleCredentials":
		fmt.Fprint(w, `{"roleCredentials":{"accessKeyId":"ASIASSO","secretAccessKey":"s","sessionToken":"t","expiration":4950000000000}}`)
	case "AssumeRole", "AssumeRoleWithWebIdentity":
		fmt.Fprintf(w, `<%[1]sResponse><%[1]sResult><Credentials><AccessKeyId>ASIA%[1]s</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>%[2]s</Expiration></Credentials></%[1]sResult></%[1]sResponse>`, op, future)
	case "DescribeVpcs":
		fmt.Fprint(w, answers["ec2:DescribeVpcs"])
	case "HEAD /certs":
		w.Header().Set("X-Amz-Bucket-Region", "eu-west-1")
	default:
		fmt.Fprintf(w, "<%[1]sResponse><%[1]sResult>%[2]s</%[1]sResult></%[1]sResponse>", op, answers["elasticbeanstalk:"+op])
	}
}

func failed(w http.ResponseWriter, status int, code, message string) bool {
	w.WriteHeader(status)
	fmt.Fprintf(w, "<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error></ErrorResponse>", code, message)
	return true
}

// write puts a file below the home folder.
func (s *stand) write(t *testing.T, name, text string) {
	t.Helper()
	file := filepath.Join(os.Getenv("HOME"), name)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(text, "URL", s.URL)), 0o600); err != nil {
		t.Fatal(err)
	}
}

const profiles = `
[default]
aws_access_key_id = AKIADEFAULT
aws_secret_access_key = s
[profile plain]
region = eu-west-1
aws_access_key_id = AKIAPLAIN
aws_secret_access_key = s
[profile role]
region = eu-central-1
role_arn = arn:aws:iam::111122223333:role/reader
source_profile = plain
[profile endpoint]
region = eu-west-1
endpoint_url = URL
aws_access_key_id = AKIAENDPOINT
aws_secret_access_key = s
[sso-session corp]
sso_start_url = https://corp.awsapps.com/start
sso_region = eu-west-1
[profile sso]
region = eu-west-1
sso_session = corp
sso_account_id = 111122223333
sso_role_name = Reader
[profile web]
region = eu-west-1
role_arn = arn:aws:iam::111122223333:role/reader
web_identity_token_file = HOME/web
[profile process]
region = eu-west-1
credential_process = echo '{"Version":1,"AccessKeyId":"AKIAPROCESS","SecretAccessKey":"s"}'
[profile failing]
region = eu-west-1
credential_process = false
[profile homeless]
aws_access_key_id = AKIAHOMELESS
aws_secret_access_key = s
`

// session is the file in which `aws sso login` keeps its token.
func (s *stand) session(t *testing.T, expires string) {
	t.Helper()
	sum := sha1.Sum([]byte("corp"))
	s.write(t, ".aws/sso/cache/"+hex.EncodeToString(sum[:])+".json", `{"accessToken":"token","expiresAt":"`+expires+`"}`)
}

func (s *stand) profiles(t *testing.T) {
	t.Helper()
	s.write(t, "config", strings.ReplaceAll(profiles, "HOME", os.Getenv("HOME")))
	s.write(t, "web", "token")
	t.Setenv("AWS_ENDPOINT_URL", s.URL)
}

// try connects and asks for the environment; it says why that failed.
func try(t *testing.T, o Options) (says string) {
	t.Helper()
	c, err := Connect(t.Context(), o)
	if err != nil {
		return o.Why(err, o.Region)
	}
	if _, err = New(c).describe(t.Context(), "shop"); err != nil {
		return o.Why(err, c.Region)
	}
	return ""
}

func TestCredentialsOfEveryKind(t *testing.T) {
	for name, c := range map[string]struct {
		profile string
		prepare func(*stand, *testing.T)
		want    string // who asks for the environment
	}{
		"a profile":         {"plain", nil, "AKIAPLAIN eu-west-1"},
		"its endpoint":      {"endpoint", func(_ *stand, _ *testing.T) { os.Unsetenv("AWS_ENDPOINT_URL") }, "AKIAENDPOINT eu-west-1"},
		"a role":            {"role", nil, "ASIAAssumeRole eu-central-1"},
		"SSO":               {"sso", func(s *stand, t *testing.T) { s.session(t, future) }, "ASIASSO eu-west-1"},
		"a web identity":    {"web", nil, "ASIAAssumeRoleWithWebIdentity eu-west-1"},
		"a process":         {"process", nil, "AKIAPROCESS eu-west-1"},
		"AWS_PROFILE":       {"", func(_ *stand, t *testing.T) { t.Setenv("AWS_PROFILE", "role") }, "ASIAAssumeRole eu-central-1"},
		"the region's name": {"plain", func(_ *stand, t *testing.T) { t.Setenv("AWS_REGION", "eu-north-1") }, "AKIAPLAIN eu-north-1"},
		"the environment": {"", func(s *stand, t *testing.T) {
			for k, v := range map[string]string{"AWS_ACCESS_KEY_ID": "AKIAENV", "AWS_SECRET_ACCESS_KEY": "s", "AWS_REGION": "us-west-2", "AWS_ENDPOINT_URL": s.URL} {
				t.Setenv(k, v)
			}
		}, "AKIAENV us-west-2"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStand(t)
			s.profiles(t)
			if c.prepare != nil {
				c.prepare(s, t)
			}
			if says := try(t, Options{Profile: c.profile}); says != "" {
				t.Error(says)
			}
			if last := strings.Join(s.asked[max(0, len(s.asked)-1):], ""); last != c.want+" elasticbeanstalk DescribeEnvironments" {
				t.Errorf("asked: %v", s.asked)
			}
		})
	}
}

func TestWhatKeepsCredentialsAwayIsSaidInOneLine(t *testing.T) {
	refusing := func(op, code, message string) func(*stand, *testing.T) {
		return func(s *stand, _ *testing.T) {
			s.answer = func(w http.ResponseWriter, _ *http.Request, asked string) bool {
				return asked == op && failed(w, http.StatusForbidden, code, message)
			}
		}
	}
	for name, c := range map[string]struct {
		o       Options
		prepare func(*stand, *testing.T)
		want    string
	}{
		"no such profile":       {Options{Profile: "nowhere"}, nil, `no profile "nowhere"; aws configure list-profiles`},
		"no region":             {Options{Profile: "homeless"}, nil, "no region is set; give --region"},
		"not signed in":         {Options{Profile: "sso"}, nil, "sign in: aws sso login --profile sso"},
		"the session expired":   {Options{Profile: "sso"}, func(s *stand, t *testing.T) { s.session(t, "2020-01-01T00:00:00Z") }, "has expired; sign in again: aws sso login --profile sso"},
		"the process fails":     {Options{Profile: "failing"}, nil, `credential_process of profile "failing" failed`},
		"the role is not given": {Options{Profile: "role"}, refusing("AssumeRole", "AccessDenied", "User x is not authorized to perform: sts:AssumeRole"), `profile "role" may not take its role: AccessDenied`},
		"the keys expired":      {Options{Profile: "plain"}, refusing("DescribeEnvironments", "ExpiredToken", "The security token included in the request is expired"), "have expired; get new ones, with IAM Identity Center (SSO): aws sso login --profile plain"},
		"the key is not known":  {Options{Profile: "plain"}, refusing("DescribeEnvironments", "InvalidClientTokenId", "The security token included in the request is invalid."), "does not know the access key"},
		"the secret is another": {Options{Profile: "plain"}, refusing("DescribeEnvironments", "SignatureDoesNotMatch", "The request signature we calculated does not match"), "the secret access key does not belong to the access key"},
		"the clock": {Options{Profile: "plain"}, refusing("DescribeEnvironments", "SignatureDoesNotMatch", "Signature expired: 20261126T100000Z is now earlier than 20261126T110000Z"),
			"this machine's clock differs from AWS's"},
		"nothing there": {Options{Profile: "plain", Endpoint: "http://127.0.0.1:1"}, nil, "nothing answers at http://127.0.0.1:1"},
		"no URL":        {Options{Profile: "plain", Endpoint: "nonsense"}, nil, "the endpoint is no URL"},
		"no such region": {Options{Profile: "homeless", Region: "eu-west-1", Endpoint: "http://aws.invalid"}, nil,
			"cannot find aws.invalid: there is no network, or no region eu-west-1"},
		"nobody": {Options{Region: "eu-west-1"}, func(s *stand, t *testing.T) { s.write(t, "config", "") }, "there are no credentials; sign in"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStand(t)
			s.profiles(t)
			if c.prepare != nil {
				c.prepare(s, t)
			}
			if says := try(t, c.o); !strings.Contains(says, c.want) || strings.Contains(says, "\n") || len(says) > 250 {
				t.Errorf("%q, not %q", says, c.want)
			}
		})
	}
}

// AWS's services are also asked at addresses of their own.
func TestAServicesOwnEndpointIsAsked(t *testing.T) {
	other := newStand(t)
	s := newStand(t)
	t.Setenv("AWS_ENDPOINT_URL", s.URL)
	t.Setenv("AWS_ENDPOINT_URL_S3", other.URL)
	t.Setenv("AWS_ENDPOINT_URL_EC2", other.URL)
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAENV")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "s")
	c, err := Connect(t.Context(), Options{Region: "eu-west-1"})
	if err != nil {
		t.Fatal(err)
	}
	x := New(c)
	name := "certs"
	if _, err := c.Objects.HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: &name}); err != nil {
		t.Error(err)
	}
	x.Needed(t.Context(), &Needs{VPCs: []string{"vpc-1"}})
	if _, err := x.describe(t.Context(), "shop"); err != nil {
		t.Error(err)
	}
	if all := strings.Join(other.asked, "\n"); !strings.Contains(all, "s3 HEAD /certs") || !strings.Contains(all, "ec2 DescribeVpcs") || strings.Contains(all, "elasticbeanstalk") {
		t.Errorf("the services' own endpoint was asked: %v", other.asked)
	}
	if all := strings.Join(s.asked, "\n"); !strings.Contains(all, "elasticbeanstalk DescribeEnvironments") || strings.Contains(all, "ec2") {
		t.Errorf("the common endpoint was asked: %v", s.asked)
	}
}

// A clock that is off by an hour is no reason to fail: AWS's answer tells the time.
func TestAClockThatIsOffIsAllowedFor(t *testing.T) {
	for _, off := range []time.Duration{time.Hour, -time.Hour} {
		s := newStand(t)
		s.profiles(t)
		s.answer = func(w http.ResponseWriter, r *http.Request, _ string) bool {
			now := time.Now().UTC().Add(off)
			w.Header().Set("Date", now.Format(http.TimeFormat))
			signed, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
			return (err != nil || signed.Sub(now).Abs() > 5*time.Minute) && failed(w, http.StatusForbidden, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large.")
		}
		c, err := Connect(t.Context(), Options{Profile: "plain"})
		if err != nil {
			t.Fatal(err)
		}
		x := New(c)
		if _, err := x.describe(t.Context(), "shop"); err != nil {
			t.Errorf("the SDK's client, off by %v: %v", off, err)
		}
		var out vpcsAnswer
		if err := c.Network.Describe(t.Context(), "DescribeVpcs", url.Values{}, &out); err != nil || len(out.Vpcs) != 1 {
			t.Errorf("EC2, off by %v: %v", off, err)
		}
	}
}

func TestThrottledCallsAreMadeAgain(t *testing.T) {
	for _, times := range []int{2, 100} {
		if times > tries && testing.Short() {
			continue // the pauses between tries
		}
		s := newStand(t)
		s.profiles(t)
		seen := map[string]int{}
		s.answer = func(w http.ResponseWriter, _ *http.Request, op string) bool {
			s.mu.Lock()
			seen[op]++
			n := seen[op]
			s.mu.Unlock()
			return n <= times && failed(w, http.StatusBadRequest, "Throttling", "Rate exceeded")
		}
		c, err := Connect(t.Context(), Options{Profile: "plain"})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		_, err = New(c).describe(ctx, "shop")
		var out vpcsAnswer
		own := c.Network.Describe(ctx, "DescribeVpcs", url.Values{}, &out)
		o := &Options{}
		switch {
		case times < tries && (err != nil || own != nil):
			t.Errorf("throttled %d times: %v, %v", times, err, own)
		case times > tries && !strings.Contains(o.Why(err, "eu-west-1"), "AWS throttles the account's calls"):
			t.Errorf("throttled without end: %v", o.Why(err, "eu-west-1"))
		case times > tries && (own == nil || !strings.Contains(o.Why(own, "eu-west-1"), "AWS throttles the account's calls")):
			t.Errorf("EC2, throttled without end: %v", own)
		}
	}
}
