package check

import (
	"fmt"
	"slices"

	"beanpole/internal/finding"
	"beanpole/internal/source"
)

var resourceAttribute = &Rule{
	Slug:  "resource-attribute",
	Title: "a resource's property stands beside Properties",
	Why: `A resource has a handful of attributes: Type, Properties, Metadata, DependsOn and some
policies. What belongs to it as a thing stands below Properties. One level higher,
CloudFormation refuses the template, and some of Elastic Beanstalk's own checks do so
before: "Template does not have a numeric EvaluationPeriods setting".`,
	Before: `Alarm:
  Type: AWS::CloudWatch::Alarm
  EvaluationPeriods: 2`,
	After: `Alarm:
  Type: AWS::CloudWatch::Alarm
  Properties:
    EvaluationPeriods: 2`,
	Since: "0.1.0",

	find: func(r *run) (out []*finding.Finding) {
		for _, e := range r.entries("Resources") {
			if e.value == nil || e.value.Kind != source.Map || computed(e.value) {
				continue
			}
			for _, field := range e.value.Fields {
				key := field.Key
				if slices.Contains(resourceAttributes, key.Text) {
					continue
				}
				f := keyFinding("resource-attribute", finding.Error, key)
				f.Message = fmt.Sprintf("CloudFormation will refuse the environment's template: a resource has no attribute %q", key.Text)
				note(f, "on AWS", fmt.Sprintf("Template format error: Invalid template resource property '%s'", key.Text))
				if to := nearest(key.Text, resourceAttributes); to != "" && e.get(to) == nil {
					note(f, "fix", "write   "+to+":")
					f.Fixes = append(f.Fixes, rename(key, to))
				} else {
					note(f, "fix", "indent it below   Properties:")
				}
				out = append(out, f)
			}
		}
		return out
	},
}

// resourceAttributes are those of CloudFormation [CFN:aws-product-attribute-reference]
// and the undocumented one with which a bundle removes a resource of Elastic
// Beanstalk's [samples:securitygroup-disable-auto-use-existing.config].
var resourceAttributes = []string{"Type", "Properties", "Metadata", "DependsOn", "Condition", "CreationPolicy", "UpdatePolicy",
	"DeletionPolicy", "UpdateReplacePolicy", "Description", "CmpFn::Remove", "CmpFn::Insert"}
