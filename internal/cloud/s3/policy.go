package s3

import (
	"strings"

	"beanpole/internal/iam"
)

// checkPolicy holds a bucket policy against S3's rules, with S3's words.
func checkPolicy(bucket, text string) error {
	if !strings.HasPrefix(strings.TrimLeft(text, " \t\r\n"), "{") {
		return malformedPolicy("Policies must be valid JSON and the first byte must be '{'")
	}
	p, err := iam.ParseJSON("bucket policy", "", []byte(text))
	if err != nil {
		return malformedPolicy("This policy contains invalid Json")
	}
	if len(p.Statements) == 0 {
		return malformedPolicy("Missing required field Statement")
	}
	for _, st := range p.Statements {
		if err := checkStatement(bucket, st); err != nil {
			return err
		}
	}
	return nil
}

func checkStatement(bucket string, st *iam.Statement) error {
	switch {
	case st.Effect != iam.Allow && st.Effect != iam.Deny:
		return malformedPolicy("Missing required field Effect")
	case st.Principal == nil && st.NotPrincipal == nil:
		return malformedPolicy("Missing required field Principal")
	case len(st.Actions)+len(st.NotActions) == 0:
		return malformedPolicy("Missing required field Action")
	case len(st.Resources)+len(st.NotResources) == 0:
		return malformedPolicy("Missing required field Resource")
	}
	for _, a := range append(append([]iam.Term(nil), st.Actions...), st.NotActions...) {
		if a.Text != "*" && !strings.HasPrefix(strings.ToLower(a.Text), "s3:") {
			return malformedPolicy("Policy has invalid action")
		}
	}
	arn := "arn:aws:s3:::" + bucket
	for _, r := range append(append([]iam.Term(nil), st.Resources...), st.NotResources...) {
		if r.Text != arn && !strings.HasPrefix(r.Text, arn+"/") && !strings.ContainsAny(r.Text, "*?$") {
			return malformedPolicy("Policy has invalid resource")
		}
	}
	return nil
}
