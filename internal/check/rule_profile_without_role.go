package check

import (
	"beanpole/internal/access"
	"beanpole/internal/fact"
	"beanpole/internal/finding"
)

var profileWithoutRole = &Rule{
	Slug:  "profile-without-role",
	Title: "the instance profile holds no role",
	Why: `An instance profile is an empty container until a role is put into it. EC2
refuses to launch an instance with an empty one (AccessDenied), and one whose
role was taken out later has no credentials: instance metadata answers 404.`,
	Before: `InstanceProfile:
  Type: AWS::IAM::InstanceProfile
  Properties:
    Roles: []`,
	After: `InstanceProfile:
  Type: AWS::IAM::InstanceProfile
  Properties:
    Roles: [!Ref InstanceRole]`,
	Since: "0.1.0",

	claims: func(c *access.Chain) bool { return c.Cause().Name == access.Profile && emptyProfile(c) },
	group:  func(c *access.Chain) string { return "profile" },
	explain: func(c *access.Chain, f *finding.Finding) {
		p, _ := c.World.Account.Profile(c.World.Profile.Text)
		f.Pos = p.RolesPos
		if !f.Pos.IsValid() {
			f.Pos = p.Pos
		}
		f.Message = "the instance profile holds no role"
		f.Notes = append(f.Notes, finding.Note{Label: "fix", Text: "put the role into the profile's Roles"})
	},
}

// emptyProfile: the profile is known, and so is that nothing is in it.
func emptyProfile(c *access.Chain) bool {
	if c.World.Profile == nil {
		return false
	}
	p, found := c.World.Account.Profile(c.World.Profile.Text)
	return found == fact.Holds && len(p.Roles) == 0
}
