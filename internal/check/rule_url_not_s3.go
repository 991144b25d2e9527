package check

import (
	"strings"

	"beanpole/internal/access"
	"beanpole/internal/aws"
	"beanpole/internal/fact"
	"beanpole/internal/finding"
)

var urlNotS3 = &Rule{
	Slug:  "url-not-s3",
	Title: "the agent does not take this URL for S3",
	Why: `The agent knows S3 by its URL: https, lower-case letters, and one of the forms
https://BUCKET.s3.REGION.amazonaws.com/KEY, https://s3.REGION.amazonaws.com/BUCKET/KEY
or the global BUCKET.s3.amazonaws.com. Dual-stack, FIPS, access point and endpoint
names, a port, plain http with a region, and s3:// are not among them: no block is
chosen by its buckets, so that the request goes out unsigned, or with a block chosen
by its name the agent stops with
  'NoneType' object has no attribute 'is_default'`,
	Before: "source: https://certs.s3.dualstack.eu-west-1.amazonaws.com/server.key",
	After:  "source: https://certs.s3.eu-west-1.amazonaws.com/server.key",
	Since:  "0.1.0",

	claims: func(c *access.Chain) bool { return c.Cause().Name == access.Source || bucketUnseen(c) },
	fix:    rewriteURL(false),
	explain: func(c *access.Chain, f *finding.Finding) {
		f.Message = "the agent does not take this URL for one that it can sign"
		if bucketUnseen(c) {
			f.Message = "this fetch is not signed, as the agent does not see the bucket in this URL"
		}
		if why := unseenForm(c.Fetch.URL); why != "" {
			f.Message += ": " + why
		}
		f.Notes = append(f.Notes, writeURL(c, false))
	},
}

// bucketUnseen: nobody signs for S3, there are blocks, and the agent reads
// another bucket out of the URL than S3, or none, so that no block's list could
// match.
func bucketUnseen(c *access.Chain) bool {
	switch c.Cause().Name {
	case access.Authentication, access.Identity, access.Bucket:
	default:
		return false
	}
	if c.Fetch.Signer.Kind != access.Nobody || len(c.Fetch.Signer.Others) == 0 || !fact.Known(c.Fetch.URL) {
		return false
	}
	_, rest, _ := strings.Cut(c.Fetch.URL, "://")
	host, path, _ := strings.Cut(rest, "/")
	t, served := aws.ServedS3(host, "/"+path)
	return served && t.Bucket != c.Fetch.Address.Bucket
}

// unseenForm says what about a URL keeps the agent from taking it for S3.
func unseenForm(rawURL string) string {
	scheme, rest, _ := strings.Cut(rawURL, "://")
	host, _, _ := strings.Cut(rest, "/")
	name, port, _ := strings.Cut(host, ":")
	_, served := aws.ServedS3(name, "/")
	switch {
	case strings.Contains(name, ".dualstack."):
		return "it knows no dual-stack endpoints"
	case strings.Contains(name, "s3-fips."):
		return "it knows no FIPS endpoints"
	case strings.Contains(name, ".s3-accesspoint."):
		return "it knows no access points"
	case strings.HasSuffix(name, ".vpce.amazonaws.com"):
		return "it knows no names of VPC endpoints"
	case served && scheme == "http":
		return "it signs by https only where the host names a region"
	case served && (name != strings.ToLower(name) || strings.Contains(name, "_") || scheme != strings.ToLower(scheme)):
		return "it compares lower-case letters, digits, dots and dashes only"
	case served && port != "":
		return "it takes a port for a part of the host name"
	case !served && fact.Known(name) && !strings.Contains(name, "amazonaws.com"):
		return "the host is none of S3's"
	}
	return ""
}
