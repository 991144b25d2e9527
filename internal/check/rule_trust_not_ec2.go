package check

import (
	"beanpole/internal/access"
	"beanpole/internal/finding"
)

var trustNotEC2 = &Rule{
	Slug:  "trust-not-ec2",
	Title: "EC2 may not assume the role",
	Why: `Instances get a role's credentials because EC2 assumes the role for them. If its
trust policy (AssumeRolePolicyDocument) does not let ec2.amazonaws.com do that,
instance metadata answers 200 with the code AssumeRoleUnauthorizedAccess and no
keys, and the agent fails with  [Errno None] 'AccessKeyId'.`,
	Before: "Principal: {Service: elasticbeanstalk.amazonaws.com}",
	After:  "Principal: {Service: ec2.amazonaws.com}",
	Since:  "0.1.0",

	claims: func(c *access.Chain) bool { return c.Cause().Name == access.Trust },
	group:  func(c *access.Chain) string { return "trust" },
	explain: func(c *access.Chain, f *finding.Finding) {
		if at := c.Cause().At; len(at) > 0 {
			f.Pos = at[0]
		}
		f.Message = "EC2 may not assume the role, so the answer holds no keys"
		f.Notes = append(f.Notes, finding.Note{Label: "fix", Text: `allow sts:AssumeRole to Service: ec2.amazonaws.com in the role's AssumeRolePolicyDocument`})
	},
}
