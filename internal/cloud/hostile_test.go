package cloud

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"beanpole/internal/aws"
)

// send sends a request and gives status and body.
func send(t *testing.T, r *http.Request) (int, string) {
	t.Helper()
	res, err := http.DefaultClient.Do(r)
	must(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	must(t, err)
	return res.StatusCode, string(text)
}

// request makes a request to the world that is signed unless the service is "".
func (w *world) request(t *testing.T, service, method, path, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, w.url+path, strings.NewReader(body))
	must(t, err)
	if service != "s3" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if service != "" {
		admin, err := w.State().Admin()
		must(t, err)
		aws.SignV4(r, aws.PayloadHash([]byte(body)), admin, "eu-west-1", service, time.Now())
	}
	return r
}

func wantRefusal(t *testing.T, what string, status int, text string) {
	t.Helper()
	if status < 400 || status > 499 {
		t.Errorf("%s: %d %.300s", what, status, text)
	}
}

func TestARequestThatWasSignedIsNoOtherRequest(t *testing.T) {
	w := start(t, "eu-west-1")
	c := s3.NewFromConfig(w.config, pathStyle)
	makeBucket(t, c, "mine", "eu-west-1")
	must(t, second(c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: awssdk.String("mine"), Key: awssdk.String("k"), Body: strings.NewReader("secret")})))
	if status, text := send(t, w.request(t, "s3", "GET", "/mine/k", "")); status != 200 || text != "secret" {
		t.Fatalf("the request itself: %d %s", status, text)
	}
	for what, change := range map[string]func(*http.Request){
		"another path":   func(r *http.Request) { r.URL.Path = "/mine/other" },
		"another query":  func(r *http.Request) { r.URL.RawQuery = "versions" },
		"another method": func(r *http.Request) { r.Method = "DELETE" },
		"another host":   func(r *http.Request) { r.Host = "mine.s3.eu-west-1.amazonaws.com" },
		"another time": func(r *http.Request) {
			r.Header.Set("X-Amz-Date", time.Now().Add(time.Minute).UTC().Format("20060102T150405Z"))
		},
		"another hash":        func(r *http.Request) { r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD") },
		"one more header":     func(r *http.Request) { r.Header.Set("X-Amz-Copy-Source", "/mine/k") },
		"another key":         func(r *http.Request) { swap(r, "AKIA", "AKIB") },
		"another region":      func(r *http.Request) { swap(r, "/eu-west-1/", "/us-east-1/") },
		"another service":     func(r *http.Request) { swap(r, "/s3/", "/iam/") },
		"a second credential": func(r *http.Request) { swap(r, "Credential=", "Credential=A/20240101/r/iam/aws4_request, Credential=") },
		"host not signed":     func(r *http.Request) { swap(r, "host;", "") },
	} {
		r := w.request(t, "s3", "GET", "/mine/k", "")
		change(r)
		status, text := send(t, r)
		wantRefusal(t, what, status, text)
		if strings.Contains(text, "secret") {
			t.Errorf("%s: the object was given out", what)
		}
	}
}

func swap(r *http.Request, from, to string) {
	r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), from, to, 1))
}

func TestARequestSignedForOneServiceReachesNoOther(t *testing.T) {
	w := start(t, "eu-west-1")
	admin, err := w.State().Admin()
	must(t, err)
	const form = "Action=ListRoles&Version=2010-05-08"
	for _, order := range []string{"Credential=%s/%s/eu-west-1/sts/aws4_request, Credential=", "X-Credential=%s/%s/eu-west-1/sts/aws4_request, Credential="} {
		r := w.request(t, "iam", "POST", "/", form)
		swap(r, "Credential=", fmt.Sprintf(order, admin.KeyID, time.Now().UTC().Format("20060102")))
		status, text := send(t, r)
		if order[0] == 'C' {
			wantRefusal(t, order, status, text)
		}
	}
}

