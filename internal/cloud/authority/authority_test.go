package authority

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"net"
	"os"
	"path/filepath"
	"testing"
)

func TestClientsTrustTheNamesThatAWSsCertificatesHave(t *testing.T) {
	a, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(a.PEM()) {
		t.Fatal("the authority's certificate can't be read")
	}
	for name, want := range map[string]bool{
		"s3.eu-west-1.amazonaws.com":                true,
		"bucket.s3.eu-west-1.amazonaws.com":         true,
		"bucket.s3.amazonaws.com":                   true,
		"bucket.s3-eu-west-1.amazonaws.com":         true,
		"my.dotted.b.s3.eu-west-1.amazonaws.com":    false, // [S3:VirtualHosting]
		"cloudformation.eu-central-1.amazonaws.com": true,
		"iam.amazonaws.com":                         true,
	} {
		client, server := net.Pipe()
		go tls.Server(server, a.TLS()).Handshake()
		err := tls.Client(client, &tls.Config{ServerName: name, RootCAs: roots}).Handshake()
		if (err == nil) != want {
			t.Errorf("%s: error %v", name, err)
		}
		client.Close()
		server.Close()
	}
}

func TestAuthorityStaysTheSameAndItsKeysArePrivate(t *testing.T) {
	dir := t.TempDir()
	first, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	first.Close()
	again, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.PEM(), again.PEM()) {
		t.Error("the certificate changed")
	}
	doc := []byte(`{"instanceId":"i-1"}`)
	text, err := first.Sign(doc)
	if err != nil {
		t.Fatal(err)
	}
	sig, err := base64.StdEncoding.DecodeString(string(bytes.ReplaceAll(text, []byte("\n"), nil)))
	if err != nil || !again.Verify(doc, sig) || again.Verify([]byte(`{"instanceId":"i-2"}`), sig) {
		t.Errorf("the signature is not good for its document alone, error %v", err)
	}
	for _, f := range []string{"ca.key", "identity.key"} {
		if info, err := os.Stat(filepath.Join(dir, f)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", f, info, err)
		}
	}
}
