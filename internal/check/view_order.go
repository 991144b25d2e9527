package check

import (
	"fmt"
	"strconv"
	"strings"

	"beanpole/internal/ebext"
	"beanpole/internal/finding"
	"beanpole/internal/source"
)

// pair is an option with its default.
type pair struct{ option, otherwise string }

// settingOr is the setting of an option that is in force, its default when
// nobody made one.
func (r *run) settingOr(namespace string, p pair) *ebext.Setting {
	if s := r.setting(namespace, p.option); s != nil {
		return s
	}
	return &ebext.Setting{Namespace: namespace, Option: p.option, Value: source.NewString(p.otherwise, source.Pos{})}
}

// order reports two options of a namespace of which the small one is more than
// the large one, or as much where that is not allowed, at the one that somebody
// made.
func (r *run) order(namespace string, small, large pair, strict bool) *finding.Finding {
	setA, setB := r.settingOr(namespace, small), r.settingOr(namespace, large)
	a, b := setA.Value.TextOr(""), setB.Value.TextOr("")
	x, errX := strconv.Atoi(strings.TrimSpace(a))
	y, errY := strconv.Atoi(strings.TrimSpace(b))
	if errX != nil || errY != nil || x < y || x == y && !strict {
		return nil
	}
	at, other := setA, setB
	if setA.Level == ebext.Default {
		at, other = setB, setA
	}
	if at.Level == ebext.Default {
		return nil
	}
	f := r.settingFinding("", finding.Error, at)
	f.Certain = r.direct || other.Level > ebext.Default
	note := finding.Note{Label: "with", Text: fmt.Sprintf("%s %s", other.Option, other.Value.Text)}
	if other.Level == ebext.Default {
		note.Text += ", the default: nothing sets the option"
		if !f.Certain {
			f.Severity = finding.Warning
			note.Text += " in what was given"
		}
	} else {
		note.At = appendPlace(nil, other.Value.Place())
	}
	need := "at least"
	if strict {
		need = "more than"
	}
	f.Message = fmt.Sprintf("Elastic Beanstalk %s refuse the deployment: %s %s does not go with %s %s", will(f), small.option, a, large.option, b)
	f.Notes = []finding.Note{note, {Label: "fix", Text: fmt.Sprintf("make %s %s %s", large.option, need, a)}}
	return f
}
