package check

import (
	"beanpole/internal/access"
	"beanpole/internal/finding"
)

var objectMissing = &Rule{
	Slug:  "object-missing",
	Title: "there is no such object or bucket",
	Why: `S3 answers 404 NoSuchKey to a caller who may list the bucket (s3:ListBucket on the
bucket itself), and 403 AccessDenied to one who may not: a key with a slip in it
looks like a missing permission. A bucket that does not exist is 404 NoSuchBucket.`,
	Before: "source: https://certs.s3.eu-west-1.amazonaws.com/sever.key",
	After:  "source: https://certs.s3.eu-west-1.amazonaws.com/server.key",
	Since:  "0.1.0",

	claims: func(c *access.Chain) bool {
		return c.Cause().Name == access.Object || c.Answer.Code == "NoSuchBucket"
	},
	explain: func(c *access.Chain, f *finding.Finding) {
		f.Message = "there is no such object"
		fix := "upload the object, or correct the key in the URL"
		if c.Answer.Code == "NoSuchBucket" {
			f.Message = "there is no such bucket"
			fix = "create the bucket, or correct its name in the URL"
		}
		f.Notes = append(f.Notes, finding.Note{Label: "fix", Text: fix})
	},
}