// A presigned URL whose maker fixed the body is good for that body alone.
func TestPresignedHashHoldsWhateverAHeaderSays(t *testing.T) {
	w := start(t, "eu-west-1")
	makeBucket(t, s3.NewFromConfig(w.config, pathStyle), "mine", "eu-west-1")
	admin, err := w.State().Admin()
	must(t, err)
	hash := aws.PayloadHash([]byte("good"))
	made, err := http.NewRequest("PUT", w.url+"/mine/k?X-Amz-Expires=600&X-Amz-Content-Sha256="+hash, nil)
	must(t, err)
	u, _, err := v4.NewSigner().PresignHTTP(t.Context(), awssdk.Credentials{AccessKeyID: admin.KeyID, SecretAccessKey: admin.Secret}, made, hash, "s3", "eu-west-1", time.Now())
	must(t, err)
	for _, header := range []string{"", "UNSIGNED-PAYLOAD", aws.PayloadHash([]byte("evil")), "STREAMING-UNSIGNED-PAYLOAD-TRAILER"} {
		for body, want := range map[string]int{"good": 200, "evil": 400} {
			r, err := http.NewRequestWithContext(t.Context(), "PUT", u, strings.NewReader(body))
			must(t, err)
			if header != "" {
				r.Header.Set("X-Amz-Content-Sha256", header)
			}
			status, text := send(t, r)
			if body == "evil" && status == 200 || header == "" && status != want {
				t.Errorf("body %s, header %q: %d %s", body, header, status, text)
			}
		}
	}
}

func TestOnlyS3TakesABodyThatWasNotSigned(t *testing.T) {
	w := start(t, "eu-west-1")
	admin, err := w.State().Admin()
	must(t, err)
	for _, hash := range []string{"UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"} {
		r, err := http.NewRequestWithContext(t.Context(), "POST", w.url, strings.NewReader("Action=ListRoles"))
		must(t, err)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		aws.SignV4(r, hash, admin, "eu-west-1", "iam", time.Now())
		if status, text := send(t, r); status != 403 {
			t.Errorf("%s: %d %s", hash, status, text)
		}
	}
}

func TestFormsThatAreMeantToHurtAreRefusedCheaply(t *testing.T) {
	w := start(t, "eu-west-1")
	const create = "Action=CreateRole&RoleName=r&AssumeRolePolicyDocument=" + "%7B%7D"
	many := make([]string, 3000)
	for i := range many {
		many[i] = fmt.Sprintf("Tags.member.%d.Key=k", i+1)
	}
	for what, form := range map[string]string{
		"a far element":    create + "&Tags.member.999999999.Key=a",
		"a negative one":   create + "&Tags.member.-1.Key=a",
		"no number":        create + "&Tags.member.x.Key=a",
		"a huge number":    create + "&Tags.member.99999999999999999999999.Key=a",
		"many elements":    create + "&" + strings.Join(many, "&"),
		"a name of dots":   create + "&" + strings.Repeat("a.", 400_000) + "=x",
		"broken percents":  "Action=%zz",
		"semicolons":       "Action=ListRoles;&a",
		"no action":        "Version=2010-05-08",
		"NUL in an action": "Action=List%00Roles",
		"too large":        "Action=ListRoles&a=" + strings.Repeat("x", 2<<20),
	} {
		for _, service := range []string{"iam", ""} {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			r := w.request(t, service, "POST", "/", form)
			if service == "" {
				r.Host = "iam.amazonaws.com"
			}
			began := time.Now()
			status, text := send(t, r)
			runtime.ReadMemStats(&after)
			wantAnyRefusal(t, what, status, text)
			if took := time.Since(began); took > 3*time.Second {
				t.Errorf("%s took %s", what, took)
			}
			if grew := after.TotalAlloc - before.TotalAlloc; grew > 64<<20 {
				t.Errorf("%s cost %d MiB", what, grew>>20)
			}
		}
	}
}

// wantAnyRefusal is wantRefusal that also takes "not carried out yet".
func wantAnyRefusal(t *testing.T, what string, status int, text string) {
	t.Helper()
	if status != http.StatusNotImplemented {
		wantRefusal(t, what, status, text)
	}
}

func TestXMLThatIsMeantToHurtIsRefusedCheaply(t *testing.T) {
	w := start(t, "eu-west-1")
	makeBucket(t, s3.NewFromConfig(w.config, pathStyle), "mine", "eu-west-1")
	bomb := `<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]><Delete><Object><Key>&b;</Key></Object></Delete>`
	for what, body := range map[string]string{
		"entities":        bomb,
		"a foreign file":  `<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><Delete><Object><Key>&e;</Key></Object></Delete>`,
		"deep nesting":    strings.Repeat("<a>", 1_000_000),
		"deep and closed": "<Delete>" + strings.Repeat("<a>", 500_000) + strings.Repeat("</a>", 500_000) + "</Delete>",
		"too large":       "<Delete>" + strings.Repeat(" ", 5<<20) + "</Delete>",
		"no XML":          "\x00\xff",
		"nothing":         "",
	} {
		began := time.Now()
		status, text := send(t, w.request(t, "s3", "POST", "/mine?delete=", body))
		wantRefusal(t, what, status, text)
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("%s took %s", what, took)
		}
		if strings.Contains(text, "root:") {
			t.Errorf("%s: a file of this machine was read: %s", what, text)
		}
	}
}

