package check

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// nginxSays is the first thing that the machine's nginx refuses in a server
// block with the text.
func nginxSays(t *testing.T, text string) string {
	t.Helper()
	program, err := exec.LookPath("nginx")
	if err != nil {
		program = "/usr/sbin/nginx"
	}
	if _, err := os.Stat(program); err != nil {
		t.Skip("no nginx on this machine")
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "nginx.conf")
	text = "events {}\nhttp { server { listen 127.0.0.1:8099 ssl; " + text + " } }\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, _ := exec.Command(program, "-t", "-c", file, "-p", dir, "-e", "stderr", "-g", "pid "+dir+"/pid;").CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "[emerg]") {
			return strings.TrimSpace(line)
		}
	}
	return ""
}

// saysLike: the parts of want between its "…" stand in got, in their order.
func saysLike(got, want string) bool {
	for _, part := range strings.Split(want, "…") {
		_, rest, ok := strings.Cut(got, strings.TrimSpace(part))
		if !ok {
			return false
		}
		got = rest
	}
	return true
}

// TestNginxSaysWhatWeSay holds what findings quote against the real nginx.
func TestNginxSaysWhatWeSay(t *testing.T) {
	pair := func() string { // that nginx can read
		dir := t.TempDir()
		crt, key := filepath.Join(dir, "a.crt"), filepath.Join(dir, "a.key")
		cmd := exec.Command("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", crt, "-subj", "/CN=a", "-days", "2")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Skipf("no openssl that makes a certificate: %v\n%s", err, out)
		}
		return "ssl_certificate " + crt + "; ssl_certificate_key " + key + "; "
	}()
	const missing = "/no/such/file.pem"
	for directive, says := range opened {
		text := pair + directive + " " + missing + ";"
		switch directive {
		case "ssl_certificate":
			text = "ssl_certificate " + missing + "; ssl_certificate_key " + missing + ";"
		case "ssl_certificate_key":
			crt, _, _ := strings.Cut(pair, " ssl_certificate_key")
			text = crt + " ssl_certificate_key " + missing + ";"
		}
		if directive == "ssl_client_certificate" {
			if got := nginxSays(t, text); got != "" {
				t.Errorf("%s alone: nginx says %q", directive, got)
			}
			text += " ssl_verify_client on;"
		}
		if got, want := nginxSays(t, text), fmt.Sprintf(says, missing); !saysLike(got, want) {
			t.Errorf("%s: nginx says %q, we say %q", directive, got, want)
		}
	}
	got := nginxSays(t, pair+"location / { proxy_pass http://nodejs; }")
	if !saysLike(got, `host not found in upstream "nodejs" in …nginx.conf:2`) {
		t.Errorf("an upstream that is not there: nginx says %q", got)
	}
	if got := nginxSays(t, pair); got != "" {
		t.Errorf("nginx refuses what works: %q", got)
	}
}
