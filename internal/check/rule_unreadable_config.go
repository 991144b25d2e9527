package check

import (
	"beanpole/internal/finding"
)

// Unreadable is the slug of the rule about files that cannot be read.
const Unreadable = "unreadable-config"

var unreadableConfig = &Rule{
	Slug:  Unreadable,
	Title: "a configuration file is neither YAML nor JSON",
	Why: `Elastic Beanstalk reads every .config file in .ebextensions before it touches an
instance. One that it cannot read makes it refuse the whole application version:
"The configuration file … contains invalid YAML or JSON."`,
	Before: "files:\n\t/etc/motd:",
	After:  "files:\n  /etc/motd:",
	Since:  "0.1.0",

	find: func(r *run) []*finding.Finding {
		var out []*finding.Finding
		for _, p := range r.x.Problems {
			f := &finding.Finding{
				Rule: Unreadable, Severity: finding.Error, Certain: true, Pos: p.Pos,
				Message: "Elastic Beanstalk will refuse the application version: it cannot read this file",
				Notes:   []finding.Note{{Label: "cause", Text: p.What}},
			}
			if p.Remedy != "" {
				f.Notes = append(f.Notes, finding.Note{Label: "fix", Text: p.Remedy})
			}
			out = append(out, f)
		}
		return out
	},
}
