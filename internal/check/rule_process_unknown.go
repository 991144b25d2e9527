package check

import (
	"fmt"
	"strings"

	"beanpole/internal/ebext"
	"beanpole/internal/fact"
	"beanpole/internal/finding"
)

var processUnknown = &Rule{
	Slug:  "process-unknown",
	Title: "a listener names a process or rule that is not defined",
	Why: `A listener of an Application or Network Load Balancer sends requests to a process, and
chooses it by rules. Both are defined by options in a namespace of their own:
aws:elasticbeanstalk:environment:process:NAME and aws:elbv2:listenerrule:NAME. The
process "default" always exists. A name that is defined nowhere is refused.`,
	Before: `aws:elbv2:listener:443:
  DefaultProcess: https`,
	After: `aws:elbv2:listener:443:
  DefaultProcess: https
aws:elasticbeanstalk:environment:process:https:
  Port: 443
  Protocol: HTTPS`,
	Since: "0.1.0",

	find: func(r *run) (out []*finding.Finding) {
		defined := map[string]bool{processPrefix + "default": true, rulePrefix + "default": true}
		for _, s := range r.made() {
			defined[s.Namespace] = true
		}
		for _, s := range r.made() {
			prefix := namesIn(s)
			if prefix == "" || !fact.Known(s.Value.TextOr("")) || strings.Contains(s.Value.Text, "`") {
				continue
			}
			for _, name := range strings.Split(s.Value.TextOr(""), ",") {
				if name = strings.TrimSpace(name); name != "" && !defined[prefix+name] {
					out = append(out, r.undefined(s, prefix, name, defined))
				}
			}
		}
		return out
	},
}

const rulePrefix = "aws:elbv2:listenerrule:"

// namesIn is the namespace in which an option's names are defined, "" for an
// option that holds none.
func namesIn(s *ebext.Setting) string {
	_, v2, ok := listenerPort(s.Namespace)
	switch {
	case ok && v2 && s.Option == "DefaultProcess", strings.HasPrefix(s.Namespace, rulePrefix) && s.Option == "Process":
		return processPrefix
	case ok && v2 && s.Option == "Rules":
		return rulePrefix
	}
	return ""
}

func (r *run) undefined(s *ebext.Setting, prefix, name string, defined map[string]bool) *finding.Finding {
	f := r.settingFinding("process-unknown", finding.Warning, s)
	f.Certain = false
	kind := "process"
	if prefix == rulePrefix {
		kind = "rule"
	}
	f.Message = fmt.Sprintf("Elastic Beanstalk may refuse the deployment: no %s is called %q", kind, name)
	f.Notes = []finding.Note{{Label: "cause", Text: "nothing sets an option of " + prefix + name}}
	if !r.direct {
		f.Notes = append(f.Notes, finding.Note{Label: "not known", Text: "whether the console, a saved configuration or a template does"})
	}
	var names []string
	for ns := range defined {
		if n, ok := strings.CutPrefix(ns, prefix); ok {
			names = append(names, n)
		}
	}
	fix := "set options of   " + prefix + name
	if meant := nearest(name, names); meant != "" {
		fix = "write   " + meant
	}
	f.Notes = append(f.Notes, finding.Note{Label: "fix", Text: fix})
	return f
}
