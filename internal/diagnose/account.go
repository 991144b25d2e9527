package diagnose

import (
	"beanpole/internal/access"
	"beanpole/internal/check"
	"beanpole/internal/fact"
	"beanpole/internal/finding"
)

// Behind looks for the cause in what check found of the account itself, where
// logs and events show no more than that something failed: a fetch that cannot
// succeed is why. Nothing is concluded for a deployment that did not fail.
func (e *Explained) Behind(r *check.Report) {
	if len(e.Findings) > 0 || e.Outcome == Succeeded || e.Outcome == Recovered || e.Cause == nil && e.First == nil {
		return
	}
	if c := e.Cause; c != nil && (!c.Generic || c.Stage > PreBuild && c.Slug != "command-timeout") {
		return // fetches come first: what failed later did not fail for want of a file
	}
	for _, c := range r.Chains {
		if !sure(c) {
			continue
		}
		if f := check.Explain(c); f != nil {
			f = e.reported(r, f)
			e.Findings, e.Chain, e.Settled, e.found = []*finding.Finding{f}, c, true, true
			e.At = append(e.At, c.Fetch.URLAt)
			return
		}
	}
}

// sure: the fetch fails, whatever is not known.
func sure(c *access.Chain) bool { return c.Answer.Verdict == fact.Broken }
