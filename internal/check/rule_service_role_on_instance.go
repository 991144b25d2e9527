package check

import (
	"strings"

	"beanpole/internal/access"
	"beanpole/internal/fact"
	"beanpole/internal/finding"
)

const serviceRoleOption = "option " + environmentNamespace + " ServiceRole"

var serviceRoleOnInstance = &Rule{
	Slug:  "service-role-on-instance",
	Title: "roleName takes the environment's service role",
	Why: `The option ServiceRole of aws:elasticbeanstalk:environment names the role that Elastic
Beanstalk itself assumes. It is never on an instance: instances have the role in their
instance profile, and instance metadata answers 404 for any other name. It only
seems to work where an account uses one role for both.`,
	Before: `roleName:
  "Fn::GetOptionSetting":
    Namespace: aws:elasticbeanstalk:environment
    OptionName: ServiceRole`,
	After: "roleName: web   # the role in the instance profile",
	Since: "0.1.0",

	find: func(r *run) []*finding.Finding {
		var out []*finding.Finding
		seen := map[string]bool{}
		for _, c := range r.chains {
			if !fromServiceRole(c) || c.Cause() != nil || c.Link(access.Metadata).Verdict == fact.Holds || seen[sameRoleName(c)] {
				continue
			}
			seen[sameRoleName(c)] = true
			f := &finding.Finding{Rule: "service-role-on-instance", Severity: finding.Warning, Pos: c.Fetch.Signer.Role.Pos}
			f.Message = "instance metadata may answer 404: roleName takes the environment's service role, which is not the instances' own unless both are one; not known: the role in the instance profile"
			f.Notes = []finding.Note{{Label: "fix", Text: "write the name of the role in the instance profile"}}
			r.pointAt(f)
			out = append(out, f)
		}
		return out
	},
	claims: func(c *access.Chain) bool {
		n := c.Cause().Name
		return (n == access.Name || n == access.Metadata) && fromServiceRole(c)
	},
	group: sameRoleName,
	explain: func(c *access.Chain, f *finding.Finding) {
		role := c.Fetch.Signer.Role
		f.Pos, f.End = role.Pos, role.End
		f.Message = "this is the environment's service role, which is never on an instance"
		fix := "write the name of the role in the instance profile"
		if held := roleHeld(c); held != "" && fact.Known(held) {
			fix = "write roleName: " + held
		}
		f.Notes = append(f.Notes, finding.Note{Label: "fix", Text: fix})
	},
}

// fromServiceRole tells whether roleName is read from the option ServiceRole.
func fromServiceRole(c *access.Chain) bool {
	role := c.Fetch.Signer.Role
	if role == nil || c.Fetch.Signer.Kind != access.RoleKeys {
		return false
	}
	for _, o := range role.From {
		if strings.HasSuffix(o.What, serviceRoleOption) {
			return true
		}
	}
	for _, m := range fact.Missing(role.Text) {
		if strings.HasSuffix(m, serviceRoleOption) {
			return true
		}
	}
	return false
}
