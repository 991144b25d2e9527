// Command certs makes what the shop keeps in its bucket: a certificate for
// localhost and its key, and the authority (ca.pem) that curl is told to
// trust. It writes them into the folder that it is given. Given an address as
// well, it looks whether the certificate in use there is the one in the folder.
package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"log"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

func main() {
	log.SetFlags(0)
	var err error
	switch len(os.Args) {
	case 2:
		err = write(os.Args[1])
	case 3:
		err = compare(os.Args[1], os.Args[2])
	default:
		err = errors.New("usage: certs FOLDER [ADDRESS]")
	}
	if err != nil {
		log.Fatal(err)
	}
}

// compare looks at the certificate that address shows.
func compare(dir, address string) error {
	text, err := os.ReadFile(filepath.Join(dir, "server.crt"))
	if err != nil {
		return err
	}
	kept, _ := pem.Decode(text)
	if kept == nil {
		return errors.New("server.crt holds no certificate")
	}
	// Which certificate it is matters here, not who vouches for it.
	conn, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		return err
	}
	defer conn.Close()
	if !bytes.Equal(conn.ConnectionState().PeerCertificates[0].Raw, kept.Bytes) {
		return fmt.Errorf("%s shows another certificate than the one in the bucket", address)
	}
	fmt.Printf("%s shows the certificate that is in the bucket\n", address)
	return nil
}

func write(dir string) error {
	authority := template("Shop authority")
	authority.IsCA = true
	authority.BasicConstraintsValid = true
	authority.KeyUsage = x509.KeyUsageCertSign
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	ca, err := x509.CreateCertificate(rand.Reader, authority, authority, caKey.Public(), caKey)
	if err != nil {
		return err
	}

	server := template("shop")
	server.DNSNames = []string{"localhost", "shop-production.us-east-1.elasticbeanstalk.localhost"}
	server.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	server.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	cert, err := x509.CreateCertificate(rand.Reader, server, authority, key.Public(), caKey)
	if err != nil {
		return err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}

	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for _, f := range []struct {
		name, kind string
		data       []byte
	}{
		{"ca.pem", "CERTIFICATE", ca},
		{"server.crt", "CERTIFICATE", cert},
		{"server.key", "EC PRIVATE KEY", der},
	} {
		text := pem.EncodeToMemory(&pem.Block{Type: f.kind, Bytes: f.data})
		if err := os.WriteFile(filepath.Join(dir, f.name), text, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func template(name string) *x509.Certificate {
	serial, _ := rand.Int(rand.Reader, big.NewInt(1<<62))
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().AddDate(1, 0, 0),
	}
}
