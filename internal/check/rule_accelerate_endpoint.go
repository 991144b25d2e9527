package check

import (
	"beanpole/internal/access"
	"beanpole/internal/aws"
	"beanpole/internal/finding"
)

var accelerateEndpoint = &Rule{
	Slug:  "accelerate-endpoint",
	Title: "the agent takes s3-accelerate for a region",
	Why: `The agent reads the region out of the host name, and out of
BUCKET.s3-accelerate.amazonaws.com it reads "accelerate". It signs for that region, and
S3 answers 400 AuthorizationHeaderMalformed.`,
	Before: "source: https://certs.s3-accelerate.amazonaws.com/server.key",
	After:  "source: https://certs.s3.eu-west-1.amazonaws.com/server.key",
	Since:  "0.1.0",

	claims: func(c *access.Chain) bool { return hasForm(c, aws.Accelerate) },
	fix:    rewriteURL(false),
	explain: func(c *access.Chain, f *finding.Finding) {
		f.Message = "the agent cannot sign for a transfer acceleration endpoint"
		f.Notes = append(f.Notes, writeURL(c, false))
	},
}
