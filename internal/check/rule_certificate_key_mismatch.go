package check

import (
	"crypto/x509"
	"fmt"

	"beanpole/internal/finding"
	"beanpole/internal/pemfile"
)

var certificateKeyMismatch = &Rule{
	Slug:  "certificate-key-mismatch",
	Title: "certificate and private key do not belong together",
	Why: `A certificate holds a public key, and only the private key that was made with it
fits. After a renewal with a new key the old one lies beside the new
certificate. nginx compares them when it starts, and ends with
  nginx: [emerg] SSL_CTX_use_PrivateKey("…") failed (SSL: … key values mismatch)
Apache says AH02565: Certificate and private key … do not match.`,
	Before: `ssl_certificate     /etc/pki/tls/certs/2026.crt;
ssl_certificate_key /etc/pki/tls/certs/2025.key;`,
	After: `ssl_certificate     /etc/pki/tls/certs/2026.crt;
ssl_certificate_key /etc/pki/tls/certs/2026.key;`,
	Since: "0.1.0",
	find: func(r *run) (out []*finding.Finding) {
		r.eachPair(func(p *tlsPair, cert *pemfile.File, key *pemfile.Key) {
			for _, c := range cert.Certificates {
				if fits, known := key.Fits(c); fits || !known {
					return // a wrong order is certificate-order's
				}
			}
			if cert.Doubt {
				return
			}
			words, severity, certain := p.startFails()
			at, end := p.key.place()
			out = append(out, &finding.Finding{
				Rule: "certificate-key-mismatch", Severity: severity, Certain: certain, Pos: at, End: end,
				Message: fmt.Sprintf("%s: this key does not belong to the certificate %q", words, p.cert.path),
				Notes: []finding.Note{
					{Label: "certificate", Text: subject(cert.Certificates[0]), At: p.cert.places(at)},
					{Label: "on AWS", Text: mismatchText(p)},
					{Label: "fix", Text: "put the key there with which this certificate was requested, or request a certificate for this key"},
				},
			})
		})
		return out
	},
}

// subject is whom a certificate is for, and until when.
func subject(c *x509.Certificate) string {
	name := c.Subject.CommonName
	if len(c.DNSNames) > 0 {
		name = c.DNSNames[0]
	}
	if name == "" {
		name = c.Subject.String()
	}
	return fmt.Sprintf("for %q, until %s", name, c.NotAfter.UTC().Format("2006-01-02"))
}
