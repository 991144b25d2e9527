package check

import (
	"fmt"
	"time"

	"beanpole/internal/fact"
	"beanpole/internal/finding"
)

var certificateExpired = &Rule{
	Slug:  "certificate-expired",
	Title: "a certificate has expired, or is not valid yet",
	Why: `The proxy starts with it all the same, and the deployment succeeds; whoever
connects refuses it: curl says "SSL certificate problem: certificate has
expired", browsers NET::ERR_CERT_DATE_INVALID. A load balancer that connects to
the instance over HTTPS does not look at the date.`,
	Before: `/etc/pki/tls/certs/server.crt:
  content: |
    (a certificate that was valid until last year)`,
	After: `/etc/pki/tls/certs/server.crt:
  content: |
    (the renewed certificate, beside the key that belongs to it)`,
	Since: "0.1.0",
	find: func(r *run) (out []*finding.Finding) {
		now := r.in.Now
		if now.IsZero() {
			now = time.Now()
		}
		r.eachPEM(func(p *tlsPair, f *tlsFile, isKey bool) {
			certs := f.pem().Certificates
			if isKey || len(certs) == 0 {
				return
			}
			c, own := certs[0], ownCertificate(f.pem(), p.key.pem())
			if own > 0 {
				c = certs[own]
			}
			what, until := "has expired", "expired on "+c.NotAfter.UTC().Format("2006-01-02")
			curl := "certificate has expired"
			if now.Before(c.NotBefore) {
				what, until = "is not valid yet", "valid from "+c.NotBefore.UTC().Format("2006-01-02")
				curl = "certificate is not yet valid"
			} else if !now.After(c.NotAfter) {
				return
			}
			out = append(out, r.expired(f, what, until, curl))
		})
		return out
	},
}

func (r *run) expired(f *tlsFile, what, until, curl string) *finding.Finding {
	at, end := f.place()
	out := &finding.Finding{
		Rule: "certificate-expired", Severity: finding.Warning, Pos: at, End: end,
		Message: fmt.Sprintf("clients may refuse to connect: the certificate %q %s", f.path, what),
		Notes: []finding.Note{
			{Label: "dates", Text: until, At: f.places(at)},
			{Label: "on AWS", Text: fmt.Sprintf(`the deployment succeeds; a client says "SSL certificate problem: %s"`, curl)},
			{Label: "fix", Text: "renew it; or end HTTPS at the load balancer with a certificate of AWS Certificate Manager, which renews itself"},
		},
	}
	if r.balanced() == fact.Broken {
		out.Severity, out.Certain = finding.Error, true
		out.Message = fmt.Sprintf("clients will refuse to connect: the certificate %q %s", f.path, what)
	} else {
		out.Notes = append(out.Notes, finding.Note{Label: "not known", Text: "whether clients or a load balancer connect to it: the latter does not look at the date"})
	}
	return out
}
