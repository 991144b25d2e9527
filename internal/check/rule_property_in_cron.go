package check

import (
	"fmt"
	"strings"

	"beanpole/internal/finding"
	"beanpole/internal/lazyregexp"
	"beanpole/internal/source"
)

var propertyInCron = &Rule{
	Slug:  "property-in-cron",
	Title: "cron does not know the environment's properties",
	Why: `cron starts its jobs with an environment of its own: HOME, LOGNAME, SHELL, a short
PATH, and what the cron file itself sets. The environment's properties, which the
application and container_commands see, are empty there. On Amazon Linux 2 and 2023
get-config prints one of them.`,
	Before: `/etc/cron.d/report:
  content: |
    0 4 * * * root /usr/local/bin/report --to $REPORT_TO`,
	After: `/etc/cron.d/report:
  content: |
    0 4 * * * root /usr/local/bin/report --to $(/opt/elasticbeanstalk/bin/get-config environment -k REPORT_TO)`,
	Since: "0.1.0",
	// [crontab(5); EB:custom-platforms-scripts]
	find: func(r *run) (out []*finding.Finding) {
		for _, e := range r.entries("files") {
			n := e.get("content")
			if !strings.HasPrefix(e.name.Text, cronFolder) || n == nil || n.Kind != source.String || computed(n) || e.get("encoding") != nil {
				continue
			}
			for from, rest := 0, n.Text; rest != ""; {
				line, after, _ := strings.Cut(rest, "\n")
				if f := r.emptyInCron(n, from, line); f != nil {
					out = append(out, f)
				}
				from, rest = from+len(line)+1, after
			}
		}
		return out
	},
}

var variable = lazyregexp.New(`\$\{?([A-Za-z_][A-Za-z0-9_]*)`)

// emptyInCron is about the first property that a job's line uses; nil when it
// gets the properties from somewhere itself.
func (r *run) emptyInCron(n *source.Node, from int, line string) *finding.Finding {
	if _, ok := cronUser(line); !ok || holds(line, "get-config", "deployment/env", "envvars", "source ", ". /", "export ") {
		return nil
	}
	for _, m := range variable.FindAllStringSubmatchIndex(line, -1) {
		name := line[m[2]:m[3]]
		set := r.setting(propertyNamespace, name)
		if set == nil && !strings.HasPrefix(name, "RDS_") || holds(n.Text, name+"=", name+" =") || inSingleQuotes(line, m[0]) {
			continue
		}
		f := &finding.Finding{Rule: "property-in-cron", Severity: finding.Warning, Certain: true, Pos: n.PosAt(from + m[0]), End: n.PosAt(from + m[3])}
		f.Message = fmt.Sprintf("%s will be empty: cron does not know the environment's properties", name)
		if set != nil {
			note(f, "cause", "it is a property of the environment", place(set.Value.Place())...)
		} else {
			note(f, "cause", "it is a property that comes with a database of the environment")
		}
		note(f, "on AWS", "no message at all")
		note(f, "fix", "write   $(/opt/elasticbeanstalk/bin/get-config environment -k "+name+")")
		return f
	}
	return nil
}

// inSingleQuotes: byte i of a line stands where a shell expands nothing.
func inSingleQuotes(line string, i int) bool { return strings.Count(line[:i], "'")%2 == 1 }
