package check

import (
	"fmt"
	"strings"

	"beanpole/internal/access"
	"beanpole/internal/account"
	"beanpole/internal/fact"
	"beanpole/internal/finding"
)

var roleNameIsProfile = &Rule{
	Slug:  "role-name-is-profile",
	Title: "roleName holds the instance profile's name",
	Why: `An instance hands out credentials under the name of the role that its instance
profile holds, and under no other name. The option IamInstanceProfile is the
name (or ARN) of the profile. CloudFormation, the AWS CLI and Terraform name
profile and role differently unless they are told otherwise; only the console
and the EB CLI give both the same name. The agent asks instance metadata for
the credentials of a role with the profile's name, gets 404, tries again for
about five minutes, and the deployment fails with
  [Errno 404] HTTP Error 404 : <?xml version="1.0" encoding="iso-8859-1"?>
The page in that message is the metadata service's, not S3's.`,
	Before: `roleName:
  "Fn::GetOptionSetting":
    Namespace: aws:autoscaling:launchconfiguration
    OptionName: IamInstanceProfile

InstanceRole:
  Type: AWS::IAM::Role
InstanceProfile:
  Type: AWS::IAM::InstanceProfile
  Properties:
    Roles: [!Ref InstanceRole]`,
	After: `InstanceRole:
  Type: AWS::IAM::Role
  Properties:
    RoleName: !Ref InstanceRoleName
InstanceProfile:
  Type: AWS::IAM::InstanceProfile
  Properties:
    InstanceProfileName: !Ref InstanceRoleName
    Roles: [!Ref InstanceRole]`,
	Since: "0.1.0",

	claims: func(c *access.Chain) bool {
		switch c.Cause().Name {
		case access.Name, access.Metadata:
			return c.Fetch.Signer.Kind == access.RoleKeys && namesProfile(c)
		}
		return false
	},
	group: sameRoleName,
	fix:   nameRole,
	explain: func(c *access.Chain, f *finding.Finding) {
		role := c.Fetch.Signer.Role
		f.Pos, f.End = role.Pos, role.End
		f.Message = "no credentials under this name"
		cause := "an instance hands out credentials under its role's name only; profile and role are named differently"
		if namesARN(c) {
			cause = "an instance hands out credentials under its role's name only, and this is the instance profile's ARN"
		}
		f.Notes = append(f.Notes, finding.Note{Label: "cause", Text: cause})
		f.Notes = append(f.Notes, byHand(c))
	},
}

// namesProfile tells whether roleName is the instance profile's name or ARN.
func namesProfile(c *access.Chain) bool {
	role, profile := c.Fetch.Signer.Role, c.World.Profile
	if role == nil || profile == nil {
		return false
	}
	if fact.Equal(role.Text, profile.Text) == fact.Holds {
		return true
	}
	p, found := c.World.Account.Profile(profile.Text)
	return found == fact.Holds && fact.Any(fact.Equal(role.Text, p.Name), fact.Equal(role.Text, p.ARN)) == fact.Holds
}

func namesARN(c *access.Chain) bool {
	p, found := c.World.Account.Profile(c.World.Profile.Text)
	return found == fact.Holds && fact.Equal(c.Fetch.Signer.Role.Text, p.ARN) == fact.Holds
}

// byHand is what to write instead.
func byHand(c *access.Chain) finding.Note {
	if role := roleOfProfile(c); role != nil && role.Logical != "" && role.Pos.File == c.Fetch.Signer.Role.Pos.File {
		return finding.Note{Label: "fix", Text: fmt.Sprintf(`write roleName: {"Ref": %q}`, role.Logical)}
	}
	hint := "pass the role's name in an option of aws:elasticbeanstalk:customoption"
	p, found := c.World.Account.Profile(c.World.Profile.Text)
	if found == fact.Holds && len(p.Roles) == 1 && fact.Known(p.Roles[0]) {
		hint = fmt.Sprintf("write roleName: %q, or pass it in an option of aws:elasticbeanstalk:customoption", p.Roles[0])
	}
	if role, _ := c.World.Account.Role(firstRole(p)); role != nil && strings.Contains(p.Logical, "aws_iam_instance_profile.") {
		hint = fmt.Sprintf("write name = %s.name in %s, so that both names are the same (replaces the profile), or %s", role.Logical, p.Logical, hint)
	}
	return finding.Note{Label: "fix", Text: hint}
}

func firstRole(p *account.Profile) string {
	if p == nil || len(p.Roles) == 0 {
		return ""
	}
	return p.Roles[0]
}

// sameRoleName groups fetches that are signed with the same roleName.
func sameRoleName(c *access.Chain) string {
	role := c.Fetch.Signer.Role
	if role == nil {
		return c.Fetch.URL
	}
	return role.Pos.String() + " " + role.Text
}
