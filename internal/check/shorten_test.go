package check

import (
	"strings"
	"testing"

	"beanpole/internal/finding"
	"beanpole/internal/source"
)

func TestLongListsAreShortened(t *testing.T) {
	list := func(rule, file string, n int) (out []*finding.Finding) {
		for i := range n {
			out = append(out, &finding.Finding{Rule: rule, Severity: finding.Warning, Certain: true, Pos: source.Pos{File: file, Line: i + 1}})
		}
		return out
	}
	many := list("a", "f", 500)
	many[300].Severity, many[400].Certain = finding.Error, false
	r := &Report{Findings: append(append(many, list("a", "g", most)...), list("b", "f", most+1)...), NotKnown: make([]string, 250)}
	r.Shorten()
	if want := most + 1 + most + most + 1; len(r.Findings) != want {
		t.Fatalf("%d findings, want %d", len(r.Findings), want)
	}
	f := r.Findings[most]
	if !strings.HasPrefix(f.Message, "400 more findings of this rule") || f.Pos.Line != most+1 || f.Severity != finding.Error || f.Certain {
		t.Errorf("%+v", f)
	}
	if len(r.NotKnown) != most+1 || !strings.HasPrefix(r.NotKnown[most], "150 more") {
		t.Errorf("%d things not known, the last: %q", len(r.NotKnown), r.NotKnown[len(r.NotKnown)-1])
	}
	before := len(r.Findings)
	if r.Shorten(); len(r.Findings) != before || len(r.NotKnown) != most+1 {
		t.Error("what is short does not stay as it is")
	}
}
