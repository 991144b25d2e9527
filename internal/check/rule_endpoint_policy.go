package check

import (
	"beanpole/internal/access"
	"beanpole/internal/finding"
)

var endpointPolicy = &Rule{
	Slug:  "endpoint-policy",
	Title: "the VPC endpoint lets no request to the bucket through",
	Why: `What goes through a VPC endpoint must be allowed by the endpoint's own policy, besides
all others. Without one, all is allowed; one that lists only some buckets leaves the
rest out, Elastic Beanstalk's own among them. S3 answers 403 AccessDenied from inside
the VPC alone.`,
	Before: `Resource: "arn:aws:s3:::elasticbeanstalk-*/*"`,
	After:  `Resource: ["arn:aws:s3:::elasticbeanstalk-*/*", "arn:aws:s3:::certs/*"]`,
	Since:  "0.1.0",

	claims: func(c *access.Chain) bool { return c.Cause().Name == access.Network },
	group:  func(c *access.Chain) string { return c.Fetch.Address.Bucket },
	explain: func(c *access.Chain, f *finding.Finding) {
		f.Message = "the VPC endpoint's policy leaves the bucket out"
		f.Notes = append(f.Notes, finding.Note{Label: "fix", Text: "allow s3:GetObject on the bucket's objects in the PolicyDocument of the endpoint"})
	},
}
