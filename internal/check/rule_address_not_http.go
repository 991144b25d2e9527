package check

import (
	"beanpole/internal/access"
	"beanpole/internal/aws"
	"beanpole/internal/finding"
)

var addressNotHTTP = &Rule{
	Slug:  "address-not-http",
	Title: "an address for AWS's own clients or the console",
	Why: `A source is fetched by HTTP. s3://BUCKET/KEY is an address of the AWS CLI and its
like: the agent fails on it. An address copied out of the browser while it shows the
console leads to a page for people; without a session the console answers with its
sign-in page, and that becomes the file.`,
	Before: "source: s3://certs/server.key",
	After:  "source: https://certs.s3.eu-west-1.amazonaws.com/server.key",
	Since:  "0.1.0",

	claims: func(c *access.Chain) bool { return hasForm(c, aws.SchemeS3) || hasForm(c, aws.ConsoleURL) },
	fix:    rewriteURL(false),
	explain: func(c *access.Chain, f *finding.Finding) {
		f.Message = "the agent fetches by HTTP, and this names no server"
		if aws.FormOf(c.Fetch.URL) == aws.ConsoleURL {
			f.Message = "this is a page of the console, which lets the agent no further than to its sign-in page"
		}
		f.Notes = append(f.Notes, writeURL(c, false))
	},
}
