package check

import (
	"fmt"
	"strings"

	"beanpole/internal/cfn"
	"beanpole/internal/fact"
	"beanpole/internal/finding"
	"beanpole/internal/source"
)

var profileRoles = &Rule{
	Slug:  "profile-roles",
	Title: "an instance profile's Roles is not one role's name",
	Why: `Roles of AWS::IAM::InstanceProfile is a list with exactly one role name in it. IAM
takes no ARN there ("The specified value for roleName is invalid"), and no second
role ("Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1"): the stack
rolls back. A profile without a role can be made, but EC2 launches no instance
with it.`,
	Before: `Profile:
  Type: AWS::IAM::InstanceProfile
  Properties:
    Roles: [!GetAtt Role.Arn]`,
	After: `Profile:
  Type: AWS::IAM::InstanceProfile
  Properties:
    Roles: [!Ref Role]`,
	Since: "0.1.0",

	find: func(r *run) (out []*finding.Finding) {
		for _, p := range r.resources("AWS::IAM::InstanceProfile") {
			if f := r.rolesOf(p); f != nil {
				out = append(out, f)
			}
		}
		return out
	},
}

// rolesOf is what is wrong with a profile's Roles.
func (r *run) rolesOf(p *cfn.Resource) *finding.Finding {
	roles := p.Properties.Get("Roles")
	f := resourceFinding("profile-roles", finding.Error, p)
	if roles != nil {
		f.Pos, f.End = roles.Pos, roles.End
	}
	if roles != nil && roles.Kind != source.Seq {
		return nil
	}
	if roles == nil || len(roles.Items) == 0 {
		return r.unusedProfile(f, p)
	}
	for _, it := range roles.Items {
		text, ok := it.Str()
		if !ok || !strings.HasPrefix(text, "arn:") || !strings.Contains(text, ":role/") {
			continue
		}
		f.Pos, f.End = it.Pos, it.End
		f.Message = fmt.Sprintf("CloudFormation %s fail to create %s: Roles takes role names, and this is an ARN", will(f), p.LogicalID)
		fix := "write the role's name"
		for _, o := range it.From {
			if logical, ok := strings.CutPrefix(o.What, "GetAtt "); ok {
				ref := r.refTo(it.Pos.File, strings.TrimSuffix(logical, ".Arn"))
				fix = "write   " + ref
				f.Fixes = r.rewritten(it, "name", "refer to the role's name", ref)
			}
		}
		f.Notes = []finding.Note{
			{Label: "on AWS", Text: "The specified value for roleName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-"},
			{Label: "fix", Text: fix},
		}
		return f
	}
	if len(roles.Items) > 1 {
		f.Message = fmt.Sprintf("CloudFormation %s fail to create %s: an instance profile holds one role, and here stand %d", will(f), p.LogicalID, len(roles.Items))
		f.Notes = []finding.Note{
			{Label: "on AWS", Text: "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1"},
			{Label: "fix", Text: "keep one role, and attach the policies of the others to it"},
		}
		return f
	}
	return nil
}

// unusedProfile reports an empty profile that the environment uses, unless a
// fetch that fails for it is reported already.
func (r *run) unusedProfile(f *finding.Finding, p *cfn.Resource) *finding.Finding {
	set, ok := r.settings.Get(launchNamespace, profileOption)
	if !ok || fact.Equal(set.Value.Text, p.PhysicalID) != fact.Holds {
		return nil
	}
	for _, c := range r.chains {
		if c.Cause() != nil && emptyProfile(c) {
			return nil
		}
	}
	f.Message = "EC2 " + will(f) + " launch no instance: the environment's instance profile holds no role"
	f.Notes = []finding.Note{
		{Label: "on AWS", Text: "Invalid IAM Instance Profile name"},
		{Label: "fix", Text: "put the name of the instances' role into the list"},
	}
	return f
}
