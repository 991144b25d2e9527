package check

import (
	"fmt"
	"strings"

	"beanpole/internal/ebext"
	"beanpole/internal/finding"
	"beanpole/internal/lazyregexp"
	"beanpole/internal/source"
)

var unknownOption = &Rule{
	Slug:  "unknown-option",
	Title: "Elastic Beanstalk does not know this option",
	Why: `Namespaces and names of options are compared letter by letter, with case and
spaces. One that Elastic Beanstalk does not know ends the deployment before
anything happens on an instance:
  "option_settings" in one of the configuration files failed validation. More details to follow.
  Invalid option specification (Namespace: '…', OptionName: '…'): Unknown configuration setting.`,
	Before: `option_settings:
  aws:autoscaling:asg:
    Minsize: 2`,
	After: `option_settings:
  aws:autoscaling:asg:
    MinSize: 2`,
	Since: "0.1.0",

	find: func(r *run) (out []*finding.Finding) {
		seen := map[*source.Node]bool{} // a namespace that stands over several options
		for i := range r.settings {
			s := &r.settings[i]
			if s.Level == ebext.Default || s.NamespaceNode != nil && seen[s.NamespaceNode] {
				continue
			}
			if f := r.unknown(s); f != nil {
				if s.NamespaceNode != nil {
					seen[s.NamespaceNode] = f.Pos == s.NamespaceNode.Pos
				}
				out = append(out, f)
			}
		}
		return out
	},
}

// unknown tells whether Elastic Beanstalk does not know a setting's option.
func (r *run) unknown(s *ebext.Setting) *finding.Finding {
	f := r.optionFinding("unknown-option", finding.Error, s)
	f.Message = "Elastic Beanstalk will refuse the deployment: it does not know "
	f.Notes = append(f.Notes, finding.Note{Label: "on AWS", Text: unknownSetting(s.Namespace, s.Option)})
	n := ebext.FindNamespace(s.Namespace)
	if n == nil {
		return r.unknownNamespace(f, s)
	}
	if n.Open || n.Option(s.Option) != nil {
		return nil
	}
	f.Message += fmt.Sprintf("an option %q in %s", s.Option, s.Namespace)
	names := make([]string, len(n.Options))
	for i, o := range n.Options {
		names[i] = o.Name
	}
	if name := nearest(s.Option, names); name != "" {
		f.Notes = append(f.Notes, finding.Note{Label: "fix", Text: "write   " + name})
		f.Fixes = r.respelt(s.OptionNode, name)
		return f
	}
	if home := homeOf(s.Option, s.Namespace); home != "" {
		f.Notes = append(f.Notes, finding.Note{Label: "fix", Text: "the option stands in   " + home})
		return f
	}
	f.Severity, f.Certain = finding.Warning, false
	f.Message = fmt.Sprintf("Elastic Beanstalk may refuse the deployment: AWS documents no option %q in %s", s.Option, s.Namespace)
	f.Notes = append(f.Notes, finding.Note{Label: "fix", Text: "options there: " + strings.Join(names, ", ")})
	return f
}

func unknownSetting(namespace, option string) string {
	return fmt.Sprintf("Invalid option specification (Namespace: '%s', OptionName: '%s'): Unknown configuration setting.", namespace, option)
}

// unknownNamespace reports a namespace that looks like a known one.
func (r *run) unknownNamespace(f *finding.Finding, s *ebext.Setting) *finding.Finding {
	if n := s.NamespaceNode; n != nil && n.Pos.IsValid() {
		f.Pos, f.End = n.Pos, n.End
	}
	f.Message += fmt.Sprintf("a namespace %q", s.Namespace)
	name := meantNamespace(s.Namespace, s.Option)
	switch {
	case name == "" && strings.HasPrefix(s.Namespace, "aws:"):
		f.Severity, f.Certain = finding.Warning, false
		f.Message = fmt.Sprintf("Elastic Beanstalk may refuse the deployment: AWS documents no namespace %q", s.Namespace)
		f.Notes = append(f.Notes, finding.Note{Label: "fix", Text: namespaceFix(s)})
		return f
	case name == "":
		return nil
	}
	f.Notes = append(f.Notes, finding.Note{Label: "fix", Text: "write   " + name})
	f.Fixes = r.respelt(s.NamespaceNode, name)
	return f
}

// namespaceFix says where an option belongs whose namespace is not documented.
func namespaceFix(s *ebext.Setting) string {
	if home := homeOf(s.Option, s.Namespace); home != "" {
		return s.Option + " stands in   " + home
	}
	return "remove it; AWS documents no option " + s.Option + " either"
}

// meantNamespace is the known namespace that a text is a misspelling of, if it
// has the option; "" when there is none.
func meantNamespace(text, option string) string {
	name := misspeltNamespace(text)
	if n := ebext.FindNamespace(name); n == nil || !n.Open && n.Option(option) == nil {
		return ""
	}
	return name
}

func misspeltNamespace(text string) string {
	var names []string
	for _, n := range ebext.Namespaces() {
		if !strings.HasSuffix(n.Name, ":") {
			names = append(names, n.Name)
		}
	}
	if name := nearest(strings.TrimSpace(text), names); name != "" {
		return name
	}
	i := strings.LastIndexByte(text, ':')
	if i < 0 {
		return ""
	}
	var open []string
	for _, n := range ebext.Namespaces() {
		if strings.HasSuffix(n.Name, ":") {
			open = append(open, n.Name)
		}
	}
	if name := nearest(text[:i+1], open); name != "" && strings.TrimSpace(text[i+1:]) != "" {
		return name + strings.TrimSpace(text[i+1:])
	}
	return ""
}

// property is a name that only an environment variable has.
var property = lazyregexp.New(`^[A-Z][A-Z0-9]*_[A-Z0-9_]+$`)

// homeOf is the namespace that an option belongs to, "" when there is none or
// more than one.
func homeOf(option, not string) string {
	if property.MatchString(option) {
		return propertyNamespace
	}
	var homes []string
	for _, n := range ebext.Namespaces() {
		if n.Option(option) == nil || n.Name == not {
			continue
		}
		name := n.Name
		if strings.HasSuffix(name, ":") {
			name += "…"
		}
		homes = append(homes, name)
	}
	if len(homes) == 0 || len(homes) > 3 {
		return ""
	}
	return strings.Join(homes, "   or   ")
}

// respelt is the fix that writes a name as it is spelled.
func (r *run) respelt(n *source.Node, text string) []finding.Fix {
	if r.in.Read == nil || n == nil || !n.Pos.IsValid() {
		return nil
	}
	data := r.in.Read(n.Pos.File)
	if data == nil {
		return nil
	}
	return []finding.Fix{{Name: "spelling", Title: "write " + text, Edits: []source.Edit{source.ReplaceScalar(data, n, text)}}}
}
