package check

import (
	"beanpole/internal/access"
	"beanpole/internal/finding"
)

// fetchFails claims what no other rule explains, so that no broken chain is
// ever left out.
var fetchFails = &Rule{
	Slug:  "fetch-fails",
	Title: "the fetch fails",
	Why: `A link between the instance and the file is broken; the note "cause" says which.
The links are, in the order in which the instance meets them: document, source,
authentication, name, profile, metadata, trust, identity, bucket, object, network.`,
	Before: "source: https://certs.s3.eu-west-1.amazonaws.com/server.key",
	After:  "source: https://certs.s3.eu-west-1.amazonaws.com/server.key   # with the broken link mended",
	Since:  "0.1.0",

	claims: func(c *access.Chain) bool { return true },
	explain: func(c *access.Chain, f *finding.Finding) {
		f.Message = "the link " + string(c.Cause().Name) + " is broken"
	},
}