// Keys are names in the store, never in the file system.
func TestNoKeyLeadsOutOfTheObjectsFolder(t *testing.T) {
	w := start(t, "eu-west-1")
	makeBucket(t, s3.NewFromConfig(w.config, pathStyle), "mine", "eu-west-1")
	for i, key := range []string{"../../escaped", "%2e%2e/%2e%2e/escaped", "..%2f..%2fescaped", "/../escaped", "a//b/./../c", "nul%00byte", "%ff%fe", "%0a%0d",
		"con:aux|x", strings.Repeat("%C3%BC", 512), strings.Repeat("k", 1024), ".", "..", "%2e"} {
		path := "/mine/" + key
		body := fmt.Sprint("data ", i)
		// The path goes out as it is: net/http would not tidy it up, nor may we.
		put := w.raw(t, "PUT", path, body)
		status, text := send(t, put)
		if status != 200 {
			wantRefusal(t, key, status, text)
			continue
		}
		if status, text := send(t, w.raw(t, "GET", path, "")); status != 200 || text != body {
			t.Errorf("%.40s: %d %.100s", key, status, text)
		}
	}
	if status, _ := send(t, w.raw(t, "PUT", "/mine/"+strings.Repeat("k", 1025), "x")); status != 400 {
		t.Errorf("a key of 1025 bytes: %d", status)
	}
	for _, bucket := range []string{"..", "%2e%2e", "a%2fb", "A", ".hidden", "%00"} {
		status, text := send(t, w.raw(t, "PUT", "/"+bucket, ""))
		wantAnyRefusal(t, "bucket "+bucket, status, text)
	}
	objects := filepath.Join(w.State().Dir(), "objects")
	err := filepath.WalkDir(w.State().Dir(), func(p string, e fs.DirEntry, err error) error {
		must(t, err)
		if dir, name := filepath.Split(p); strings.Contains(name, "escaped") || filepath.Clean(dir) == objects && strings.Trim(name, "0123456789abcdef") != "" {
			t.Errorf("a key made the file %s", p)
		}
		return nil
	})
	must(t, err)
}

// raw is a signed request whose path stays as it is written.
func (w *world) raw(t *testing.T, method, path, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, w.url, strings.NewReader(body))
	must(t, err)
	r.URL.Path, _ = url.PathUnescape(path)
	r.URL.RawPath = path
	admin, err := w.State().Admin()
	must(t, err)
	aws.SignV4(r, aws.PayloadHash([]byte(body)), admin, "eu-west-1", "s3", time.Now())
	return r
}

func TestSessionKeysAreWorthNothingWithoutTheirOwnToken(t *testing.T) {
	w, ctx := start(t, "eu-west-1"), t.Context()
	ic := iam.NewFromConfig(w.config)
	for _, name := range []string{"one", "two"} {
		must(t, second(ic.CreateRole(ctx, &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: awssdk.String(ec2Trust)})))
	}
	one, _, err := w.State().NewSession("one", "i-1", time.Hour)
	must(t, err)
	two, _, err := w.State().NewSession("two", "i-2", time.Hour)
	must(t, err)
	for what, c := range map[string]aws.Credentials{
		"none":           {KeyID: one.KeyID, Secret: one.Secret},
		"another's":      {KeyID: one.KeyID, Secret: one.Secret, Token: two.Token},
		"another secret": {KeyID: one.KeyID, Secret: two.Secret, Token: one.Token},
		"made up":        {KeyID: one.KeyID, Secret: one.Secret, Token: one.Token + "x"},
	} {
		for _, service := range []string{"sts", "s3"} {
			method, body := "POST", "Action=GetCallerIdentity"
			if service == "s3" {
				method, body = "GET", ""
			}
			r, err := http.NewRequestWithContext(ctx, method, w.url+"/", bytes.NewReader([]byte(body)))
			must(t, err)
			if service == "sts" {
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			}
			aws.SignV4(r, aws.PayloadHash([]byte(body)), c, "eu-west-1", service, time.Now())
			status, text := send(t, r)
			wantRefusal(t, service+" with token "+what, status, text)
		}
	}
}
