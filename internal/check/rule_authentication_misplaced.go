package check

import (
	"fmt"

	"beanpole/internal/ebext"
	"beanpole/internal/finding"
	"beanpole/internal/source"
)

const (
	initMetadata = "AWS::CloudFormation::Init"
	authMetadata = "AWS::CloudFormation::Authentication"
)

var authenticationMisplaced = &Rule{
	Slug:  "authentication-misplaced",
	Title: "nothing reads this Authentication",
	Why: `On an environment's instances cfn-init reads the Metadata of AWSEBAutoScalingGroup
and of nothing else. AWS::CloudFormation::Authentication in the Metadata of another
resource, or of the environment in the template that creates it, has no effect: fetches that ask for its blocks are not signed, without a word.`,
	Before: `Resources:
  AWSEBSecurityGroup:
    Metadata:
      AWS::CloudFormation::Authentication:`,
	After: `Resources:
  AWSEBAutoScalingGroup:
    Metadata:
      AWS::CloudFormation::Authentication:`,
	Since: "0.1.0",

	find: func(r *run) []*finding.Finding {
		var out []*finding.Finding
		for _, e := range r.entries("Resources") {
			if e.value != nil {
				out = append(out, misplaced(e.name, e.value)...)
			}
		}
		if r.in.Template != nil {
			for _, d := range r.in.Template.Resources {
				if d.Type == "AWS::ElasticBeanstalk::Environment" {
					out = append(out, misplaced(&source.Node{Text: d.LogicalID}, d.Node)...)
				}
			}
		}
		return out
	},
}

// misplaced looks for Authentication in a resource where cfn-init does not: one
// that has an Init of its own may be read by a cfn-init of its own.
func misplaced(name, resource *source.Node) []*finding.Finding {
	metadata := resource.Get("Metadata")
	if name.Text == ebext.Group || metadata == nil || metadata.Get(initMetadata) != nil {
		return nil
	}
	var out []*finding.Finding
	for _, f := range metadata.Entries() {
		if f.Key.Text == authMetadata {
			out = append(out, &finding.Finding{
				Rule: "authentication-misplaced", Severity: finding.Warning, Certain: true, Pos: f.Key.Pos, End: f.Key.End,
				Message: fmt.Sprintf("no fetch will be signed with this: cfn-init does not read %s of %q, only that of %s", authMetadata, name.Text, ebext.Group),
				Notes:   []finding.Note{{Label: "fix", Text: "move it to Resources: " + ebext.Group + ": Metadata: in a configuration file"}},
			})
		}
	}
	return out
}
