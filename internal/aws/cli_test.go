package aws

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// The AWS CLI is another judge of what a right signature is.
func TestAWSCLIsSignaturesAreVerified(t *testing.T) {
	if testing.Short() {
		t.Skip("the AWS CLI takes a second for each call")
	}
	cli, err := exec.LookPath("aws")
	if err != nil {
		t.Skip("no AWS CLI on this machine")
	}
	key := Credentials{KeyID: "ASIACLI", Secret: "secret/+x", Token: "tok/en+=="}
	lookup := func(id string) (string, string, time.Time, bool) {
		return key.Secret, key.Token, time.Time{}, id == key.KeyID
	}
	var mu sync.Mutex
	var seen []string
	h := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, e := Verify(r, lookup, nil, time.Now())
		body, err := io.ReadAll(s.Body(r.Body))
		mu.Lock()
		defer mu.Unlock()
		if e != nil || err != nil || s.Version == "" {
			t.Errorf("%s %s: %+v %v %v", r.Method, r.URL, s, e, err)
		}
		seen = append(seen, s.Service+" "+r.Method+" "+r.URL.EscapedPath()+" "+s.Version+" "+s.Region+" "+s.PayloadHash+" "+string(body))
		if r.Method != "PUT" {
			io.WriteString(w, "<R></R>")
		}
	}))
	defer h.Close()
	file := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(file, []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) string {
		c := exec.Command(cli, append([]string{"--no-verify-ssl", "--endpoint-url", h.URL}, args...)...)
		c.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID="+key.KeyID, "AWS_SECRET_ACCESS_KEY="+key.Secret, "AWS_SESSION_TOKEN="+key.Token,
			"AWS_DEFAULT_REGION=eu-west-1", "AWS_REGION=eu-west-1", "AWS_EC2_METADATA_DISABLED=true", "AWS_MAX_ATTEMPTS=1", "AWS_CONFIG_FILE="+file+".none")
		out, _ := c.Output()
		return string(out)
	}
	run("s3api", "put-object", "--bucket", "b", "--key", "a b//ü+~*.txt", "--body", file)
	run("iam", "list-roles", "--path-prefix", "/a b+/")
	// In old regions the CLI still presigns with Version 2.
	for _, region := range []string{"eu-west-1", "eu-central-1"} {
		link := strings.TrimSpace(run("s3", "presign", "s3://b/a b+c", "--region", region))
		if resp, err := h.Client().Get(link); err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("presigned %q: %v", link, err)
		}
	}
	for i, want := range []string{
		"s3 PUT /b/a%20b//%C3%BC%2B~%2A.txt v4 eu-west-1 STREAMING-UNSIGNED-PAYLOAD-TRAILER content",
		"iam POST / v4 eu-west-1 " + PayloadHash([]byte("Action=ListRoles&Version=2010-05-08&PathPrefix=%2Fa+b%2B%2F")) + " Action=ListRoles&Version=2010-05-08&PathPrefix=%2Fa+b%2B%2F",
		"s3 GET /b/a%20b%2Bc v2   ",
		"s3 GET /b/a%20b%2Bc v4 eu-central-1 UNSIGNED-PAYLOAD ",
	} {
		if i >= len(seen) || seen[i] != want {
			t.Errorf("request %d: seen %q, want %q", i, seen, want)
		}
	}
}
