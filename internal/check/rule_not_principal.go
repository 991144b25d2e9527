package check

import (
	"fmt"

	"beanpole/internal/access"
	"beanpole/internal/fact"
	"beanpole/internal/finding"
	"beanpole/internal/iam"
)

var notPrincipal = &Rule{
	Slug:  "not-principal",
	Title: "a Deny with NotPrincipal hits the instances' role",
	Why: `A Deny with NotPrincipal denies everybody whom the list does not hold. An instance asks
as a session of its role, which the role's ARN in the list alone does not except: the
session's own ARN (arn:aws:sts::ACCOUNT:assumed-role/ROLE/INSTANCE) and the account must
stand there too, and a session is named after its instance. So S3 answers 403
AccessDenied, whatever else is allowed. A condition on aws:PrincipalArn holds the role's
ARN for all of its sessions.`,
	Before: `Effect: Deny
NotPrincipal: {AWS: !GetAtt InstanceRole.Arn}`,
	After: `Effect: Deny
Principal: "*"
Condition: {ArnNotEquals: {aws:PrincipalArn: !GetAtt InstanceRole.Arn}}`,
	Since: "0.1.0",

	claims: func(c *access.Chain) bool { return excepting(c) != nil },
	group:  func(c *access.Chain) string { return excepting(c).Pos.String() },
	explain: func(c *access.Chain, f *finding.Finding) {
		f.Message = "a Deny with NotPrincipal hits the instances' role"
		arn := "ROLE-ARN"
		if role, found := c.World.Account.Role(roleHeld(c)); found == fact.Holds && role.ARN != "" {
			arn = fact.Show(role.ARN)
		}
		f.Notes = append(f.Notes, finding.Note{Label: "fix", Text: fmt.Sprintf(`write Principal: "*" and Condition: {ArnNotEquals: {aws:PrincipalArn: %q}}`, arn)})
	},
}

// excepting is the Deny with NotPrincipal that a fetch runs into.
func excepting(c *access.Chain) *iam.Statement {
	if c.Fetch.Signer.Kind == access.Nobody {
		return nil
	}
	for _, s := range c.Cause().By {
		if s.Effect == iam.Deny && s.NotPrincipal != nil {
			return s
		}
	}
	return nil
}
