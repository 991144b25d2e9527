package check

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"beanpole/internal/ebext"
	"beanpole/internal/fact"
	"beanpole/internal/finding"
)

var optionValue = &Rule{
	Slug:  "option-value",
	Title: "the option does not take this value",
	Why: `Elastic Beanstalk holds every option's value against a list of values or a range
before it changes anything. A value outside of it ends the deployment:
  Invalid option value: '…' (Namespace: '…', OptionName: '…'): …`,
	Before: `option_settings:
  aws:elasticbeanstalk:command:
    Timeout: 7200`,
	After: `option_settings:
  aws:elasticbeanstalk:command:
    Timeout: 3600`,
	Since: "0.1.0",

	find: func(r *run) (out []*finding.Finding) {
		for i := range r.settings {
			s := &r.settings[i]
			if s.Level == ebext.Default || s.Value.TextOr("") == "" || !fact.Known(s.Value.Text) || strings.Contains(s.Value.Text, "`") {
				continue
			}
			n := ebext.FindNamespace(s.Namespace)
			if n == nil {
				continue
			}
			if o := n.Option(s.Option); o != nil {
				if f := r.outside(s, o); f != nil {
					out = append(out, f)
				}
			}
		}
		return out
	},
}

// outside reports a value that an option does not take.
func (r *run) outside(s *ebext.Setting, o *ebext.Option) *finding.Finding {
	text := s.Value.Text
	var takes, write string
	switch {
	case len(o.Values) > 0:
		if slices.Contains(o.Values, text) || slices.Contains(o.Values, "true") && slices.Contains([]string{"true", "false"}, strings.ToLower(text)) {
			return nil
		}
		takes = "it takes " + alternatives(o.Values)
		for _, v := range o.Values {
			if strings.EqualFold(strings.TrimSpace(v), strings.TrimSpace(text)) {
				write = v
			}
		}
	case o.Min != 0 || o.Max != 0:
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err == nil && n >= o.Min && n <= o.Max {
			return nil
		}
		takes = fmt.Sprintf("it takes a whole number from %d to %d", o.Min, o.Max)
	default:
		return nil
	}
	f := r.settingFinding("option-value", finding.Error, s)
	if o.Grows || write != "" && strings.EqualFold(write, strings.TrimSpace(text)) {
		f.Severity, f.Certain = finding.Warning, false // AWS may take more than it documents
	}
	f.Message = fmt.Sprintf("Elastic Beanstalk %s refuse the deployment: %s does not take %q", will(f), s.Option, text)
	f.Notes = []finding.Note{
		{Label: "cause", Text: takes + " [" + s.Namespace + "]"},
		{Label: "on AWS", Text: fmt.Sprintf("Invalid option value: '%s' (Namespace: '%s', OptionName: '%s')", text, s.Namespace, s.Option)},
	}
	if field := r.writtenAt(s.Value.Pos); field != nil && field.Value.Text != text {
		f.Notes = append(f.Notes, finding.Note{Label: "written", Text: fmt.Sprintf("%q, which YAML 1.1 reads as %s", field.Value.Text, text)})
	}
	switch {
	case write != "":
		f.Notes = append(f.Notes, finding.Note{Label: "fix", Text: "write   " + write})
		f.Fixes = r.respelt(s.Value, write)
	case len(o.Values) == 0:
		f.Notes = append(f.Notes, finding.Note{Label: "fix", Text: "write a number of that range"})
	default:
		f.Notes = append(f.Notes, finding.Note{Label: "fix", Text: "write one of them"})
	}
	return f
}

// alternatives lists values for people.
func alternatives(values []string) string {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = strconv.Quote(v)
	}
	if len(quoted) == 1 {
		return quoted[0]
	}
	return strings.Join(quoted[:len(quoted)-1], ", ") + " or " + quoted[len(quoted)-1]
}
