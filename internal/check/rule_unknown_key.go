package check

import (
	"fmt"
	"strings"

	"beanpole/internal/ebext"
	"beanpole/internal/finding"
)

var unknownKey = &Rule{
	Slug:  "unknown-key",
	Title: "an unknown key makes AWS skip the whole file",
	Why: `A configuration file with a top-level key that Elastic Beanstalk does not know is
skipped as a whole, with one warning among the events ("Contains invalid key").
The deployment goes on without everything else that stands in the file.`,
	Before: "container-commands:",
	After:  "container_commands:",
	Since:  "0.1.0",

	find: func(r *run) []*finding.Finding {
		var out []*finding.Finding
		for _, file := range r.x.Files {
			k := file.Skipped
			if k == nil {
				continue
			}
			out = append(out, &finding.Finding{
				Rule: "unknown-key", Severity: finding.Error, Certain: true, Pos: k.Pos, End: k.End,
				Message: fmt.Sprintf("Elastic Beanstalk will skip this whole file: it does not know the key %q", k.Text),
				Notes: []finding.Note{
					{Label: "on AWS", Text: fmt.Sprintf("WARN Error processing file (Skipping): '%s' - Contains invalid key: '%s'", file.Name, k.Text)},
					{Label: "fix", Text: keyFix(k.Text)},
				},
			})
		}
		return out
	},
}

func keyFix(key string) string {
	for _, k := range ebext.KnownKeys() {
		if near(k, key) {
			return "write   " + k + ":"
		}
	}
	return "indent it below the key that it belongs to; the known keys are " + strings.Join(ebext.KnownKeys(), ", ")
}
