package check

import (
	"beanpole/internal/access"
	"beanpole/internal/finding"
)

var kmsKeyDenied = &Rule{
	Slug:  "kms-key-denied",
	Title: "the role may not use the key that the object is under",
	Why: `An object under SSE-KMS needs kms:Decrypt besides s3:GetObject. The key's policy
must let the role in by name, or leave it to the account's IAM policies, and then
one of these must allow it; AWS's own key aws/s3 is of no use to other accounts.
S3 answers 403 AccessDenied, as if the object itself were denied. With Signature
Version 2, which the agent uses at the global endpoint, and without a signature, it
answers 400 InvalidArgument.`,
	Before: `- {Effect: Allow, Action: s3:GetObject, Resource: "arn:aws:s3:::certs/*"}`,
	After: `- {Effect: Allow, Action: s3:GetObject, Resource: "arn:aws:s3:::certs/*"}
- {Effect: Allow, Action: kms:Decrypt, Resource: !GetAtt CertsKey.Arn}`,
	Since: "0.1.0",

	find: func(r *run) []*finding.Finding {
		return r.doubts(access.Object, "kms-key-denied", "S3 may refuse the fetch: the object is under a KMS key that is out of the role's reach")
	},
	claims: func(c *access.Chain) bool { return c.Cause().Name == access.Object && c.Cause().ByKey },
	group:  func(c *access.Chain) string { return c.Fetch.Signer.Block + " " + c.Fetch.Address.Bucket },
	explain: func(c *access.Chain, f *finding.Finding) {
		f.Message = "the object is under a KMS key that is out of the role's reach"
		fix := "allow kms:Decrypt on the key in a policy of the role, and let the key's policy leave it to the account"
		if c.Answer.Code == "InvalidArgument" {
			f.Message = "S3 hands out what is under a KMS key only to requests signed with Signature Version 4"
			fix = "write the bucket's region into the URL: https://BUCKET.s3.REGION.amazonaws.com/KEY"
		}
		f.Notes = append(f.Notes, finding.Note{Label: "fix", Text: fix})
	},
}
