package check

import (
	"fmt"

	"beanpole/internal/ebext"
	"beanpole/internal/fact"
	"beanpole/internal/finding"
	"beanpole/internal/source"
)

var resourceCondition = &Rule{
	Slug:  "resource-condition",
	Title: "a Condition of .ebextensions leaves a resource out",
	Why: `Elastic Beanstalk merges Conditions into the environment's template, but does not reckon
with a resource that is not made because its Condition is false: it asks for the
resource all the same, and the deployment ends with "Unresolved resource
dependencies". Conditions that are true do no harm.`,
	Before: `Resources:
  Alarm:
    Type: AWS::CloudWatch::Alarm
    Condition: IsProduction`,
	After: `# a configuration file for production only, put into the bundle when it is made`,
	Since: "0.1.0",

	find: func(r *run) (out []*finding.Finding) {
		for _, e := range r.entries("Resources") {
			if e.value == nil || e.value.Kind != source.Map || e.get("Condition") == nil || r.stack == nil || e.name.Text == ebext.Group {
				continue
			}
			res := r.stack.Resource(e.name.Text)
			if res != nil && res.Created != fact.Broken {
				continue
			}
			f := keyFinding("resource-condition", finding.Warning, e.key("Condition"))
			f.Certain = false
			f.Message = fmt.Sprintf("the deployment may fail: the Condition of %q is false, and Elastic Beanstalk asks for the resource all the same", e.name.Text)
			note(f, "on AWS", fmt.Sprintf("Service:AmazonCloudFormation, Message:Template format error: Unresolved resource dependencies [%s] in the Resources block of the template", e.name.Text))
			note(f, "fix", "leave the configuration file out of the bundle instead, or make the resource always")
			out = append(out, f)
		}
		return out
	},
}
