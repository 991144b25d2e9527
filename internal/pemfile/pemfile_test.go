package pemfile

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"
)

// made is a fresh certificate and its key.
func made(t testing.TB, name string) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	kder, err := x509.MarshalECPrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: kder}))
}

// mangled are texts made of a certificate, with what OpenSSL says of them as
// nginx's certificate; "" when it takes them [nginx 1.22 with OpenSSL 3.0, run].
func mangled(cert string) map[string]struct {
	text string
	flaw Flaw
} {
	lines := strings.Split(strings.TrimSpace(cert), "\n")
	last := len(lines) - 1
	type tc = struct {
		text string
		flaw Flaw
	}
	return map[string]tc{
		"whole":                {cert, ""},
		"empty":                {"", NoStartLine},
		"blanks":               {" \n\n", NoStartLine},
		"other text":           {"hello\n", NoStartLine},
		"one line":             {strings.Join(lines, " "), NoStartLine},
		"all indented":         {"  " + strings.Join(lines, "\n  "), NoStartLine},
		"body indented":        {lines[0] + "\n " + strings.Join(lines[1:last], "\n ") + "\n" + lines[last], ""},
		"but BEGIN indented":   {strings.Join(lines, "\n "), BadEndLine},
		"END indented":         {strings.Join(lines[:last], "\n") + "\n " + lines[last], BadEndLine},
		"no END":               {strings.Join(lines[:last], "\n"), BadEndLine},
		"another END":          {strings.Join(lines[:last], "\n") + "\n-----END PRIVATE KEY-----\n", BadEndLine},
		"CRLF":                 {strings.Join(lines, "\r\n"), ""},
		"byte order mark":      {"\ufeff" + cert, ""},
		"text in front":        {"subject=x\n" + cert, ""},
		"BEGIN with four dash": {strings.Replace(cert, "CERTIFICATE-----", "CERTIFICATE----", 1), NoStartLine},
		"second one cut":       {cert + strings.Join(lines[:last], "\n"), BadEndLine},
		"no break between":     {strings.TrimSpace(cert) + cert, BadEndLine},
	}
}

func TestFlaws(t *testing.T) {
	cert, _ := made(t, "a")
	for name, c := range mangled(cert) {
		if f := Read(c.text); f.Flaw != c.flaw {
			t.Errorf("%s: got %q, want %q", name, f.Flaw, c.flaw)
		}
	}
	if f := Read(cert + strings.Replace(cert, "-----END", "-----BEGIN CERTIFICATE-----\n-----END", 1)); f.Flaw != Unended {
		t.Errorf("BEGIN twice: got %q", f.Flaw)
	}
	for _, text := range []string{strings.Repeat(" ", maxText+1),
		"-----BEGIN CERTIFICATE-----\nthe certificate stands here\n-----END CERTIFICATE-----\n",
		"-----BEGIN PRIVATE KEY-----\nRRRRRRRR\n-----END PRIVATE KEY-----\n"} {
		if f := Read(text); !f.Doubt || f.Flaw != "" {
			t.Errorf("a stand-in, or a long text: got flaw %q, doubt %v", f.Flaw, f.Doubt)
		}
	}
}

func TestKeysFit(t *testing.T) {
	cert, key := made(t, "a")
	other, _ := made(t, "b")
	f := Read(key + cert + other)
	if len(f.Certificates) != 2 || f.Key == nil {
		t.Fatalf("got %+v", f)
	}
	if fits, known := f.Key.Fits(f.Certificates[0]); !fits || !known {
		t.Error("its own certificate does not fit")
	}
	if fits, known := f.Key.Fits(f.Certificates[1]); fits || !known {
		t.Error("another's certificate fits")
	}
	for _, text := range []string{
		"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nMDAw\n-----END RSA PRIVATE KEY-----\n",
		"-----BEGIN ENCRYPTED PRIVATE KEY-----\nMDAw\n-----END ENCRYPTED PRIVATE KEY-----\n"} {
		f := Read(text)
		if f.Key == nil || !f.Key.Encrypted || f.Key.Public != nil {
			t.Errorf("an encrypted key: got %+v", f.Key)
		}
	}
}

func FuzzRead(f *testing.F) {
	cert, key := made(f, "a")
	for _, c := range mangled(cert) {
		f.Add(c.text)
	}
	f.Add(key)
	f.Fuzz(func(t *testing.T, text string) {
		got := Read(text)
		if got.Flaw == "" && !got.Doubt && len(got.Certificates) == 0 && got.Key == nil {
			t.Error("neither content nor a flaw")
		}
	})
}
