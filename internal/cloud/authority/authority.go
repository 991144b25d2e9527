// Package authority holds the two keys that make the local cloud believable
// to unmodified clients on an instance: the certificate authority that stands
// behind every *.amazonaws.com name, and the key that signs instance identity
// documents.
//
// Its promise: the names in a certificate are those of AWS's own, whose
// wildcards cover one label; so a bucket with dots in its name fails over TLS
// here as it does there. Its limit: the authority is good for the instances
// of one directory, and for nobody else.
package authority

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Authority is an open certificate authority and signer.
type Authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	identity    func() (*rsa.PrivateKey, error) // waits until it is made
	pem         []byte

	mu     sync.Mutex
	minted map[string]*tls.Certificate
}

// Open reads the authority in dir, and makes it at its first use. The keys
// are files that only their owner may read.
func Open(dir string) (*Authority, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make %q: %w", dir, err)
	}
	a := &Authority{minted: map[string]*tls.Certificate{}}
	key, err := readOrMake(filepath.Join(dir, "ca.key"), func() (any, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) })
	if err != nil {
		return nil, err
	}
	var ok bool
	if a.key, ok = key.(*ecdsa.PrivateKey); !ok {
		return nil, wrongKind(dir)
	}
	a.identity = sync.OnceValues(func() (*rsa.PrivateKey, error) { return openIdentity(dir) })
	// No instance asks for it yet: it is made meanwhile.
	go a.identity()
	return a, a.openCertificate(filepath.Join(dir, "ca.pem"))
}

// Close waits for what is still being made; the directory is left alone after.
func (a *Authority) Close() { a.identity() }

// identityBits is the size of AWS's own key: the signature that instance
// metadata serves has 128 bytes [EC2:verify-signature]. It vouches for the
// instances of one directory to one process.
const identityBits = 1024

// openIdentity reads the key that signs identity documents, or makes it.
func openIdentity(dir string) (*rsa.PrivateKey, error) {
	key, err := readOrMake(filepath.Join(dir, "identity.key"), func() (any, error) { return rsa.GenerateKey(rand.Reader, identityBits) })
	if err != nil {
		return nil, err
	}
	identity, ok := key.(*rsa.PrivateKey)
	if !ok {
		return nil, wrongKind(dir)
	}
	return identity, nil
}

func wrongKind(dir string) error {
	return fmt.Errorf("read the keys in %q: not the kind that was written", dir)
}

// readOrMake reads a private key, or makes and writes it.
func readOrMake(path string, fresh func() (any, error)) (any, error) {
	data, err := os.ReadFile(path)
	if err == nil {
		block, _ := pem.Decode(data)
		if block == nil {
			return nil, fmt.Errorf("read key %q: not PEM", path)
		}
		key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("read key %q: %w", path, err)
		}
		return key, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read key: %w", err)
	}
	key, err := fresh()
	if err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	return key, write(path, "PRIVATE KEY", der, 0o600)
}

// write writes a PEM file whole or not at all.
func write(path, kind string, der []byte, mode fs.FileMode) error {
	tmp := path + ".tmp"
	if err := os.WriteFile(tmp, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), mode); err != nil {
		return fmt.Errorf("write %q: %w", path, err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return fmt.Errorf("write %q: %w", path, err)
	}
	return nil
}

// openCertificate reads the authority's own certificate. One that doesn't
// belong to the key, or is about to end, is made anew.
func (a *Authority) openCertificate(path string) error {
	if data, err := os.ReadFile(path); err == nil {
		if block, _ := pem.Decode(data); block != nil {
			c, err := x509.ParseCertificate(block.Bytes)
			if err == nil && a.key.PublicKey.Equal(c.PublicKey) && time.Until(c.NotAfter) > 30*24*time.Hour {
				a.certificate, a.pem = c, data
				return nil
			}
		}
	}
	template := &x509.Certificate{SerialNumber: serial(), Subject: pkix.Name{CommonName: "beanpole local AWS", Organization: []string{"beanpole"}},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(10, 0, 0), IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	if err != nil {
		return fmt.Errorf("make the authority's certificate: %w", err)
	}
	if a.certificate, err = x509.ParseCertificate(der); err != nil {
		return fmt.Errorf("make the authority's certificate: %w", err)
	}
	a.pem = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return write(path, "CERTIFICATE", der, 0o644)
}

func serial() *big.Int {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		panic("unreachable: " + err.Error()) // the system's source of randomness does not fail
	}
	return n
}

// PEM is the authority's certificate, for a client's list of trusted ones.
func (a *Authority) PEM() []byte { return append([]byte(nil), a.pem...) }

// TLS is a server's configuration that has a certificate for whatever name a
// client asks for.
func (a *Authority) TLS() *tls.Config {
	// Small records at first serve slow ways; here they are a hundred more of them.
	return &tls.Config{MinVersion: tls.VersionTLS12, DynamicRecordSizingDisabled: true, GetCertificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
		name := strings.ToLower(strings.TrimSuffix(h.ServerName, "."))
		if name == "" && h.Conn != nil { // a client that uses an address sends no name
			if host, _, err := net.SplitHostPort(h.Conn.LocalAddr().String()); err == nil {
				name = host
			}
		}
		return a.mint(names(name))
	}}
}

// names are the names in the certificate that AWS would show for a name. A
// service's certificate covers one label below the endpoint.
func names(name string) []string {
	base, ok := strings.CutSuffix(name, ".amazonaws.com")
	if !ok {
		return []string{name}
	}
	labels := strings.Split(base, ".")
	for i := len(labels) - 1; i >= 0; i-- {
		if labels[i] == "s3" || strings.HasPrefix(labels[i], "s3-") {
			endpoint := strings.Join(labels[i:], ".") + ".amazonaws.com"
			return []string{endpoint, "*." + endpoint}
		}
	}
	return []string{name}
}

// mint makes a leaf certificate, or takes the one that it made before.
func (a *Authority) mint(names []string) (*tls.Certificate, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c := a.minted[names[0]]; c != nil && time.Until(c.Leaf.NotAfter) > time.Hour {
		return c, nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("mint certificate: %w", err)
	}
	template := &x509.Certificate{SerialNumber: serial(), Subject: pkix.Name{CommonName: names[0]}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().AddDate(0, 3, 0), KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	if ip := net.ParseIP(names[0]); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = names
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &key.PublicKey, a.key)
	if err != nil {
		return nil, fmt.Errorf("mint certificate: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("mint certificate: %w", err)
	}
	c := &tls.Certificate{Certificate: [][]byte{der, a.certificate.Raw}, PrivateKey: key, Leaf: leaf}
	if len(a.minted) > 1000 { // names come from clients
		clear(a.minted)
	}
	a.minted[names[0]] = c
	return c, nil
}

// Sign is the signature of an instance identity document as instance metadata
// serves it: base64 in lines of 76 characters
// [EC2:instance-identity-documents].
func (a *Authority) Sign(document []byte) ([]byte, error) {
	key, err := a.identity()
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(document)
	sig, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		return nil, fmt.Errorf("sign the identity document: %w", err)
	}
	text := base64.StdEncoding.EncodeToString(sig)
	var lines []string
	for len(text) > 76 {
		lines, text = append(lines, text[:76]), text[76:]
	}
	return []byte(strings.Join(append(lines, text), "\n")), nil
}

// Verify reports whether signature, decoded from base64, is Sign's of the
// document.
func (a *Authority) Verify(document, signature []byte) bool {
	key, err := a.identity()
	if err != nil {
		return false
	}
	sum := sha256.Sum256(document)
	return rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, sum[:], signature) == nil
}
