package check

import (
	"beanpole/internal/access"
	"beanpole/internal/finding"
)

var globalEndpoint = &Rule{
	Slug:  "global-endpoint",
	Title: "the bucket's region must stand in the URL",
	Why: `To a URL without a region (BUCKET.s3.amazonaws.com) the agent signs with Signature
Version 2. Regions that opened after January 2014 do not take it:
  400 InvalidRequest: The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.
Those that opened after March 2019 are not behind that name at all:
  400 IllegalLocationConstraintException
With the region in the URL the agent signs with Version 4.`,
	Before: "source: https://certs.s3.amazonaws.com/server.key   # the bucket is in eu-central-1",
	After:  "source: https://certs.s3.eu-central-1.amazonaws.com/server.key",
	Since:  "0.1.0",

	claims: func(c *access.Chain) bool {
		n := c.Cause().Name
		if n != access.Bucket && n != access.Authentication {
			return false
		}
		return c.Answer.Code == "InvalidRequest" || c.Answer.Code == "IllegalLocationConstraintException"
	},
	fix: rewriteURL(false),
	explain: func(c *access.Chain, f *finding.Finding) {
		f.Message = "the bucket's region takes no Signature Version 2, which the agent uses where the URL names no region"
		if c.Answer.Code == "IllegalLocationConstraintException" {
			f.Message = "the bucket's region is not behind the global endpoint"
		}
		f.Notes = append(f.Notes, writeURL(c, false))
	},
}
