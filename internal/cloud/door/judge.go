package door

import (
	"beanpole/internal/access"
	"beanpole/internal/account"
	"beanpole/internal/iam"
)

// Judge says what AWS answers. In the local cloud it is package access; the
// door itself decides nothing.
type Judge struct {
	// Authorize decides for every service but S3.
	Authorize func(a *account.Account, who iam.Principal, action, resource string, context map[string][]string) iam.Decision
	// Assume decides whether the caller may assume the role with an ARN: what
	// Authorize decides, and the role's trust policy.
	Assume func(a *account.Account, who iam.Principal, roleARN string, context map[string][]string) iam.Decision
	// S3 is S3's answer; Holds: go on and serve.
	S3 func(a *account.Account, r *S3Request) access.Answer
}

// S3Request is a request to S3 as far as it decides the answer.
type S3Request struct {
	Caller              iam.Principal
	Action, Bucket, Key string
	EndpointRegion      string
	Global              bool
	Signature           string // "", "v2", "v4"
	SignedRegion        string
	Secure              bool
	Context             map[string][]string
}
