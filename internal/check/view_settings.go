package check

import (
	"unicode/utf8"

	"beanpole/internal/cfn"
	"beanpole/internal/ebext"
	"beanpole/internal/fact"
	"beanpole/internal/finding"
	"beanpole/internal/source"
)

// made are the option settings in force that somebody made, one an option.
func (r *run) made() []*ebext.Setting {
	if r.inForce == nil {
		all := r.settings.InForce()
		r.inForce, r.byOption = []*ebext.Setting{}, make(map[[2]string]*ebext.Setting, len(all))
		for i := range all {
			r.byOption[[2]string{all[i].Namespace, all[i].Option}] = &all[i]
			if s := &all[i]; s.Level > ebext.Default && (s.Pos.IsValid() || r.given(s)) {
				r.inForce = append(r.inForce, s)
			}
		}
	}
	return r.inForce
}

// setting is the one of an option that is in force, nil when there is none.
func (r *run) setting(namespace, option string) *ebext.Setting {
	r.made()
	return r.byOption[[2]string{namespace, option}]
}

// given: the setting was made on the command line, so that it has no place.
func (r *run) given(s *ebext.Setting) bool {
	set, ok := r.in.Given.Get(s.Namespace, s.Option)
	return ok && set.Value == s.Value
}

// settingFinding starts a finding at a setting's value.
func (r *run) settingFinding(rule string, severity finding.Severity, s *ebext.Setting) *finding.Finding {
	f := &finding.Finding{Rule: rule, Severity: severity, Certain: true, Pos: s.Value.Pos, End: s.Value.End}
	switch {
	case f.Pos.IsValid():
	case s.Pos.IsValid():
		f.Pos = s.Pos
	default:
		f.Pos = source.Pos{File: r.in.Bundle.Path()}
	}
	return f
}

// optionFinding starts a finding at the name of a setting's option.
func (r *run) optionFinding(rule string, severity finding.Severity, s *ebext.Setting) *finding.Finding {
	f := r.settingFinding(rule, severity, s)
	if n := s.OptionNode; n != nil && n.Pos.IsValid() {
		f.Pos, f.End = n.Pos, n.End
	}
	return f
}

// optionText is an option as messages name it.
func optionText(s *ebext.Setting) string { return s.Namespace + " " + s.Option }

// on is whether a switch is on; known is unset when its value is not known.
func on(value string) bool { return lowerTrimmed(value) == "true" }

// refTo is a reference to a resource as it is written in a file: short in a
// YAML template, long where Elastic Beanstalk reads it itself.
func (r *run) refTo(file, logicalID string) string {
	if r.in.Template != nil && file == r.in.Template.File && (r.in.Template.Root == nil || r.in.Template.Root.Style != source.JSON) {
		return "!Ref " + logicalID
	}
	return `{"Ref": "` + logicalID + `"}`
}

// rewritten is the fix that puts another text in the place of a value.
func (r *run) rewritten(v *source.Node, name, title, text string) []finding.Fix {
	if r.in.Read == nil || !v.Pos.IsValid() || v.End.Offset <= v.Pos.Offset || r.in.Read(v.Pos.File) == nil {
		return nil
	}
	return []finding.Fix{{Name: name, Title: title, Edits: []source.Edit{{File: v.Pos.File, Start: v.Pos.Offset, End: v.End.Offset, New: text}}}}
}

// resourceFinding starts a finding at a resource's logical ID.
func resourceFinding(rule string, severity finding.Severity, res *cfn.Resource) *finding.Finding {
	end := res.Pos
	end.Col += utf8.RuneCountInString(res.LogicalID)
	end.Offset += len(res.LogicalID)
	return &finding.Finding{Rule: rule, Severity: severity, Certain: res.Created == fact.Holds, Pos: res.Pos, End: end}
}

// environmentResource is the environment in the user's template, nil when there is
// none.
func (r *run) environmentResource() *cfn.Resource {
	if r.outer == nil {
		return nil
	}
	e, err := r.environment(r.outer)
	if err != nil {
		return nil
	}
	return e
}

// resources are those of the user's own template and of the environment's,
// without the ones that Elastic Beanstalk makes.
func (r *run) resources(kind string) []*cfn.Resource {
	if r.byType == nil {
		r.byType = map[string][]*cfn.Resource{}
		for _, stack := range []*cfn.Stack{r.outer, r.stack} {
			if stack == nil {
				continue
			}
			for _, res := range stack.Resources {
				if res.Pos.IsValid() {
					r.byType[res.Type] = append(r.byType[res.Type], res)
				}
			}
		}
	}
	return r.byType[kind]
}

// named are the resources of a kind whose name a text is, or may be.
func (r *run) named(kind, text string) (is, may []*cfn.Resource) {
	for _, res := range r.resources(kind) {
		switch fact.Equal(fact.Lower(res.PhysicalID), fact.Lower(text)) {
		case fact.Holds:
			is = append(is, res)
		case fact.Unknown:
			may = append(may, res)
		}
	}
	return is, may
}

// also names the place of a further setting with the same mistake, before the
// fix.
func also(f *finding.Finding, at source.Pos) {
	last := len(f.Notes) - 1
	if last > 0 && f.Notes[last-1].Label == "also" {
		f.Notes[last-1].At = appendPlace(f.Notes[last-1].At, at)
		return
	}
	note := finding.Note{Label: "also", Text: "further options of the namespace", At: []source.Pos{at}}
	f.Notes = append(f.Notes[:last:last], note, f.Notes[last])
}
