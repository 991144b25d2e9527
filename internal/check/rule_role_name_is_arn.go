package check

import (
	"strings"

	"beanpole/internal/access"
	"beanpole/internal/aws"
	"beanpole/internal/fact"
	"beanpole/internal/finding"
	"beanpole/internal/source"
)

var roleNameIsARN = &Rule{
	Slug:  "role-name-is-arn",
	Title: "roleName is an ARN or has a path",
	Why: `The agent appends roleName to the address of instance metadata, where credentials
stand under the bare name of the instances' role: no ARN, no path before the name, and
no user, whose credentials an instance never has. It asks, gets 404, tries again for
about five minutes, and the deployment fails with
  [Errno 404] HTTP Error 404 : <?xml version="1.0" encoding="iso-8859-1"?>
An option may hold an ARN where Elastic Beanstalk takes both, as IamInstanceProfile:
roleName must not be read from it then.`,
	Before: "roleName: arn:aws:iam::123456789012:role/web",
	After:  "roleName: web",
	Since:  "0.1.0",

	claims: func(c *access.Chain) bool {
		role := c.Fetch.Signer.Role
		return c.Cause().Name == access.Name && c.Fetch.Signer.Kind == access.RoleKeys && role != nil && strings.ContainsAny(role.Text, ":/")
	},
	group: sameRoleName,
	fix: func(r *run, c *access.Chain) []finding.Fix {
		role := c.Fetch.Signer.Role
		name, kind := bareName(role.Text)
		held := roleHeld(c)
		f := r.writtenAt(role.Pos)
		if f == nil || f.Value.Kind != source.String || f.Value.Text != role.Text || kind != "role" || !fact.Known(name) || held != "" && held != name {
			return nil
		}
		return r.rewritten(f.Value, "name", "write the role's bare name", source.Quote(name))
	},
	explain: func(c *access.Chain, f *finding.Finding) {
		role := c.Fetch.Signer.Role
		f.Pos, f.End = role.Pos, role.End
		name, kind := bareName(role.Text)
		switch kind {
		case "user":
			f.Message = "an instance has credentials of its role only, never of a user"
		case "instance-profile":
			f.Message = "this is an instance profile, and credentials stand under the name of its role"
		default:
			f.Message = "no credentials under this name: they stand under the bare name of the role"
		}
		fix := "write the name of the role in the instance profile"
		if held := roleHeld(c); held != "" && fact.Known(held) {
			fix = "write roleName: " + held
		} else if kind == "role" && fact.Known(name) {
			fix = "write roleName: " + name
		}
		f.Notes = append(f.Notes, finding.Note{Label: "fix", Text: fix})
	},
}

// bareName is the name at the end of an ARN or path, and whose it is: "role"
// also for a path alone.
func bareName(text string) (name, kind string) {
	kind = "role"
	if arn, ok := aws.ParseARN(text); ok {
		kind, _, _ = strings.Cut(arn.Resource, "/")
	} else if strings.Contains(text, ":") {
		kind = ""
	}
	return text[strings.LastIndexAny(text, "/:")+1:], kind
}

// roleHeld is the name of the instances' role, "" when it is not known.
func roleHeld(c *access.Chain) string {
	if c.World.Profile == nil || c.World.ProfileUnknown != "" {
		return ""
	}
	p, found := c.World.Account.Profile(c.World.Profile.Text)
	if found != fact.Holds {
		return ""
	}
	return firstRole(p)
}
