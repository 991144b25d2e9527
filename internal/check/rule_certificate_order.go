package check

import (
	"bytes"
	"fmt"

	"beanpole/internal/finding"
	"beanpole/internal/pemfile"
)

var certificateOrder = &Rule{
	Slug:  "certificate-order",
	Title: "the server's certificate does not stand first",
	Why: `In a file with several certificates nginx and Apache take the first for the
server's own, and send the others as its chain. With an intermediate
certificate in front the private key does not fit, and nginx does not start:
  nginx: [emerg] SSL_CTX_use_PrivateKey("…") failed (SSL: … key values mismatch)`,
	Before: `-----BEGIN CERTIFICATE-----
(the intermediate certificate)
-----END CERTIFICATE-----
-----BEGIN CERTIFICATE-----
(the server's certificate)
-----END CERTIFICATE-----`,
	After: `-----BEGIN CERTIFICATE-----
(the server's certificate)
-----END CERTIFICATE-----
-----BEGIN CERTIFICATE-----
(the intermediate certificate)
-----END CERTIFICATE-----`,
	Since: "0.1.0",
	find: func(r *run) (out []*finding.Finding) {
		r.eachPEM(func(p *tlsPair, f *tlsFile, isKey bool) {
			if isKey {
				return
			}
			own := ownCertificate(f.pem(), p.key.pem())
			if own < 1 {
				return
			}
			certs := f.pem().Certificates
			words, severity, certain := p.startFails()
			at, end := f.place()
			out = append(out, &finding.Finding{
				Rule: "certificate-order", Severity: severity, Certain: certain, Pos: at, End: end,
				Message: fmt.Sprintf("%s: the first certificate of %q is not the server's own", words, f.path),
				Notes: []finding.Note{
					{Label: "first", Text: subject(certs[0])},
					{Label: "own", Text: fmt.Sprintf("number %d of %d, %s", own+1, len(certs), subject(certs[own])), At: f.places(at)},
					{Label: "on AWS", Text: mismatchText(p)},
					{Label: "fix", Text: "put the server's own certificate first, behind it the one that signed it, and so on"},
				},
			})
		})
		return out
	},
}

// ownCertificate is the number of the certificate that is the server's own: the
// key's, or the one that the first one of the file has signed; 0 when that is
// the first one, or nobody can tell.
func ownCertificate(f, key *pemfile.File) int {
	for i, c := range f.Certificates {
		if key != nil && key.Key != nil {
			if fits, known := key.Key.Fits(c); fits && known {
				return i
			}
		}
	}
	if len(f.Certificates) < 2 || key != nil && key.Key != nil && key.Key.Public != nil || !f.Certificates[0].IsCA {
		return 0
	}
	for i, c := range f.Certificates[1:] {
		if !c.IsCA && c.Version == 3 && bytes.Equal(c.RawIssuer, f.Certificates[0].RawSubject) {
			return i + 1
		}
	}
	return 0
}
