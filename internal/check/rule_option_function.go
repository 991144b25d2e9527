package check

import (
	"fmt"

	"beanpole/internal/ebext"
	"beanpole/internal/finding"
)

var optionFunction = &Rule{
	Slug:  "option-function",
	Title: "a function stands as an option's value",
	Why: `option_settings are read before CloudFormation is, so a function that stands there as
a mapping is taken for its own text. Options that hold a list or a number refuse it:
  Not a comma-separated string or array: '{"Fn::GetOptionSetting":{…}}'
and an environment property holds the text {"Ref":…} then. Only written as text, in
backticks, is a function kept for CloudFormation.`,
	Before: `option_settings:
  aws:ec2:instances:
    InstanceTypes: {"Fn::GetOptionSetting": {OptionName: TYPE}}`,
	After: `option_settings:
  aws:ec2:instances:
    InstanceTypes: t3.small`,
	Since: "0.1.0",

	find: func(r *run) (out []*finding.Finding) {
		for i := range r.x.Structured {
			s := &r.x.Structured[i]
			if !isCall(s.Value) {
				continue
			}
			if f := r.functionFor(s); f != nil {
				out = append(out, f)
			}
		}
		return out
	},
}

// lists are the options that take a list, as a text with commas.
var lists = map[string]bool{
	"InstanceTypes": true, "SecurityGroups": true, "Subnets": true, "ELBSubnets": true, "DBSubnets": true,
	"SSLCertificateArns": true, "Rules": true, "HostHeaders": true, "PathPatterns": true,
}

func (r *run) functionFor(s *ebext.Setting) *finding.Finding {
	f := r.settingFinding("option-function", finding.Warning, s)
	text := string(s.Value.JSON())
	if lists[s.Option] && s.Namespace != propertyNamespace {
		f.Severity = finding.Error
		f.Message = fmt.Sprintf("Elastic Beanstalk will refuse the deployment: it does not carry out functions here, and %s takes a list", s.Option)
		f.Notes = []finding.Note{
			{Label: "on AWS", Text: "Not a comma-separated string or array: '" + text + "'"},
			{Label: "fix", Text: "write the value itself, or set the option in the template that makes the environment"},
		}
		return f
	}
	f.Certain = false
	f.Message = fmt.Sprintf("%s may get the text of this function: Elastic Beanstalk does not carry out functions here", s.Option)
	f.Notes = []finding.Note{
		{Label: "cause", Text: "option_settings are read before CloudFormation is, which carries out functions"},
		{Label: "fix", Text: "write it as a text in backticks:   '`" + text + "`'   or write the value itself"},
	}
	return f
}
