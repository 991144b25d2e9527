package cfninit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"beanpole/internal/source"
)

// world is a fake network: handlers by host name.
type world map[string]http.HandlerFunc

func (w world) RoundTrip(req *http.Request) (*http.Response, error) {
	h, ok := w[req.URL.Host]
	if !ok {
		return nil, &os.SyscallError{Syscall: "connect", Err: syscall.ECONNREFUSED}
	}
	rec := httptest.NewRecorder()
	req.Host = req.URL.Host
	h(rec, req)
	resp := rec.Result()
	resp.Request = req
	return resp, nil
}

const roleKeys = `{"AccessKeyId": "ASIATEST", "SecretAccessKey": "geheim-key", "Token": "geheim-token", "Expiration": "2030-01-01T00:00:00Z"}`

func text200(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) }
}

func status(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code); fmt.Fprint(w, body) }
}

// try runs a plan with a file that is fetched, and gives back what happened.
func try(t *testing.T, w world, url string, change func(*Runner)) (result *Result, content, log string, err error) {
	t.Helper()
	dir := t.TempDir()
	metadata := parse(t, `
AWS::CloudFormation::Init: {config: {files: {/f: {source: u, authentication: A}}}}
AWS::CloudFormation::Authentication: {A: {type: S3, roleName: web}}`)
	files := source.NewMap(source.Pos{})
	file := metadata.At(initKey, "config", "files", "/f")
	file.Set("source", source.NewString(url, source.Pos{}))
	files.Set(dir+"/f", file)
	metadata.At(initKey, "config").Set("files", files)
	var out bytes.Buffer
	r := &Runner{HTTP: w, Log: &out, Sleep: func(context.Context, time.Duration) {}}
	if change != nil {
		change(r)
	}
	p, perr := NewPlan(metadata, nil)
	if perr != nil {
		t.Fatal(perr)
	}
	result, err = r.Run(context.Background(), p)
	data, _ := os.ReadFile(dir + "/f")
	return result, string(data), out.String(), err
}

const s3URL = "https://certs.s3.eu-west-1.amazonaws.com/client.pem"

func TestRoleThatMetadataDoesNotKnowCosts50Requests(t *testing.T) {
	page := "<?xml version=\"1.0\" encoding=\"iso-8859-1\"?>\n404"
	result, content, _, err := try(t, world{"169.254.169.254": status(404, page), "certs.s3.eu-west-1.amazonaws.com": text200("x")}, s3URL, nil)
	want := "Failed to retrieve " + s3URL + ": [Errno 404] HTTP Error 404 : " + page
	var fault *BuildError
	if !errors.As(err, &fault) || fault.Text != want || !fault.Foreseen || fault.Config != "config" {
		t.Errorf("error is %q of config %q", err, fault.Config)
	}
	if result.MetadataCalls != 50 || result.OtherCalls != 0 || len(result.Waits) != 49 {
		t.Errorf("%d requests to metadata, %d others, %d waits", result.MetadataCalls, result.OtherCalls, len(result.Waits))
	}
	if result.Longest != 656*time.Second || result.Expected != 328*time.Second {
		t.Errorf("longest %v, expected %v", result.Longest, result.Expected)
	}
	if content != "" {
		t.Errorf("the file holds %q", content)
	}
}

