package check

import (
	"strings"

	"beanpole/internal/finding"
	"beanpole/internal/source"
)

var secureReference = &Rule{
	Slug:  "secure-reference",
	Title: "an option setting cannot refer to an SSM secure string",
	Why: `CloudFormation resolves {{resolve:ssm-secure:…}} in a few properties of a few resource
types only, and the option settings of Elastic Beanstalk are not among them:
  SSM Secure reference is not supported in: [AWS::ElasticBeanstalk::Environment/Properties/OptionSettings]
{{resolve:ssm:…}} and {{resolve:secretsmanager:…}} are resolved, and stand in plain text
in the environment's configuration then.`,
	Before: `- Namespace: aws:elasticbeanstalk:application:environment
  OptionName: DB_PASSWORD
  Value: '{{resolve:ssm-secure:/shop/db:1}}'`,
	After: `- Namespace: aws:elasticbeanstalk:application:environmentsecrets
  OptionName: DB_PASSWORD
  Value: arn:aws:ssm:eu-west-1:123456789012:parameter/shop/db`,
	Since: "0.1.0",

	find: func(r *run) (out []*finding.Finding) {
		if r.in.Template == nil {
			return nil
		}
		for _, d := range r.in.Template.Resources {
			if d.Type != "AWS::ElasticBeanstalk::Environment" && d.Type != "AWS::ElasticBeanstalk::ConfigurationTemplate" {
				continue
			}
			for _, n := range secureTexts(d.Node.At("Properties", "OptionSettings"), nil) {
				f := &finding.Finding{Rule: "secure-reference", Severity: finding.Error, Certain: true, Pos: n.Pos, End: n.End,
					Message: "CloudFormation will refuse the template: an option setting cannot refer to an SSM secure string"}
				f.Notes = []finding.Note{
					{Label: "on AWS", Text: "SSM Secure reference is not supported in: [" + d.Type + "/Properties/OptionSettings]"},
					{Label: "fix", Text: "set the parameter's ARN as an option of aws:elasticbeanstalk:application:environmentsecrets, which the instances resolve; or let the application read the parameter"},
				}
				out = append(out, f)
			}
		}
		return out
	},
}

// secureTexts adds the texts below a node that refer to a secure string.
func secureTexts(n *source.Node, out []*source.Node) []*source.Node {
	if n == nil {
		return out
	}
	if n.Kind == source.String && strings.Contains(n.Text, "{{resolve:ssm-secure:") {
		out = append(out, n)
	}
	for _, it := range n.Items {
		out = secureTexts(it, out)
	}
	for _, f := range n.Fields {
		out = secureTexts(f.Value, out)
	}
	return out
}
