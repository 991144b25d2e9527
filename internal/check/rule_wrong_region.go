package check

import (
	"beanpole/internal/access"
	"beanpole/internal/finding"
)

var wrongRegion = &Rule{
	Slug:  "wrong-region",
	Title: "the bucket is in another region than the URL says",
	Why: `Asked for a bucket of another region, or in path style at the global endpoint, S3
answers 301 PermanentRedirect and names no Location. The agent takes every 3xx for
success: it writes the page into the file, sets mode and owner, and reports nothing.
The deployment is Ok; what reads the file fails later, on
  <Error><Code>PermanentRedirect</Code><Message>The bucket you are attempting to access must be addressed using the specified endpoint.
An archive under "sources" fails at once, as that page is none.`,
	Before: "source: https://certs.s3.us-east-1.amazonaws.com/server.key   # the bucket is in eu-west-1",
	After:  "source: https://certs.s3.eu-west-1.amazonaws.com/server.key",
	Since:  "0.1.0",

	claims: func(c *access.Chain) bool {
		n := c.Cause().Name
		return (n == access.Bucket || n == access.Authentication) &&
			(c.Answer.Code == "PermanentRedirect" || c.Answer.Code == "AuthorizationHeaderMalformed")
	},
	fix: rewriteURL(false),
	explain: func(c *access.Chain, f *finding.Finding) {
		f.Message = "the deployment will succeed, with S3's error page as the file"
		switch {
		case c.Answer.Status/100 != 3:
			f.Message = "the bucket does not answer at this address"
		case c.Fetch.Section == "sources":
			f.Message = "the agent takes S3's error page for the archive"
		default:
			f.Notes = append(f.Notes, finding.Note{Label: "on AWS", Text: "no error at all; the file begins with <Error><Code>PermanentRedirect</Code>"})
		}
		f.Notes = append(f.Notes, writeURL(c, false))
	},
}
