package check

import (
	"fmt"
	"strings"

	"beanpole/internal/access"
	"beanpole/internal/fact"
	"beanpole/internal/finding"
	"beanpole/internal/lazyregexp"
)

var placeholderBucket = &Rule{
	Slug:  "placeholder-bucket",
	Title: "the bucket's name is still a sample's",
	Why: `AWS's samples stand in for names with "my_bucket", "123456789012" and the like. A
bucket of such a name is not yours: S3 answers 404 NoSuchBucket, or 403 for somebody
else's. Names with an underscore cannot be made any more at all.`,
	Before: "source: https://elasticbeanstalk-us-west-2-123456789012.s3.us-west-2.amazonaws.com/server.key",
	After:  "source: https://elasticbeanstalk-us-west-2-210987654321.s3.us-west-2.amazonaws.com/server.key",
	Since:  "0.1.0",

	find: func(r *run) []*finding.Finding {
		var out []*finding.Finding
		for _, c := range r.chains {
			bucket := c.Fetch.Address.Bucket
			if c.Cause() != nil || !fact.Known(bucket) || !placeholder.MatchString(bucket) {
				continue
			}
			if _, found := r.account.Bucket(bucket); found == fact.Holds || sampleAccount(bucket) && r.account.ID == "123456789012" {
				continue
			}
			f := &finding.Finding{
				Rule: "placeholder-bucket", Severity: finding.Warning, Pos: c.Fetch.URLAt,
				Message: fmt.Sprintf("S3 may answer 404 NoSuchBucket: %q looks like a sample's name, not a bucket of yours", bucket),
				Notes:   []finding.Note{{Label: "fix", Text: "write the name of your bucket into the URL" + alsoInBlock(c)}},
			}
			r.pointAt(f)
			out = append(out, f)
		}
		return out
	},
}

// The samples' own names, and the words that people leave for each other.
var placeholder = lazyregexp.New(`(?i)(^|[-.])123456789012($|[-.])|^(my|your)[-_]?(s3[-_]?)?bucket([-_]?name)?$|^bucket[-_]?name$|(^|[-_])your[-_](bucket|account|company)|^(amzn-s3-demo|doc-example)-bucket|xxxxxx|000000000000`)

func sampleAccount(bucket string) bool {
	return strings.Contains(bucket, "123456789012")
}

func alsoInBlock(c *access.Chain) string {
	if c.Fetch.Signer.Block != "" {
		return ", and into the buckets of the authentication"
	}
	return ""
}