func TestWhichAnswersAreTriedAgain(t *testing.T) {
	for _, c := range []struct {
		name            string
		metadata, s3    http.HandlerFunc
		calls, s3Calls  int
		reason, content string
	}{
		{"fine", text200(roleKeys), text200("KEY"), 1, 1, "", "KEY"},
		{"S3 403 ends at once", text200(roleKeys), status(403, "no"), 1, 1, "HTTP Error 403 : no", ""},
		{"S3 400 ends at once", text200(roleKeys), status(400, "no"), 1, 1, "HTTP Error 400 : no", ""},
		{"S3 404 five times", text200(roleKeys), status(404, "no"), 5, 5, "HTTP Error 404 : no", ""},
		{"S3 500 five times", text200(roleKeys), status(500, "no"), 5, 5, "HTTP Error 500 : no", ""},
		{"301 without Location is a success", text200(roleKeys), status(301, "<Error/>"), 1, 1, "", "<Error/>"},
		{"metadata 401 five times", status(401, ""), text200(""), 5, 0, "[Errno 401] HTTP Error 401 : ", ""},
		{"metadata 500 fifty times", status(500, "x"), text200(""), 50, 0, "[Errno 500] HTTP Error 500 : x", ""},
		{"role that can't be assumed", text200(`{"Code": "AssumeRoleUnauthorizedAccess"}`), text200(""), 5, 0, "[Errno None] 'AccessKeyId'", ""},
		{"a listing", text200("web"), text200(""), 5, 0, "[Errno None] No JSON object could be decoded", ""},
		{"503 until it is over", once(60, 503, text200(roleKeys)), text200("KEY"), 61, 1, "", "KEY"},
		{"S3 503 until it is over", text200(roleKeys), once(8, 503, text200("KEY")), 9, 9, "", "KEY"},
		{"wrong checksum", text200(roleKeys), etag(`"00000000000000000000000000000000"`), 5, 5,
			"[Errno None] Expected digest 00000000000000000000000000000000; received 3b5949e0c26b87767a4752a276de9570", "KEY"},
		{"multipart is not checked", text200(roleKeys), etag(`"0-2"`), 1, 1, "", "KEY"},
	} {
		t.Run(c.name, func(t *testing.T) {
			result, content, log, err := try(t, world{"169.254.169.254": c.metadata, "certs.s3.eu-west-1.amazonaws.com": c.s3}, s3URL, nil)
			want := ""
			if c.reason != "" {
				want = "Failed to retrieve " + s3URL + ": " + c.reason
			}
			if got := errorText(err); got != want {
				t.Errorf("error  %q\nwanted %q", got, want)
			}
			if result.MetadataCalls != c.calls || result.OtherCalls != c.s3Calls {
				t.Errorf("%d requests to metadata and %d to S3, want %d and %d", result.MetadataCalls, result.OtherCalls, c.calls, c.s3Calls)
			}
			if content != c.content {
				t.Errorf("the file holds %q, want %q", content, c.content)
			}
			if strings.Contains(log, "geheim") {
				t.Errorf("a secret is in the log: %s", log)
			}
		})
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// once answers n times with a status, then as then does.
func once(n, code int, then http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if n--; n >= 0 {
			w.WriteHeader(code)
			return
		}
		then(w, r)
	}
}

func etag(value string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("ETag", value)
		fmt.Fprint(w, "KEY")
	}
}

func TestKeysStayWithS3(t *testing.T) {
	var got http.Header
	w := world{
		"169.254.169.254": text200(roleKeys),
		"certs.s3.eu-west-1.amazonaws.com": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://files.example.com/x", http.StatusFound)
		},
		"files.example.com": func(w http.ResponseWriter, r *http.Request) { got = r.Header; fmt.Fprint(w, "KEY") },
	}
	result, content, _, err := try(t, w, s3URL, nil)
	if err != nil || content != "KEY" {
		t.Fatalf("content %q, error %v", content, err)
	}
	for name := range got {
		if name == "Authorization" || strings.HasPrefix(name, "X-Amz-") {
			t.Errorf("%s was sent to another host", name)
		}
	}
	if len(result.Notes) != 1 || !strings.Contains(result.Notes[0], "files.example.com") {
		t.Errorf("notes: %q", result.Notes)
	}
}

func TestTokensInErrorPagesAreHidden(t *testing.T) {
	_, _, log, err := try(t, world{
		"169.254.169.254":                  text200(roleKeys),
		"certs.s3.eu-west-1.amazonaws.com": status(403, "<StringToSign>x-amz-security-token:geheim-token</StringToSign>"),
	}, s3URL, nil)
	if text := errorText(err); strings.Contains(text+log, "geheim") || !strings.Contains(text, "x-amz-security-token:***") {
		t.Errorf("error %q", text)
	}
}

