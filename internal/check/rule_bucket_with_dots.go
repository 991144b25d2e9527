package check

import (
	"beanpole/internal/access"
	"beanpole/internal/aws"
	"beanpole/internal/finding"
)

var bucketWithDots = &Rule{
	Slug:  "bucket-with-dots",
	Title: "S3's certificate does not cover a bucket with dots",
	Why: `S3's certificates are for *.s3.REGION.amazonaws.com, and the star stands for one
label. A bucket whose name has dots, written in front of S3's own name, is not covered:
TLS fails on the instance, the agent tries again and gives up with an error about the
host name and the certificate. In path style the bucket is no part of the name.`,
	Before: "source: https://certs.example.com.s3.eu-west-1.amazonaws.com/server.key",
	After:  "source: https://s3.eu-west-1.amazonaws.com/certs.example.com/server.key",
	Since:  "0.1.0",

	claims: func(c *access.Chain) bool { return hasForm(c, aws.DottedHost) },
	fix:    rewriteURL(true),
	explain: func(c *access.Chain, f *finding.Finding) {
		f.Message = "S3's certificate does not match this host name"
		f.Notes = append(f.Notes, writeURL(c, true))
	},
}
