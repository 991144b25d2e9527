package diagnose

import (
	"path"
	"slices"
	"strings"

	"beanpole/internal/access"
	"beanpole/internal/cfninit"
	"beanpole/internal/check"
	"beanpole/internal/fact"
	"beanpole/internal/finding"
	"beanpole/internal/source"
)

// Explained is a diagnosis beside what check says of the same deployment's
// bundle and template.
type Explained struct {
	*Diagnosis
	// Findings are those that explain the cause, nil when none does.
	Findings []*finding.Finding
	// Chain is that of the fetch which failed, nil when it was none of the plan.
	Chain *access.Chain
	// At are the places in the bundle that the failed step stands in.
	At []source.Pos
	// Settled: the findings leave nothing open.
	Settled bool
	// found: the finding explains a failure of which the logs do not say why.
	found bool
}

// Explain looks for the failed step in what check found.
func Explain(d *Diagnosis, r *check.Report) *Explained {
	e := &Explained{Diagnosis: d}
	if d.Cause == nil {
		return e
	}
	e.place(r)
	rules := d.Cause.rules()
	for _, c := range r.Chains {
		if c.Fetch.URL != d.Cause.Groups["url"] {
			continue
		}
		e.Chain = c
		e.At = append(e.At, c.Fetch.URLAt)
		if d.Cause.Slug == refusedByS3 {
			if known := c.Unsigned(); known != nil { // what was open, the log says
				c = known
			}
		}
		if f := check.Explain(c); f != nil && (slices.Contains(rules, f.Rule) || d.Cause.shownBy(c)) {
			e.Findings = []*finding.Finding{e.reported(r, f)}
		}
	}
	if e.Findings == nil {
		for _, f := range r.Findings {
			if slices.Contains(rules, f.Rule) && e.fits(f) {
				e.Findings = append(e.Findings, f)
			}
		}
	}
	e.Settled = len(e.Findings) > 0 && e.Findings[0].Certain
	return e
}

// refusedByS3 is the cause that S3's answer 403 AccessDenied shows.
const refusedByS3 = "fetch-denied"

// shownBy: of several mistakes the log shows the one that the agent met; the
// first of the chain is the one to mend.
func (c *Cause) shownBy(chain *access.Chain) bool {
	return slices.ContainsFunc(c.Links, func(n access.LinkName) bool { return chain.Link(n).Verdict == fact.Broken })
}

// reported is f as the report has it, with fixes and places.
func (e *Explained) reported(r *check.Report, f *finding.Finding) *finding.Finding {
	for _, g := range r.Findings {
		if g.Rule == f.Rule && (g.Pos == f.Pos || g.Message == f.Message) {
			return g
		}
	}
	return f
}

// May reports whether a rule of check finds this cause, or one behind it.
func (c *Cause) May(rule string) bool { return slices.Contains(c.rules(), rule) }

// rules are check's rules that find the cause, or one behind it.
func (c *Cause) rules() []string {
	out := append([]string{c.Slug}, c.Rules...)
	for _, b := range c.Of {
		out = append(out, b.Rules...)
	}
	return out
}

// fits reports whether a finding is about the file or name that the log names.
func (e *Explained) fits(f *finding.Finding) bool {
	file := e.Cause.Groups["file"]
	return file == "" || strings.HasSuffix(f.Pos.File, path.Base(file)) || strings.Contains(f.Message, file)
}

// place finds the command, hook or configuration that the log names.
func (e *Explained) place(r *check.Report) {
	name, file := e.Cause.Groups["name"], e.Cause.Groups["file"]
	if r.Plan != nil && name != "" {
		for _, s := range r.Plan.Sets {
			for _, c := range s.Configs {
				e.commands(c, name, file)
			}
		}
	}
	if len(e.At) == 0 && strings.HasPrefix(file, ".") {
		e.At = append(e.At, source.Pos{File: file, Line: 1, Col: 1})
	}
}

func (e *Explained) commands(c *cfninit.Config, name, file string) {
	for _, s := range c.Steps {
		if s.Command != nil && s.Command.Name == name && (file == "" || s.Command.Pos.File == file) {
			e.At = append(e.At, s.Command.Pos)
		}
	}
}
