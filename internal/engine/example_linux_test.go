package engine

import (
	"crypto/tls"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"beanpole/internal/instance"
)

// TestTheExamplesApplicationIsBuiltAndEndsHTTPS deploys the example with its
// Buildfile, and its certificate as if the fetch had gone well.
func TestTheExamplesApplicationIsBuiltAndEndsHTTPS(t *testing.T) {
	// This machine's own cache: to compile the standard library takes a minute.
	cache, err := exec.Command("/usr/local/go/bin/go", "env", "GOCACHE").Output()
	if err != nil {
		t.Skip("no Go in /usr/local/go, where the platform has it")
	}
	app := "../../examples/https-from-s3/app"
	bundle := map[string]string{}
	err = filepath.WalkDir(app, func(p string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(p)
		rel, _ := filepath.Rel(app, p)
		bundle[filepath.ToSlash(rel)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	i := startInstance(t, &world{bundle: bundle, metadata: `{"AWS::CloudFormation::Init": {
		"configSets": {"Infra-EmbeddedPreBuild": ["prebuild_0_shop"], "Infra-EmbeddedPostBuild": []},
		"prebuild_0_shop": {
			"files": {"/etc/nginx/conf.d/https.conf": {"content": "server { listen 443 ssl; ssl_certificate /etc/pki/tls/certs/server.crt; ssl_certificate_key /etc/pki/tls/certs/server.key; location / { proxy_pass http://127.0.0.1:5000; proxy_set_header X-Forwarded-Proto https; } }"}},
			"commands": {"01_certificate": {"command": "mkdir -p /etc/pki/tls/certs && cd /etc/pki/tls/certs && openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=shop -keyout server.key -out server.crt"}}}}}`}, strings.TrimSpace(string(cache)))
	deploy(t, i, al2023, instance.Success)
	get(t, i, "/")
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	resp, err := client.Get("https://" + i.Address().String() + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); !strings.Contains(string(body), "You came by https.") {
		t.Errorf("got %q", body)
	}
}
