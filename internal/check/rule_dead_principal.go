package check

import (
	"fmt"
	"strings"

	"beanpole/internal/access"
	"beanpole/internal/fact"
	"beanpole/internal/finding"
	"beanpole/internal/iam"
	"beanpole/internal/source"
)

var deadPrincipal = &Rule{
	Slug:  "dead-principal",
	Title: "the bucket's policy names a role that was deleted",
	Why: `IAM keeps a role's unique ID in a policy that names the role. When the role is
deleted, the ID shows: AROA and some more letters. A role made anew under the same name
has another ID, so that the statement allows nobody any more, and S3 answers 403
AccessDenied.`,
	Before: `Principal: {AWS: AROAEXAMPLEEXAMPLE12}`,
	After:  `Principal: {AWS: !GetAtt InstanceRole.Arn}`,
	Since:  "0.1.0",

	find: func(r *run) []*finding.Finding {
		var out []*finding.Finding
		seen := map[source.Pos]bool{}
		for _, c := range r.chains {
			l := c.Link(access.Identity)
			b, found := r.account.Bucket(c.Fetch.Address.Bucket)
			if c.Cause() != nil || l.Verdict != fact.Unknown || found != fact.Holds || b.Policy == nil {
				continue
			}
			for _, t := range rolesByID(b.Policy) {
				if seen[t.Pos] {
					continue
				}
				seen[t.Pos] = true
				end := t.Pos
				end.Col += len(t.Text)
				end.Offset += len(t.Text)
				out = append(out, &finding.Finding{
					Rule: "dead-principal", Severity: finding.Warning, Pos: t.Pos, End: end,
					Message: fmt.Sprintf("S3 may answer 403 AccessDenied: %q is the unique ID of a role, which a role made anew does not have; not known: the ID of the instances' role", t.Text),
					Notes:   []finding.Note{{Label: "fix", Text: roleAsPrincipal(c)}},
				})
			}
		}
		return out
	},
	claims: func(c *access.Chain) bool { return nearKind(c) == iam.DeadPrincipal },
	group:  func(c *access.Chain) string { return c.Cause().Near[0].Pos.String() },
	explain: func(c *access.Chain, f *finding.Finding) {
		f.Message = "the statement that should allow it names a role that was deleted"
		f.Notes = append(f.Notes, finding.Note{Label: "fix", Text: roleAsPrincipal(c)})
	},
}

// roleAsPrincipal is how a policy names the instances' role.
func roleAsPrincipal(c *access.Chain) string {
	text := "write the ARN of the instances' role as Principal"
	if role, found := c.World.Account.Role(roleHeld(c)); found == fact.Holds && role.ARN != "" {
		text = fmt.Sprintf("write Principal: {AWS: %q}", fact.Show(role.ARN))
	}
	return text
}

// rolesByID are the principals of a policy's Allows that are a role's unique ID.
func rolesByID(p *iam.Policy) (out []iam.Term) {
	for _, s := range p.Statements {
		if s.Effect != iam.Allow || s.Principal == nil {
			continue
		}
		for _, t := range s.Principal.AWS {
			if strings.HasPrefix(t.Text, "AROA") && !strings.ContainsAny(t.Text, ":*") {
				out = append(out, t)
			}
		}
	}
	return out
}
