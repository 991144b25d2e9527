package instance

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheInstanceTrustsTheAuthorityInEveryBundleThatAWSsToolsAsk(t *testing.T) {
	lower, upper := t.TempDir(), t.TempDir()
	bundles := []string{
		"/etc/ssl/certs/ca-certificates.crt",
		"/usr/lib/python3/dist-packages/awscli/botocore/cacert.pem",
		"/usr/local/lib/python3.12/site-packages/certifi/cacert.pem",
		"/usr/local/aws-cli/v2/2.15.0/dist/awscli/botocore/cacert.pem",
	}
	for _, b := range bundles {
		if err := os.MkdirAll(filepath.Dir(lower+b), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(lower+b, []byte("those of before\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	// A link leads to what may be outside the root.
	link := "/usr/lib/python3/dist-packages/certifi"
	if err := os.Symlink(t.TempDir(), lower+link); err != nil {
		t.Fatal(err)
	}
	l := newLayer(lower, upper)
	if err := writeTrust(l, []byte("the local authority\n")); err != nil {
		t.Fatal(err)
	}
	for _, b := range bundles {
		data, err := os.ReadFile(upper + b)
		if err != nil || !strings.HasPrefix(string(data), "those of before\n") || !strings.HasSuffix(string(data), "\nthe local authority\n") {
			t.Errorf("%s: %v, %q", b, err, data)
		}
	}
	if _, err := os.Lstat(upper + link); err == nil {
		t.Error("a linked bundle was written")
	}
}
