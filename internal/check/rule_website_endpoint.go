package check

import (
	"beanpole/internal/access"
	"beanpole/internal/aws"
	"beanpole/internal/finding"
)

var websiteEndpoint = &Rule{
	Slug:  "website-endpoint",
	Title: "a website endpoint takes neither TLS nor signatures",
	Why: `The endpoints for static websites, BUCKET.s3-website-REGION.amazonaws.com, serve
public objects by plain HTTP and nothing else. By https nothing answers there, and
a fetch with an authentication ends before it is sent:
  'NoneType' object has no attribute 'is_default'`,
	Before: "source: http://certs.s3-website-eu-west-1.amazonaws.com/server.key",
	After:  "source: https://certs.s3.eu-west-1.amazonaws.com/server.key",
	Since:  "0.1.0",

	claims: func(c *access.Chain) bool { return hasForm(c, aws.Website) },
	fix:    rewriteURL(false),
	explain: func(c *access.Chain, f *finding.Finding) {
		f.Message = "S3's website endpoints take neither TLS nor signatures"
		f.Notes = append(f.Notes, writeURL(c, false))
	},
}
