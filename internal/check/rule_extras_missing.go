package check

import (
	"fmt"

	"beanpole/internal/finding"
)

var extrasMissing = &Rule{
	Slug:  "extras-missing",
	Title: "Amazon Linux 2023 has no amazon-linux-extras",
	Why: `amazon-linux-extras belongs to Amazon Linux 2. On Amazon Linux 2023 the command does not
exist ("amazon-linux-extras: command not found", return code 127); its packages stand in
the ordinary repository, with their version in the name.`,
	Before: "command: amazon-linux-extras install postgresql14",
	After: `packages:
  yum:
    postgresql15: []`,
	Since: "0.1.0",
	find: func(r *run) (out []*finding.Finding) {
		applies, certain := r.onGenerations(onlyAL2023...)
		if !applies {
			return nil
		}
		seen := map[*script]bool{}
		for _, u := range uses(r.scripts(), "amazon-linux-extras") {
			program, _ := u.program()
			if program != "amazon-linux-extras" || seen[u.script] || u.script.test || u.call.Conditional || u.script.guarded() {
				continue
			}
			seen[u.script] = true
			f := &finding.Finding{Rule: "extras-missing", Severity: finding.Warning, Certain: certain, Pos: u.pos(), End: u.end(),
				Message: fmt.Sprintf("this %s fail: Amazon Linux 2023 has no amazon-linux-extras", verb(certain)),
				Notes: []finding.Note{
					{Label: "on AWS", Text: "amazon-linux-extras: command not found"},
					{Label: "fix", Text: "name the package below packages: yum: , as Amazon Linux 2023 calls it"},
				}}
			if u.fails() {
				f.Severity = finding.Error
				f.Message = fmt.Sprintf("this %s fail, and the deployment with it: Amazon Linux 2023 has no amazon-linux-extras", verb(certain))
			}
			out = append(out, f)
		}
		return out
	},
}
