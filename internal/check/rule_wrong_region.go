package check

import (
	"fmt"

	"beanpole/internal/access"
	"beanpole/internal/fact"
	"beanpole/internal/finding"
)

var wrongRegion = &Rule{
	Slug:  "wrong-region",
	Title: "the bucket is in another region than the URL says",
	Why: `A bucket answers in its own region only. Asked elsewhere, S3 answers 301
PermanentRedirect without a Location, or 400 AuthorizationHeaderMalformed; the
global name works for the regions that had it, with Signature Version 2 only where
that is still accepted. The agent takes the 301 for success: the error page becomes
the file, and the deployment goes on with it.`,
	Before: "source: https://certs.s3.us-east-1.amazonaws.com/server.key   # the bucket is in eu-west-1",
	After:  "source: https://certs.s3.eu-west-1.amazonaws.com/server.key",
	Since:  "0.1.0",

	claims: func(c *access.Chain) bool {
		if n := c.Cause().Name; n != access.Bucket && n != access.Authentication {
			return false
		}
		switch c.Answer.Code {
		case "PermanentRedirect", "TemporaryRedirect", "AuthorizationHeaderMalformed", "InvalidRequest", "IllegalLocationConstraintException":
			return true
		}
		return false
	},
	explain: func(c *access.Chain, f *finding.Finding) {
		f.Message = "the bucket does not answer at this address"
		if c.Answer.Status/100 == 3 {
			f.Message += ", and the agent will store that page as the file"
		}
		b, found := c.World.Account.Bucket(c.Fetch.Address.Bucket)
		region := "REGION"
		if found == fact.Holds && fact.Known(b.Region) && b.Region != "" {
			region = b.Region
		}
		fix := fmt.Sprintf("write https://%s.s3.%s.amazonaws.com/%s", fact.Show(c.Fetch.Address.Bucket), region, fact.Show(c.Fetch.Address.Key))
		f.Notes = append(f.Notes, finding.Note{Label: "fix", Text: fix})
	},
}
