package check

import "beanpole/internal/finding"

var notKnown = &Rule{
	Slug:  "not-known",
	Title: "the input leaves open whether it works (with --strict)",
	Why: `What was given does not settle whether a fetch succeeds, or what AWS makes of a
file: a bucket's policy, an option that the console sets, a saved configuration
that lies elsewhere. That is no mistake, and without --strict it is said below
the findings and counts as none. With --strict it is a finding, so that a pull
request is only clean when all is known.`,
	Before: "beanpole check app --strict",
	After:  "beanpole check app --strict --template infra.yaml --region eu-west-1",
	Since:  "0.1.0",

	review: func(r *run, _ []*finding.Finding) (out []*finding.Finding) {
		if !r.in.Strict {
			return nil
		}
		for _, f := range r.unsettled() {
			f.Rule, f.Severity = "not-known", finding.Warning
			f.Message = "not known: " + f.Message
			out = append(out, f)
		}
		for _, what := range r.notKnown {
			out = append(out, &finding.Finding{Rule: "not-known", Severity: finding.Warning, Message: "not known: " + what})
		}
		return out
	},
}
