package access

import (
	"strings"

	"beanpole/internal/aws"
	"beanpole/internal/fact"
)

// misfit says why no fetch by this URL can get the file, whatever the account
// allows; "" when nothing of its form speaks against it.
func (x *follower) misfit() string {
	f := quoted(x.f.URL)
	signed := x.signs() && x.f.Address.Recognised()
	switch aws.FormOf(x.f.URL) {
	case aws.SchemeS3:
		return "the agent fetches files by HTTP, and " + f + " names no server"
	case aws.ConsoleURL:
		return f + " is a page of the management console: without a session the console shows its sign-in page"
	case aws.Website:
		if strings.HasPrefix(strings.ToLower(x.f.URL), "https:") {
			return f + " is a website endpoint, and S3 serves these by plain HTTP only"
		}
	case aws.Accelerate:
		if signed {
			return `the agent takes "accelerate" in the host name for the region and signs for it, and S3 knows no such region`
		}
	case aws.DottedHost:
		return "S3's certificate covers one label before its own name, and bucket " + quoted(x.target.Bucket) + " makes more of them"
	}
	if _, ok := aws.Presigned(x.f.URL); ok && signed {
		return f + " carries a signature, the agent adds its own, and S3 takes one of them only"
	}
	return ""
}

// misfitAnswer is how a fetch ends that is a misfit.
func (x *follower) misfitAnswer() Answer {
	switch aws.FormOf(x.f.URL) {
	case aws.Accelerate:
		return Answer{From: FromS3, Status: 400, Code: "AuthorizationHeaderMalformed", Verdict: fact.Broken, ServerCalls: 1}
	case aws.ConsoleURL: // the sign-in page arrives
		return Answer{From: FromElse}
	case aws.PlainURL: // presigned [S3: InvalidArgument, "Only one auth mechanism allowed"]
		return Answer{From: FromS3, Status: 400, Code: "InvalidArgument", Verdict: fact.Broken, ServerCalls: 1}
	}
	return Answer{From: FromAgent, Verdict: fact.Broken}
}
