package check

import "beanpole/internal/finding"

var templateRefused = &Rule{
	Slug:  "template-refused",
	Title: "CloudFormation refuses what .ebextensions add",
	Why: `Resources, Parameters, Mappings, Conditions and Outputs of all configuration files
become part of the environment's CloudFormation template. A reference to something
that is not in it, or a resource without a type, makes CloudFormation refuse the
whole template, and with it the deployment.`,
	Before: "SecurityGroups: [{Ref: sg-0123456789abcdef0}]",
	After:  "SecurityGroups: [sg-0123456789abcdef0]",
	Since:  "0.1.0",

	find: func(r *run) []*finding.Finding {
		if r.refused == nil {
			return nil
		}
		f := &finding.Finding{
			Rule: "template-refused", Severity: finding.Error, Certain: true, Pos: r.refused.Pos,
			Message: "CloudFormation will refuse the environment's template",
			Notes:   []finding.Note{{Label: "on AWS", Text: r.refused.What}},
		}
		if r.refused.Remedy != "" {
			f.Notes = append(f.Notes, finding.Note{Label: "fix", Text: r.refused.Remedy})
		}
		return []*finding.Finding{f}
	},
}
