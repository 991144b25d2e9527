package check

import (
	"fmt"
	"strings"

	"beanpole/internal/cfn"
	"beanpole/internal/fact"
	"beanpole/internal/finding"
	"beanpole/internal/source"
)

var roleAsProfile = &Rule{
	Slug:  "role-as-profile",
	Title: "a role stands where an instance profile belongs",
	Why: `Instances get an instance profile, and the profile holds a role. They are two
resources of CloudFormation with two names and two ARNs. Given a role's ARN,
Elastic Beanstalk refuses the environment with
  The instance profile arn:aws:iam::…:role/… associated with the environment is invalid.
and given a role's name, after which no profile is called, with
  The instance profile … associated with the environment does not exist.
EC2 and Auto Scaling answer "Invalid IAM Instance Profile".`,
	Before: `- Namespace: aws:autoscaling:launchconfiguration
  OptionName: IamInstanceProfile
  Value: !GetAtt InstanceRole.Arn`,
	After: `- Namespace: aws:autoscaling:launchconfiguration
  OptionName: IamInstanceProfile
  Value: !Ref InstanceProfile`,
	Since: "0.1.0",

	find: func(r *run) (out []*finding.Finding) {
		if set, ok := r.settings.Get(launchNamespace, profileOption); ok {
			f := r.settingFinding("role-as-profile", finding.Error, set)
			if r.takesRole(f, set.Value, false) {
				f.Message = "Elastic Beanstalk " + will(f) + " refuse the environment: " + f.Message
				text := fact.Show(set.Value.Text)
				if strings.HasPrefix(set.Value.Text, "arn:") {
					text = "The instance profile " + text + " associated with the environment is invalid."
				} else {
					text = "The instance profile " + text + " associated with the environment does not exist."
				}
				f.Notes = append([]finding.Note{{Label: "on AWS", Text: text}}, f.Notes...)
				out = append(out, f)
			}
		}
		return append(out, r.rolesOnInstances()...)
	},
}

// instanceProfiles are the properties of EC2's own resources that take an
// instance profile.
var instanceProfiles = map[string][][]string{
	"AWS::EC2::Instance":                    {{"IamInstanceProfile"}},
	"AWS::AutoScaling::LaunchConfiguration": {{"IamInstanceProfile"}},
	"AWS::EC2::LaunchTemplate": {{"LaunchTemplateData", "IamInstanceProfile", "Name"},
		{"LaunchTemplateData", "IamInstanceProfile", "Arn"}},
}

// rolesOnInstances are roles given to instances that a template makes itself.
func (r *run) rolesOnInstances() (out []*finding.Finding) {
	for kind, paths := range instanceProfiles {
		for _, res := range r.resources(kind) {
			for _, path := range paths {
				v := res.Properties.At(path...)
				f := &finding.Finding{Rule: "role-as-profile", Severity: finding.Error, Certain: res.Created == fact.Holds}
				if v == nil || !r.takesRole(f, v, path[len(path)-1] == "Arn") {
					continue
				}
				f.Pos, f.End = v.Pos, v.End
				f.Message = "EC2 " + will(f) + " launch no instance: " + f.Message
				f.Notes = append([]finding.Note{{Label: "on AWS", Text: "Invalid IAM Instance Profile"}}, f.Notes...)
				out = append(out, f)
			}
		}
	}
	return out
}

// takesRole fills a finding in when v, where an instance profile belongs, is a
// role. arnOnly: the property takes an ARN, so that Ref is no remedy.
func (r *run) takesRole(f *finding.Finding, v *source.Node, arnOnly bool) bool {
	text, ok := v.Str()
	if !ok {
		return false
	}
	var role *cfn.Resource
	switch {
	case strings.HasPrefix(text, "arn:") && strings.Contains(text, ":iam::") && strings.Contains(text, ":role/"):
		f.Message = "this is the ARN of a role, not of an instance profile"
	default:
		if role = r.roleReferred(v, text); role == nil {
			return false
		}
		f.Message = fmt.Sprintf("this is the role %s, not an instance profile", role.LogicalID)
		// a profile of the role's own, explicit name may exist elsewhere
		f.Certain = f.Certain && !fact.Known(text)
	}
	f.Notes = append(f.Notes, finding.Note{Label: "cause", Text: "an instance profile is a resource of its own, which holds the role"})
	for _, o := range v.From {
		f.Notes[0].At = appendPlace(f.Notes[0].At, o.Pos)
	}
	fix := "make an AWS::IAM::InstanceProfile with the role in its Roles, and refer to that"
	if p := r.profileOf(text); p != nil {
		ref := r.refTo(v.Pos.File, p.LogicalID)
		if arnOnly {
			ref = `{"Fn::GetAtt": ["` + p.LogicalID + `", "Arn"]}`
		}
		fix = "write   " + ref + "   (the instance profile that holds this role)"
		if v.Pos.File == p.Pos.File {
			f.Fixes = r.rewritten(v, "profile", "refer to instance profile "+p.LogicalID, ref)
		}
	}
	f.Notes = append(f.Notes, finding.Note{Label: "fix", Text: fix})
	return true
}

// roleReferred is the role that v refers to by Ref, when no profile is known
// to have its name.
func (r *run) roleReferred(v *source.Node, text string) *cfn.Resource {
	if len(v.From) == 0 {
		return nil
	}
	logical, ok := strings.CutPrefix(v.From[0].What, "Ref ")
	if !ok {
		return nil
	}
	roles, _ := r.named("AWS::IAM::Role", text)
	for _, role := range roles {
		if role.LogicalID != logical {
			continue
		}
		if is, may := r.named("AWS::IAM::InstanceProfile", text); len(is)+len(may) > 0 {
			return nil
		}
		return role
	}
	return nil
}

// profileOf is the profile that holds a role, given by name or ARN; nil when
// there is none.
func (r *run) profileOf(role string) *cfn.Resource {
	for _, p := range r.resources("AWS::IAM::InstanceProfile") {
		roles := p.Properties.Get("Roles")
		if roles == nil || len(roles.Items) != 1 {
			continue
		}
		name := roles.Items[0].TextOr("")
		if fact.Equal(name, role) == fact.Holds || name != "" && strings.HasSuffix(role, "/"+name) {
			return p
		}
	}
	return nil
}

// will is the verb of a finding's message.
func will(f *finding.Finding) string {
	if f.Certain {
		return "will"
	}
	return "may"
}
