// Package report shows to other programs, and in a browser, what check found:
// JSON, SARIF, GitHub's workflow commands, HTML. It decides nothing. Every text
// of the user's files passes through package finding first, which hides secrets
// and control characters.
package report

import (
	"beanpole/internal/access"
	"beanpole/internal/check"
	"beanpole/internal/fact"
	"beanpole/internal/finding"
	"beanpole/internal/source"
)

// Bundle is one bundle that was checked, or could not be.
type Bundle struct {
	Index    int    // in the order of the command line, from 0
	Path     string // as given
	Template string // file, "" when none was given
	Report   *check.Report
	Err      error // instead of Report
	// Name is how a file is called from where the command runs, Read its
	// content, nil when there is none.
	Name func(file string) string
	Read func(file string) []byte
}

// The JSON types below are a promise: docs/report.schema.json describes them,
// and Version changes with every change that a reader could stumble over.

// Version of the JSON document.
const Version = "1.0"

// Result is what came of one bundle.
type Result struct {
	Bundle     string       `json:"bundle"`
	Template   string       `json:"template,omitempty"`
	Error      string       `json:"error,omitempty"` // why it could not be checked
	Findings   []Finding    `json:"findings"`
	Suppressed []Suppressed `json:"suppressed"`
	Unsettled  []Finding    `json:"unsettled"`
	NotKnown   []string     `json:"notKnown"`
	Assumed    []string     `json:"assumed,omitempty"`
	Fetches    []Fetch      `json:"fetches"`
	Counts     Counts       `json:"counts"`
}

// Counts of one bundle, or of all.
type Counts struct {
	Bundles    int `json:"bundles"`
	Failed     int `json:"failed"` // bundles that could not be checked
	Findings   int `json:"findings"`
	Errors     int `json:"errors"`
	Warnings   int `json:"warnings"`
	Suppressed int `json:"suppressed"`
	Fetches    int `json:"fetches"`
	Broken     int `json:"broken"`
	Unsettled  int `json:"unsettled"`
	Sound      int `json:"sound"`
}

// Add adds the counts of another bundle.
func (c *Counts) Add(d Counts) {
	c.Bundles += d.Bundles
	c.Failed += d.Failed
	c.Findings += d.Findings
	c.Errors += d.Errors
	c.Warnings += d.Warnings
	c.Suppressed += d.Suppressed
	c.Fetches += d.Fetches
	c.Broken += d.Broken
	c.Unsettled += d.Unsettled
	c.Sound += d.Sound
}

// Finding as in package finding.
type Finding struct {
	Rule     string `json:"rule"`
	Severity string `json:"severity"`
	Certain  bool   `json:"certain"`
	Place    *Place `json:"place,omitempty"`
	Message  string `json:"message"`
	Notes    []Note `json:"notes"`
	Fixes    []Fix  `json:"fixes"`
}

// Place in a file. Lines and columns count from 1, columns in Unicode code
// points; offsets count bytes from 0. Zero lines: the whole file.
type Place struct {
	File      string `json:"file"`
	Line      int    `json:"line,omitempty"`
	Column    int    `json:"column,omitempty"`
	Offset    int    `json:"offset,omitempty"`
	EndLine   int    `json:"endLine,omitempty"`
	EndColumn int    `json:"endColumn,omitempty"`
}

// Note is a labelled line.
type Note struct {
	Label   string  `json:"label"`
	Text    string  `json:"text"`
	Command bool    `json:"command,omitempty"`
	Places  []Place `json:"places,omitempty"`
}

// Fix is one way to mend a finding.
type Fix struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	Price string `json:"price,omitempty"`
	Edits []Edit `json:"edits"`
}

// Edit replaces bytes Start to End of a file.
type Edit struct {
	File  string `json:"file"`
	Start int    `json:"start"`
	End   int    `json:"end"`
	Text  string `json:"text"`
}

// Suppressed is a finding that a comment silences.
type Suppressed struct {
	Finding
	Reason  string `json:"reason"`
	Comment *Place `json:"comment"`
}

// Fetch is one fetch with its chain.
type Fetch struct {
	Section string `json:"section"`
	Target  string `json:"target"`
	URL     string `json:"url"`
	Place   *Place `json:"place,omitempty"`
	Verdict string `json:"verdict"` // "holds": the file arrives
	Answer  Answer `json:"answer"`
	Links   []Link `json:"links"`
}

// Answer is the answer that ends a fetch, as far as it is known.
type Answer struct {
	From   string `json:"from,omitempty"`
	Status int    `json:"status,omitempty"`
	Code   string `json:"code,omitempty"`
}

// Link is one link of a chain.
type Link struct {
	Name    string  `json:"name"`
	Verdict string  `json:"verdict"` // "holds", "broken", "unknown"
	Says    string  `json:"says"`
	Missing string  `json:"missing,omitempty"`
	Places  []Place `json:"places,omitempty"`
}

