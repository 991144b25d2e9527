package check

import (
	"fmt"
	"strings"

	"beanpole/internal/access"
	"beanpole/internal/ebext"
	"beanpole/internal/fact"
	"beanpole/internal/finding"
	"beanpole/internal/source"
)

var defaultValueWins = &Rule{
	Slug:  "default-value-wins",
	Title: "Fn::GetOptionSetting reads an option that nothing sets",
	Why: `Fn::GetOptionSetting gives DefaultValue, without a word, when the option has no value:
also when there is no such namespace or option, so that nothing can ever set it. Old
snippets read aws:asg:launchconfiguration, and get their DefaultValue whatever the
environment's instance profile is. As roleName it is then the wrong name:
  [Errno 404] HTTP Error 404 : <?xml version="1.0" encoding="iso-8859-1"?>`,
	Before: `"Fn::GetOptionSetting":
  Namespace: aws:asg:launchconfiguration
  OptionName: IamInstanceProfile
  DefaultValue: aws-elasticbeanstalk-ec2-role`,
	After: `"Fn::GetOptionSetting":
  Namespace: aws:autoscaling:launchconfiguration
  OptionName: IamInstanceProfile
  DefaultValue: aws-elasticbeanstalk-ec2-role`,
	Since: "0.1.0",

	find: func(r *run) []*finding.Finding {
		var out []*finding.Finding
		explained := map[source.Pos]bool{} // by a fetch that fails for it
		for _, c := range r.chains {
			if _, ok := defaultOf(c); ok && c.Cause() != nil {
				explained[c.Fetch.Signer.Role.Pos] = true
			}
		}
		for _, file := range r.x.Files {
			if file.Root == nil || file.Skipped != nil {
				continue
			}
			for _, call := range optionCalls(file.Root, nil) {
				if f := r.unsettable(call.Get("Fn::GetOptionSetting")); f != nil && !explained[call.Pos] {
					out = append(out, f)
				}
			}
		}
		return out
	},
	claims: func(c *access.Chain) bool {
		n := c.Cause().Name
		_, ok := defaultOf(c)
		return ok && (n == access.Name || n == access.Metadata)
	},
	group: sameRoleName,
	explain: func(c *access.Chain, f *finding.Finding) {
		role := c.Fetch.Signer.Role
		option, _ := defaultOf(c)
		f.Pos, f.End = role.Pos, role.End
		f.Message = "roleName is the DefaultValue, as nothing sets " + option
		namespace, name, _ := strings.Cut(strings.TrimPrefix(option, "option "), " ")
		if says, right, _ := noSuchOption(namespace, name); right != "" {
			f.Notes = append(f.Notes, finding.Note{Label: "option", Text: says + "; " + right + " is meant, perhaps"})
		}
		fix := "set that option, or write the name of the role in the instance profile"
		if held := roleHeld(c); held != "" && fact.Known(held) {
			fix = "write roleName: " + held
		}
		f.Notes = append(f.Notes, finding.Note{Label: "fix", Text: fix})
	},
}

// defaultOf is the option of which roleName takes the DefaultValue.
func defaultOf(c *access.Chain) (option string, ok bool) {
	role := c.Fetch.Signer.Role
	if role == nil || c.Fetch.Signer.Kind != access.RoleKeys || len(role.From) == 0 {
		return "", false
	}
	return strings.CutPrefix(role.From[0].What, "DefaultValue of ")
}

// optionCalls are the calls of Fn::GetOptionSetting below a node.
func optionCalls(n *source.Node, out []*source.Node) []*source.Node {
	if n == nil {
		return out
	}
	for _, it := range n.Items {
		out = optionCalls(it, out)
	}
	for _, f := range n.Fields {
		if f.Key.Text == "Fn::GetOptionSetting" && f.Value != nil && f.Value.Kind == source.Map {
			out = append(out, n)
			continue
		}
		out = optionCalls(f.Value, out)
	}
	return out
}

// unsettable reports a call that reads an option which does not exist and is
// near one that does.
func (r *run) unsettable(call *source.Node) *finding.Finding {
	namespace, okN := call.Get("Namespace").Str()
	option, okO := call.Get("OptionName").Str()
	if !okN || !okO || !fact.Known(namespace) || !fact.Known(option) {
		return nil
	}
	says, right, ofNamespace := noSuchOption(namespace, option)
	if right == "" {
		return nil
	}
	at := call.Get("OptionName")
	if ofNamespace {
		at = call.Get("Namespace")
	}
	gives := "no value"
	if def := call.Get("DefaultValue"); def != nil {
		gives = "its DefaultValue"
		if text, ok := def.Str(); ok && fact.Known(text) {
			gives += fmt.Sprintf(" %q", text)
		}
	}
	return &finding.Finding{
		Rule: "default-value-wins", Severity: finding.Warning, Certain: true, Pos: at.Pos, End: at.End,
		Message: "Fn::GetOptionSetting will always give " + gives + ": " + says,
		Notes:   []finding.Note{{Label: "fix", Text: "write   " + right}},
		Fixes:   r.respelt(at, right),
	}
}

// noSuchOption tells what does not exist of an option, and what is meant; right
// is "" when the option exists, or may be one that is not known here yet.
func noSuchOption(namespace, option string) (says, right string, ofNamespace bool) {
	n := ebext.FindNamespace(namespace)
	if n == nil {
		if right = meantNamespace(namespace, option); right == "" {
			right = sameEnd(namespace, option)
		}
		return fmt.Sprintf("there is no namespace %q", namespace), right, true
	}
	if n.Open || n.Option(option) != nil {
		return "", "", false
	}
	names := make([]string, len(n.Options))
	for i, o := range n.Options {
		names[i] = o.Name
	}
	return fmt.Sprintf("%s has no option %q", namespace, option), nearest(option, names), false
}

// sameEnd is the namespace that ends like another one and has the option.
func sameEnd(namespace, option string) string {
	end := namespace[strings.LastIndexByte(namespace, ':')+1:]
	for _, n := range ebext.Namespaces() {
		if end != "" && strings.HasSuffix(n.Name, ":"+end) && n.Option(option) != nil {
			return n.Name
		}
	}
	return ""
}
