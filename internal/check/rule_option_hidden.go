package check

import (
	"fmt"

	"beanpole/internal/ebext"
	"beanpole/internal/fact"
	"beanpole/internal/finding"
	"beanpole/internal/source"
)

var optionHidden = &Rule{
	Slug:  "option-hidden",
	Title: "another setting of the option hides this one",
	Why: `Of several settings of one option, one counts: what is given to the API or stands in
a template's OptionSettings goes before a saved configuration, and that goes before
.ebextensions. The console and the EB CLI always give some options themselves
(IamInstanceProfile, ServiceRole, InstanceType and others). A value in .ebextensions
that is hidden this way never takes effect, and no message says so. Within
.ebextensions the file that is last by name wins, and in a file the last entry.`,
	Before: `# .ebextensions/profile.config
option_settings:
  aws:autoscaling:launchconfiguration:
    IamInstanceProfile: web
# template
- Namespace: aws:autoscaling:launchconfiguration
  OptionName: IamInstanceProfile
  Value: !Ref InstanceProfile`,
	After: `# template, and nothing in .ebextensions
- Namespace: aws:autoscaling:launchconfiguration
  OptionName: IamInstanceProfile
  Value: !Ref InstanceProfile`,
	Since: "0.1.0",

	find: func(r *run) (out []*finding.Finding) {
		inForce := map[[2]string]*ebext.Setting{}
		for _, s := range r.made() {
			inForce[[2]string{s.Namespace, s.Option}] = s
		}
		for i := range r.settings {
			s := &r.settings[i]
			wins := inForce[[2]string{s.Namespace, s.Option}]
			if s.Level == ebext.Default || wins == nil || wins.Value == s.Value || fact.Equal(wins.Value.TextOr(""), s.Value.TextOr("")) != fact.Broken {
				continue
			}
			if f := r.hidden(s, wins); f != nil {
				out = append(out, f)
			}
		}
		return out
	},
}

// hidden reports a setting that another one of another value hides.
func (r *run) hidden(s, wins *ebext.Setting) *finding.Finding {
	f := r.settingFinding("option-hidden", finding.Warning, s)
	var why string
	switch {
	case s.Level < wins.Level && s.Namespace == propertyNamespace:
		return nil // a default in the bundle, and a value of the environment's own
	case s.Level < wins.Level && s.Level == ebext.Extension && wins.Level == ebext.Direct:
		why = "what the template or the API sets goes before .ebextensions"
	case s.Level < wins.Level:
		why = "a saved configuration goes before .ebextensions, and what the template or the API sets before both"
	case s.Pos.IsValid() && s.Pos.File == wins.Pos.File:
		why = "of two settings of one option in a file the last one counts"
	default:
		return nil // a later file overrides an earlier one: that is what the order is for
	}
	f.Message = fmt.Sprintf("this value of %s will never take effect: another setting hides it", s.Option)
	inForce := finding.Note{Label: "in force", Text: fmt.Sprintf("%q", fact.Show(wins.Value.TextOr("")))}
	if wins.Namespace == propertyNamespace {
		inForce.Text = "another value" // it may be a secret
	}
	if at := wins.Value.Place(); at.IsValid() {
		inForce.At = []source.Pos{at}
	}
	f.Notes = []finding.Note{
		inForce,
		{Label: "cause", Text: why},
		{Label: "on AWS", Text: "no message at all"},
		{Label: "fix", Text: "set the option in one place only: change the value that counts, or remove that setting"},
	}
	return f
}