func TestURLsAreShownWithoutTheirSecrets(t *testing.T) {
	for in, want := range map[string]string{
		"http://me:pass@files.example.com/a":                "http://me:***@files.example.com/a",
		"https://b.s3.amazonaws.com/k?X-Amz-Signature=ab&x": "https://b.s3.amazonaws.com/k?X-Amz-Signature=***&x",
		"https://b.s3.amazonaws.com/k?versionId=ab":         "https://b.s3.amazonaws.com/k?versionId=ab",
		"http://files.example.com:80/a:b@c":                 "http://files.example.com:80/a:b@c",
	} {
		if got := hideURL(in); got != want {
			t.Errorf("%s becomes %s", in, got)
		}
	}
}

func TestTokenIsAskedForFirstAndDoneWithoutWhenRefused(t *testing.T) {
	for _, c := range []struct {
		name   string
		refuse bool
		want   string
	}{{"given", false, "PUT  GET T"}, {"refused", true, "PUT  GET "}} {
		t.Run(c.name, func(t *testing.T) {
			var seen []string
			w := world{"certs.s3.eu-west-1.amazonaws.com": text200("KEY"), "169.254.169.254": func(w http.ResponseWriter, r *http.Request) {
				seen = append(seen, r.Method+" "+r.Header.Get("X-Aws-Ec2-Metadata-Token"))
				switch {
				case r.Method == http.MethodPut && c.refuse:
					w.WriteHeader(http.StatusForbidden)
				case r.Method == http.MethodPut:
					fmt.Fprint(w, "T")
				default:
					fmt.Fprint(w, roleKeys)
				}
			}}
			result, content, _, err := try(t, w, s3URL, func(r *Runner) { r.TokensFirst = true })
			if err != nil || content != "KEY" || result.MetadataCalls != 1 {
				t.Fatalf("content %q, %d calls, error %v", content, result.MetadataCalls, err)
			}
			if got := strings.Join(seen, " "); got != c.want {
				t.Errorf("requests: %q, want %q", got, c.want)
			}
		})
	}
}

func TestEndOfTheContextEndsABuild(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	r := &Runner{HTTP: world{}, Sleep: func(context.Context, time.Duration) { cancel() }}
	p, err := NewPlan(parse(t, `AWS::CloudFormation::Init: {config: {files: {`+filepath.Join(t.TempDir(), "f")+`: {source: "http://files.example.com/x"}}}}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.Run(ctx, p)
	var fault *BuildError
	if !errors.Is(err, context.Canceled) || errors.As(err, &fault) {
		t.Errorf("error is %v", err)
	}
}

func TestStackMetadataIsReadWithTheInstancesDocument(t *testing.T) {
	var auth, action string
	answer := `<DescribeStackResourceResponse><DescribeStackResourceResult><StackResourceDetail><Metadata>{"a": {"b": "c"}}</Metadata></StackResourceDetail></DescribeStackResourceResult></DescribeStackResourceResponse>`
	w := world{
		"169.254.169.254": func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, filepath.Base(r.URL.Path)) },
		"cloudformation.eu-west-1.amazonaws.com": func(w http.ResponseWriter, r *http.Request) {
			auth, action = r.Header.Get("Authorization"), r.FormValue("Action")+" "+r.FormValue("StackName")+" "+r.FormValue("LogicalResourceId")
			fmt.Fprint(w, answer)
		},
	}
	r := &Runner{HTTP: w, Sleep: func(context.Context, time.Duration) {}}
	n, err := r.StackMetadata(context.Background(), "shop", "Group", "eu-west-1")
	if err != nil {
		t.Fatal(err)
	}
	if got := n.At("a", "b"); got.TextOr("") != "c" || got.Pos.File != "metadata of shop/Group" {
		t.Errorf("metadata: %+v", got)
	}
	if auth != "CFN_V1 ZG9jdW1lbnQ=:signature" || action != "DescribeStackResource shop Group" {
		t.Errorf("request: %q %q", auth, action)
	}
	answer = `<ErrorResponse><Error><Code>ValidationError</Code><Message>Stack 'shop' does not exist</Message></Error></ErrorResponse>`
	w["cloudformation.eu-west-1.amazonaws.com"] = status(400, answer)
	if _, err := r.StackMetadata(context.Background(), "shop", "Group", "eu-west-1"); errorText(err) != "ValidationError: Stack 'shop' does not exist" {
		t.Errorf("error is %v", err)
	}
}
