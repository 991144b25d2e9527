package check

import (
	"fmt"
	"strings"

	"beanpole/internal/access"
	"beanpole/internal/fact"
	"beanpole/internal/finding"
)

var roleNameUnknown = &Rule{
	Slug:  "role-name-unknown",
	Title: "roleName is not the name of the instances' role",
	Why: `Instance metadata knows one name only: that of the role that the instance
profile holds. Another role's name, an ARN, a path before the name, or the same
name in other letter case is answered with 404, as if there were no role.`,
	Before: "roleName: arn:aws:iam::123456789012:role/web",
	After:  "roleName: web",
	Since:  "0.1.0",

	claims: func(c *access.Chain) bool {
		n := c.Cause().Name
		return c.Fetch.Signer.Kind == access.RoleKeys && (n == access.Name || n == access.Metadata)
	},
	group: sameRoleName,
	explain: func(c *access.Chain, f *finding.Finding) {
		role := c.Fetch.Signer.Role
		if role == nil {
			f.Pos = c.Fetch.Signer.BlockAt
			return
		}
		f.Pos, f.End = role.Pos, role.End
		f.Message = "no credentials under this name"
		if c.World.Profile == nil {
			return
		}
		p, found := c.World.Account.Profile(c.World.Profile.Text)
		if found != fact.Holds || len(p.Roles) != 1 || !fact.Known(p.Roles[0]) {
			return
		}
		fix := fmt.Sprintf("write roleName: %s", p.Roles[0])
		if strings.EqualFold(role.Text, p.Roles[0]) {
			fix += "   (letter case counts here)"
		}
		f.Notes = append(f.Notes, finding.Note{Label: "fix", Text: fix})
	},
}
