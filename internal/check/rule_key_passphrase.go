package check

import (
	"fmt"

	"beanpole/internal/finding"
)

var keyPassphrase = &Rule{
	Slug:  "key-passphrase",
	Title: "a private key needs a pass phrase",
	Why: `A proxy that starts with an encrypted key asks for its pass phrase
("Enter PEM pass phrase:"), and on an instance nobody answers. nginx ends with
  nginx: [emerg] cannot load certificate key "…": PEM_read_bio_PrivateKey() failed (SSL: … problems getting password …)
On Amazon Linux 2 and 2023 the deployment already fails at the test of the
staged files. nginx takes the pass phrase from a file that ssl_password_file
names.`,
	Before: `-----BEGIN ENCRYPTED PRIVATE KEY-----`,
	After: `# openssl pkey -in encrypted.key -out server.key
-----BEGIN PRIVATE KEY-----`,
	Since: "0.1.0",
	find: func(r *run) (out []*finding.Finding) {
		r.eachPEM(func(p *tlsPair, f *tlsFile, isKey bool) {
			key := f.pem().Key
			if !isKey || key == nil || !key.Encrypted || p.passphrase {
				return
			}
			words, severity, certain := p.startFails()
			at, end := f.place()
			found := &finding.Finding{
				Rule: "key-passphrase", Severity: severity, Certain: certain, Pos: at, End: end,
				Message: fmt.Sprintf("%s: the private key %q needs a pass phrase", words, f.path),
				Notes:   []finding.Note{{Label: "cause", Text: "the key is encrypted, and nobody is there to type its pass phrase", At: f.places(at)}},
			}
			if p.server == "nginx" {
				found.Notes = append(found.Notes, finding.Note{Label: "on AWS", Text: fmt.Sprintf(
					`Enter PEM pass phrase: … nginx: [emerg] cannot load certificate key "%s": PEM_read_bio_PrivateKey() failed (SSL: … problems getting password …)`, f.path)})
			}
			found.Notes = append(found.Notes, finding.Note{Label: "fix", Text: "take the pass phrase off (openssl pkey -in encrypted.key -out server.key) and keep the key in a private S3 bucket"})
			out = append(out, found)
		})
		return out
	},
}
