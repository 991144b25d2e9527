package door

import (
	"beanpole/internal/access"
	"beanpole/internal/account"
	"beanpole/internal/iam"
)

// Judge says what AWS answers; the door itself decides nothing. What is nil
// is package access, which it is everywhere but in tests.
type Judge struct {
	// Authorize decides for every service but S3.
	Authorize func(a *account.Account, who iam.Principal, action, resource string, context map[string][]string) iam.Decision
	// Assume decides whether the caller may assume the role with an ARN, where
	// the role's trust policy must let the caller in.
	Assume func(a *account.Account, who iam.Principal, roleARN string, context map[string][]string) iam.Decision
	// S3 is S3's answer; Holds: go on and serve.
	S3 func(a *account.Account, r *S3Request) access.Answer
}

// S3Request is a request to S3 as far as it decides the answer.
type S3Request = access.S3Request

// complete puts package access where a judge is silent.
func (j Judge) complete() Judge {
	if j.Authorize == nil {
		j.Authorize = access.Authorize
	}
	if j.Assume == nil {
		j.Assume = func(a *account.Account, who iam.Principal, roleARN string, context map[string][]string) iam.Decision {
			return access.Authorize(a, who, "sts:AssumeRole", roleARN, context)
		}
	}
	if j.S3 == nil {
		j.S3 = access.S3
	}
	return j
}
