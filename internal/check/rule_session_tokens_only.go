package check

import (
	"beanpole/internal/access"
	"beanpole/internal/finding"
)

var sessionTokensOnly = &Rule{
	Slug:  "session-tokens-only",
	Title: "the agent of this platform brings no session token",
	Why: `With DisableIMDSv1, instance metadata answers 401 to requests without a session
token (IMDSv2). The agent on Amazon Linux AMI platforms asks for none, so that it
gets no credentials for any fetch that a role signs; those of Amazon Linux 2 and 2023
do.`,
	Before: `aws:autoscaling:launchconfiguration:
  DisableIMDSv1: true`,
	After: `aws:autoscaling:launchconfiguration:
  DisableIMDSv1: false`,
	Since: "0.1.0",

	claims: func(c *access.Chain) bool { return c.Cause().Name == access.Metadata && c.Answer.Status == 401 },
	group:  func(*access.Chain) string { return "" },
	explain: func(_ *access.Chain, f *finding.Finding) {
		f.Message = "it takes session tokens only, and the agent of this platform brings none"
		f.Notes = append(f.Notes, finding.Note{Label: "fix", Text: "move to an Amazon Linux 2023 platform, or set DisableIMDSv1 to false"})
	},
}
