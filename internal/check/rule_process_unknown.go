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
		names := map[string][]string{} // by prefix, for what may be meant
		for _, s := range r.made() {
			if defined[s.Namespace] {
				continue
			}
			defined[s.Namespace] = true
			for _, prefix := range []string{processPrefix, rulePrefix} {
				if n, ok := strings.CutPrefix(s.Namespace, prefix); ok && len(names[prefix]) < 100 {
					names[prefix] = append(names[prefix], n)
				}
			}
		}
		for _, s := range r.made() {
			prefix := namesIn(s)
			if prefix == "" || !fact.Known(s.Value.TextOr("")) || strings.Contains(s.Value.Text, "`") {
				continue
			}
			for _, name := range strings.Split(s.Value.TextOr(""), ",") {
				if name = strings.TrimSpace(name); name != "" && !defined[prefix+name] {
					out = append(out, r.undefined(s, prefix, name, names[prefix]))
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

func (r *run) undefined(s *ebext.Setting, prefix, name string, names []string) *finding.Finding {
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
	fix := "set options of   " + prefix + name
	if meant := nearest(name, names); meant != "" {
		fix = "write   " + meant
	}
	f.Notes = append(f.Notes, finding.Note{Label: "fix", Text: fix})
	return f
}
