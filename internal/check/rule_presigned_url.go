package check

import (
	"fmt"
	"time"

	"beanpole/internal/access"
	"beanpole/internal/aws"
	"beanpole/internal/finding"
)

var presignedURL = &Rule{
	Slug:  "presigned-url",
	Title: "a presigned URL is signed twice, or expires",
	Why: `A presigned URL carries its signature in the query. When an authentication signs the
fetch as well, S3 answers
  400 InvalidArgument: Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified
Without one it works until it expires, seven days after it was made at the latest.
Every later deployment, and every instance that starts later, gets 403 AccessDenied,
"Request has expired".`,
	Before: "source: https://certs.s3.eu-west-1.amazonaws.com/server.key?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=…&X-Amz-Expires=604800&X-Amz-Signature=…",
	After: `authentication: S3Auth
source: https://certs.s3.eu-west-1.amazonaws.com/server.key`,
	Since: "0.1.0",

	find: func(r *run) []*finding.Finding {
		now := r.in.Now
		if now.IsZero() {
			now = time.Now()
		}
		var out []*finding.Finding
		for _, c := range r.chains {
			expires, ok := aws.Presigned(c.Fetch.URL)
			if !ok || expires.IsZero() || c.Cause() != nil || c.Fetch.Signer.Kind != access.Nobody {
				continue
			}
			f := &finding.Finding{Rule: "presigned-url", Severity: finding.Warning, Certain: true, Pos: c.Fetch.URLAt}
			at := expires.Format("2006-01-02 15:04 MST")
			f.Message = fmt.Sprintf("S3 will answer 403 AccessDenied to every instance that starts after %s: this presigned URL expires then", at)
			if !now.Before(expires) {
				f.Severity = finding.Error
				f.Message = fmt.Sprintf("S3 will answer 403 AccessDenied: this presigned URL expired at %s", at)
			}
			f.Notes = []finding.Note{{Label: "on AWS", Text: "Request has expired"}, signInstead(c)}
			r.pointAt(f)
			out = append(out, f)
		}
		return out
	},
	claims: func(c *access.Chain) bool {
		_, ok := aws.Presigned(c.Fetch.URL)
		return ok && c.Cause().Name == access.Source && c.Answer.Code == "InvalidArgument"
	},
	fix: rewriteURL(false),
	explain: func(c *access.Chain, f *finding.Finding) {
		f.Message = "the request is signed twice, by its URL and by the agent"
		f.Notes = append(f.Notes, writeURL(c, false))
	},
}

func signInstead(c *access.Chain) finding.Note {
	text, _ := s3URL(c, false)
	return finding.Note{Label: "fix", Text: "let the instance's role sign: add   authentication: NAME   and write " + text}
}