func plain(s string) string { return finding.Wrap(s, 0, 0) }

// NewResult is a bundle's outcome as plain data.
func NewResult(b *Bundle) *Result {
	r := &Result{
		Bundle: plain(b.Path), Template: plain(b.Template), Counts: Count(b),
		Findings: []Finding{}, Suppressed: []Suppressed{}, Unsettled: []Finding{}, NotKnown: []string{}, Fetches: []Fetch{},
	}
	if b.Err != nil {
		r.Error = plain(b.Err.Error())
		return r
	}
	for _, f := range b.Report.Findings {
		r.Findings = append(r.Findings, b.finding(f))
	}
	for _, s := range b.Report.Suppressed {
		r.Suppressed = append(r.Suppressed, Suppressed{b.finding(s.Finding), plain(s.Reason), b.place(s.At, source.Pos{})})
	}
	for _, f := range b.Report.Unsettled {
		r.Unsettled = append(r.Unsettled, b.finding(f))
	}
	for _, s := range b.Report.NotKnown {
		r.NotKnown = append(r.NotKnown, plain(s))
	}
	for _, s := range b.Report.Assumed {
		r.Assumed = append(r.Assumed, plain(s))
	}
	for _, c := range b.Report.Chains {
		r.Fetches = append(r.Fetches, b.fetch(c))
	}
	return r
}

// Count counts what a bundle's report holds.
func Count(b *Bundle) Counts {
	c := Counts{Bundles: 1}
	if b.Err != nil {
		c.Failed = 1
		return c
	}
	for _, f := range b.Report.Findings {
		if f.Severity == finding.Error {
			c.Errors++
		} else {
			c.Warnings++
		}
	}
	c.Findings, c.Suppressed, c.Fetches = len(b.Report.Findings), len(b.Report.Suppressed), len(b.Report.Chains)
	for _, chain := range b.Report.Chains {
		switch verdict(chain) {
		case fact.Broken:
			c.Broken++
		case fact.Holds:
			c.Sound++
		default:
			c.Unsettled++
		}
	}
	return c
}

// verdict is how a fetch ends: broken as soon as a link is.
func verdict(c *access.Chain) fact.Verdict {
	if c.Cause() != nil {
		return fact.Broken
	}
	return c.Answer.Verdict
}

func (b *Bundle) place(at, end source.Pos) *Place {
	if at.File == "" {
		return nil
	}
	name := at.File
	if b.Name != nil {
		name = b.Name(at.File)
	}
	p := &Place{File: plain(name), Line: at.Line, Column: at.Col, Offset: at.Offset}
	if at.IsValid() && end.IsValid() && (end.Line > at.Line || end.Line == at.Line && end.Col > at.Col) {
		p.EndLine, p.EndColumn = end.Line, end.Col
	}
	return p
}

func (b *Bundle) places(at []source.Pos) (out []Place) {
	for _, p := range at {
		if q := b.place(p, source.Pos{}); q != nil {
			out = append(out, *q)
		}
	}
	return out
}

func (b *Bundle) finding(f *finding.Finding) Finding {
	out := Finding{
		Rule: f.Rule, Severity: string(f.Severity), Certain: f.Certain, Place: b.place(f.Pos, f.End),
		Message: plain(f.Message), Notes: []Note{}, Fixes: []Fix{},
	}
	for _, n := range f.Notes {
		out.Notes = append(out.Notes, Note{n.Label, plain(n.Text), n.Command, b.places(n.At)})
	}
	for i := range f.Fixes {
		out.Fixes = append(out.Fixes, b.fix(&f.Fixes[i]))
	}
	return out
}

// fix is a way to mend; its edits are left out where they hold a secret.
func (b *Bundle) fix(f *finding.Fix) Fix {
	out := Fix{f.Name, plain(f.Title), plain(f.Price), []Edit{}}
	for _, e := range f.Edits {
		if finding.Secret(e.New) {
			out.Edits = []Edit{}
			break
		}
		out.Edits = append(out.Edits, Edit{b.place(source.Pos{File: e.File}, source.Pos{}).File, e.Start, e.End, e.New})
	}
	return out
}

func (b *Bundle) fetch(c *access.Chain) Fetch {
	f := Fetch{
		Section: c.Fetch.Section, Target: plain(c.Fetch.Target), URL: plain(c.Fetch.URL), Place: b.place(c.Fetch.URLAt, source.Pos{}),
		Verdict: verdict(c).String(), Links: []Link{},
	}
	if c.Answer.Verdict != fact.Unknown {
		f.Answer = Answer{string(c.Answer.From), c.Answer.Status, c.Answer.Code}
	}
	for _, l := range c.Links {
		f.Links = append(f.Links, Link{string(l.Name), l.Verdict.String(), plain(l.Says), plain(l.Missing), b.places(l.At)})
	}
	return f
}
