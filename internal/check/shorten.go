package check

import (
	"fmt"

	"beanpole/internal/finding"
)

// most is how many findings of one rule in one file are listed, and how many
// things that are not known: more help nobody, and a hostile file has a
// hundred thousand.
const most = 100

// Shorten leaves out what a list has too much of, and says in its place how much
// that is. For people and programs that read findings; who mends wants all.
func (r *Report) Shorten() {
	r.Findings, r.Unsettled = shortened(r.Findings), shortened(r.Unsettled)
	if n := len(r.NotKnown) - most; n > 1 {
		r.NotKnown = append(r.NotKnown[:most:most], fmt.Sprintf("%d more things are not known and not listed", n))
	}
}

func shortened(fs []*finding.Finding) []*finding.Finding {
	if len(fs) <= most+1 {
		return fs
	}
	type key struct{ rule, file string }
	total, met := map[key]int{}, map[key]int{}
	for _, f := range fs {
		total[key{f.Rule, f.Pos.File}]++
	}
	rest := map[key]*finding.Finding{}
	var out []*finding.Finding
	for _, f := range fs {
		k := key{f.Rule, f.Pos.File}
		met[k]++
		if met[k] <= most || total[k] == most+1 {
			out = append(out, f)
			continue
		}
		if rest[k] == nil {
			rest[k] = &finding.Finding{Rule: f.Rule, Severity: f.Severity, Certain: true, Pos: f.Pos, End: f.End,
				Message: fmt.Sprintf("%d more findings of this rule in this file are not listed; this is the first of them", total[k]-most)}
			out = append(out, rest[k])
		}
		if f.Severity == finding.Error {
			rest[k].Severity = f.Severity
		}
		rest[k].Certain = rest[k].Certain && f.Certain
	}
	return out
}
