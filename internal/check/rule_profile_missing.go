package check

import (
	"beanpole/internal/access"
	"beanpole/internal/finding"
)

var profileMissing = &Rule{
	Slug:  "profile-missing",
	Title: "the instances have no instance profile",
	Why: `Without an instance profile, instance metadata has no credentials to give and
answers 404 to every role name. Elastic Beanstalk has no default for the option
IamInstanceProfile: the console and the EB CLI fill it in, CloudFormation and
the API do not. A name of a profile that does not exist is refused when the
environment is created.`,
	Before: "OptionSettings: []",
	After: `OptionSettings:
  - Namespace: aws:autoscaling:launchconfiguration
    OptionName: IamInstanceProfile
    Value: !Ref InstanceProfile`,
	Since: "0.1.0",

	claims: func(c *access.Chain) bool { return c.Cause().Name == access.Profile && !emptyProfile(c) },
	group:  func(c *access.Chain) string { return "profile" },
	explain: func(c *access.Chain, f *finding.Finding) {
		f.Message = "the instances have no usable instance profile"
		if p := c.World.Profile; p != nil {
			f.Pos, f.End = p.Pos, p.End
		} else if s := c.Fetch.Signer; s.BlockAt.IsValid() {
			f.Pos = s.BlockAt
		}
		f.Notes = append(f.Notes, finding.Note{Label: "fix", Text: "set option " + launchNamespace + " " + profileOption + " to an instance profile that holds the role"})
	},
}
