package check

import (
	"fmt"

	"beanpole/internal/access"
	"beanpole/internal/fact"
	"beanpole/internal/finding"
)

var unsignedFetch = &Rule{
	Slug:  "unsigned-fetch",
	Title: "nobody signs the fetch from a private bucket",
	Why: `The agent signs a fetch only when the file names an authentication or a block
lists the bucket under "buckets". Otherwise S3 sees an anonymous request and
answers 403 AccessDenied, whatever the instance's role may do.`,
	Before: "source: https://certs.s3.eu-west-1.amazonaws.com/server.key",
	After: `authentication: S3Auth
source: https://certs.s3.eu-west-1.amazonaws.com/server.key`,
	Since: "0.1.0",

	claims: func(c *access.Chain) bool {
		switch c.Cause().Name {
		case access.Authentication, access.Identity, access.Bucket:
			return c.Fetch.Signer.Kind == access.Nobody
		}
		return false
	},
	group: func(c *access.Chain) string { return c.Fetch.Address.Bucket },
	explain: func(c *access.Chain, f *finding.Finding) {
		f.Message = "this fetch is not signed"
		fix := fmt.Sprintf("add   authentication: NAME   to the file, or %q to the buckets of an authentication", fact.Show(c.Fetch.Address.Bucket))
		f.Notes = append(f.Notes, finding.Note{Label: "fix", Text: fix})
	},
}
