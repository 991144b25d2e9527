package check

import (
	"fmt"

	"beanpole/internal/cfninit"
	"beanpole/internal/finding"
	"beanpole/internal/source"
)

var buildRefused = &Rule{
	Slug:  "build-refused",
	Title: "cfn-init stops at this configuration",
	Why: `cfn-init reads everything before it does anything, and what has not the shape that
it expects ends the deployment with "Error occurred during build:" and a word of
its interpreter. Mostly an indentation is lost: a list stands where names with
values belong, or a block's values stand beside its name instead of below it.`,
	Before: `AWS::CloudFormation::Authentication:
  S3Auth:
  type: S3
  roleName: web`,
	After: `AWS::CloudFormation::Authentication:
  S3Auth:
    type: S3
    roleName: web`,
	Since: "0.1.0",

	find: func(r *run) []*finding.Finding {
		var out []*finding.Finding
		if r.build != nil {
			out = append(out, refused(r.build, source.Pos{File: r.in.Bundle.Path()}))
		}
		out = append(out, faults(r.plan, r.placeOf)...)
		for _, h := range r.plain {
			if h.build != nil {
				out = append(out, refused(h.build, h.resource.Pos))
			}
			out = append(out, faults(h.plan, func(*cfninit.Config) source.Pos { return h.resource.Pos })...)
		}
		return out
	},
}

// faults are the steps of a plan at which the build ends.
func faults(p *cfninit.Plan, at func(*cfninit.Config) source.Pos) (out []*finding.Finding) {
	if p == nil {
		return nil
	}
	for _, set := range p.Sets {
		for _, c := range set.Configs {
			for _, step := range c.Steps {
				if step.Fault != nil {
					out = append(out, refused(step.Fault, at(c)))
				}
			}
		}
	}
	return out
}

func refused(e *cfninit.BuildError, at source.Pos) *finding.Finding {
	f := &finding.Finding{
		Rule: "build-refused", Severity: finding.Error, Certain: true, Pos: at,
		Message: "cfn-init will stop here, and the deployment with it",
	}
	if e.Pos.IsValid() {
		f.Pos = e.Pos
	}
	if e.Means != "" {
		f.Notes = append(f.Notes, finding.Note{Label: "cause", Text: e.Means})
	}
	f.Notes = append(f.Notes, finding.Note{Label: "on AWS", Text: fmt.Sprintf("Error occurred during build: %s", e)})
	return f
}

// placeOf is the file that a config was made of.
func (r *run) placeOf(c *cfninit.Config) source.Pos {
	for _, f := range r.x.Files {
		pre, post := f.ConfigNames(r.application)
		if c.Name == pre || c.Name == post {
			return source.Pos{File: f.Name, Line: 1, Col: 1}
		}
	}
	return source.Pos{File: r.in.Bundle.Path()}
}
