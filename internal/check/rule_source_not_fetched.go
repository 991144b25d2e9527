package check

import (
	"fmt"
	"strings"

	"beanpole/internal/fact"
	"beanpole/internal/finding"
)

var sourceNotFetched = &Rule{
	Slug:  "source-not-fetched",
	Title: "the agent looks for this archive on the instance",
	Why: `Of sources, the agent fetches http, https and ftp addresses. Everything else is the
path of a file on the instance, s3:// too, and the deployment ends with
"s3://… does not exist". A source can name no authentication: a block signs for it
that lists the bucket under "buckets".`,
	Before: `sources:
  /opt/tool: s3://tools/tool.tar.gz`,
	After: `sources:
  /opt/tool: https://tools.s3.eu-west-1.amazonaws.com/tool.tar.gz`,
	Since: "0.1.0",

	find: func(r *run) []*finding.Finding {
		if r.plan == nil {
			return nil
		}
		var out []*finding.Finding
		for _, s := range r.plan.Sources() {
			if s.Fetch != nil || !strings.Contains(s.From, "://") {
				continue
			}
			f := &finding.Finding{
				Rule: "source-not-fetched", Severity: finding.Error, Certain: true, Pos: s.At,
				Message: fmt.Sprintf("cfn-init will stop here: it takes %q for the path of a file on the instance", fact.Show(s.From)),
				Notes: []finding.Note{
					{Label: "on AWS", Text: fmt.Sprintf("Error occurred during build: %s does not exist", fact.Show(s.From))},
					{Label: "fix", Text: "write " + archiveAddress(s.From)},
				},
			}
			r.pointAt(f)
			out = append(out, f)
		}
		return out
	},
}

// archiveAddress is the https address of an s3:// one.
func archiveAddress(from string) string {
	if rest, ok := strings.CutPrefix(from, "s3://"); ok {
		bucket, key, _ := strings.Cut(rest, "/")
		return "https://" + fact.Show(bucket) + ".s3.REGION.amazonaws.com/" + fact.Show(key)
	}
	return "an https address"
}
