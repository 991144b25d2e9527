package diagnose

import (
	"strings"

	"beanpole/internal/access"
	"beanpole/internal/check"
	"beanpole/internal/fact"
	"beanpole/internal/finding"
	"beanpole/internal/logs"
)

// Behind looks for the cause in what check found of the account itself, where
// logs and events show no more than that something failed: a fetch that cannot
// succeed is why. Nothing is concluded for a deployment that did not fail.
func (e *Explained) Behind(r *check.Report) {
	if len(e.Findings) > 0 || e.Outcome == Succeeded || e.Outcome == Recovered || e.Cause == nil && e.First == nil {
		return
	}
	if c := e.Cause; c != nil && (!c.Generic || c.Stage > PreBuild && c.Slug != "command-timeout" && !e.commandFailed()) {
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

// commandFailed: beside what they are taken for, the events say that the
// deployment itself failed on an instance, without saying where. Bad health is
// then what follows.
func (e *Explained) commandFailed() bool {
	if e.Cause.Stage != Health {
		return false
	}
	for _, r := range e.Read.Records {
		if r.Kind == logs.Event && !r.Time.Before(e.Began) && (strings.Contains(r.Text, "Command failed on instance") || strings.Contains(r.Text, "Instance deployment failed")) {
			return true
		}
	}
	return false
}

// sure: the fetch fails, whatever is not known.
func sure(c *access.Chain) bool { return c.Answer.Verdict == fact.Broken }
