package check

import (
	"fmt"

	"beanpole/internal/finding"
)

var pemWrongKind = &Rule{
	Slug:  "pem-wrong-kind",
	Title: "private key and certificate stand in each other's place",
	Why: `ssl_certificate (SSLCertificateFile) wants a file with a certificate in it,
ssl_certificate_key (SSLCertificateKeyFile) one with a private key. Where the
two are swapped nginx ends with
  nginx: [emerg] cannot load certificate "…": PEM_read_bio_X509_AUX() failed (SSL: … no start line …)
A key that is taken for a certificate is also a key that everybody may read.`,
	Before: `ssl_certificate     /etc/pki/tls/certs/server.key;
ssl_certificate_key /etc/pki/tls/certs/server.crt;`,
	After: `ssl_certificate     /etc/pki/tls/certs/server.crt;
ssl_certificate_key /etc/pki/tls/certs/server.key;`,
	Since: "0.1.0",
	find: func(r *run) (out []*finding.Finding) {
		r.eachPEM(func(p *tlsPair, f *tlsFile, isKey bool) {
			pem := f.pem()
			if pem.Doubt || pem.Flaw != "" || isKey && (pem.Key != nil || len(pem.Certificates) == 0) ||
				!isKey && (len(pem.Certificates) > 0 || pem.Key == nil) {
				return
			}
			words, severity, certain := p.startFails()
			at, end := f.place()
			holds, wanted, fails := "a private key", "certificate", "certificate %q: PEM_read_bio_X509_AUX() failed (SSL: … no start line …)"
			if isKey {
				holds, wanted, fails = "a certificate", "private key", "certificate key %q: PEM_read_bio_PrivateKey() failed (SSL: …)"
			}
			found := &finding.Finding{
				Rule: "pem-wrong-kind", Severity: severity, Certain: certain, Pos: at, End: end,
				Message: fmt.Sprintf("%s: %q holds %s and no %s", words, f.path, holds, wanted),
				Notes:   []finding.Note{{Label: "cause", Text: fmt.Sprintf("it is used as the %s", wanted), At: f.places(at)}},
			}
			if p.server == "nginx" {
				found.Notes = append(found.Notes, finding.Note{Label: "on AWS", Text: "nginx: [emerg] cannot load " + fmt.Sprintf(fails, f.path)})
			}
			found.Notes = append(found.Notes, finding.Note{Label: "fix", Text: fmt.Sprintf("put the %s there, or swap the two paths", wanted)})
			out = append(out, found)
		})
		return out
	},
}
