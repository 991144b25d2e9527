package check

import (
	"beanpole/internal/access"
	"beanpole/internal/finding"
)

var urlNotS3 = &Rule{
	Slug:  "url-not-s3",
	Title: "the agent does not take this URL for S3",
	Why: `The agent knows S3 by its URL: https, lower-case letters, and one of the forms
https://BUCKET.s3.REGION.amazonaws.com/KEY, https://s3.REGION.amazonaws.com/BUCKET/KEY
or the global BUCKET.s3.amazonaws.com. Dual-stack, FIPS, access point and endpoint
names, a port, plain http with a region, and s3:// are not among them: the request
goes out unsigned, or the agent stops with
  'NoneType' object has no attribute 'is_default'`,
	Before: "source: https://certs.s3.dualstack.eu-west-1.amazonaws.com/server.key",
	After:  "source: https://certs.s3.eu-west-1.amazonaws.com/server.key",
	Since:  "0.1.0",

	claims: func(c *access.Chain) bool { return c.Cause().Name == access.Source },
	explain: func(c *access.Chain, f *finding.Finding) {
		f.Message = "the agent does not take this URL for one that it can sign"
		f.Notes = append(f.Notes, finding.Note{Label: "fix", Text: "write https://BUCKET.s3.REGION.amazonaws.com/KEY"})
	},
}
