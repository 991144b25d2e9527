package check

import (
	"fmt"
	"strings"

	"beanpole/internal/finding"
	"beanpole/internal/source"
)

var cronJobTwice = &Rule{
	Slug:  "cron-job-twice",
	Title: "cron runs a job twice after the second deployment",
	Why: `At each further deployment to the same instance cfn-init keeps the file that it
replaces as NAME.bak, even with the same content. In /etc/cron.d cron reads that file
too: the job of the version before runs beside the new one. AWS's own examples remove
the copies with a command.`,
	Before: `files:
  /etc/cron.d/report:
    mode: "000644"
    content: |
      0 4 * * * root /usr/local/bin/report`,
	After: `files:
  /etc/cron.d/report:
    mode: "000644"
    content: |
      0 4 * * * root /usr/local/bin/report
commands:
  remove_old_cron:
    command: rm -f /etc/cron.d/*.bak`,
	Since: "0.1.0",
	find: func(r *run) (out []*finding.Finding) {
		cleaned, asked := false, false
		for _, e := range r.entries("files") {
			n := e.get("content")
			if !strings.HasPrefix(e.name.Text, cronFolder) || n == nil || !hasJob(n) {
				continue
			}
			if !asked {
				cleaned, asked = r.cleansCron(), true
			}
			if cleaned {
				return nil
			}
			f := keyFinding("cron-job-twice", finding.Warning, e.name)
			f.Message = "from the second deployment to the same instance on these jobs will run twice: cron reads the copy of the old file too"
			note(f, "cause", fmt.Sprintf("cfn-init keeps the old file as %s.bak", e.name.Text))
			note(f, "on AWS", "no message at all")
			note(f, "fix", "remove the copy   commands: {remove_old_cron: {command: rm -f /etc/cron.d/*.bak}}")
			out = append(out, f)
		}
		return out
	},
}

// hasJob: a line of the content names a job.
func hasJob(n *source.Node) bool {
	for line := range strings.Lines(n.TextOr("")) {
		if _, ok := cronUser(line); ok {
			return true
		}
	}
	return false
}

// cleansCron: some text of the bundle removes files in cron's folder, or
// copies that end in .bak.
func (r *run) cleansCron() bool {
	for _, list := range [][]*script{r.scripts(), r.writtenScripts()} {
		for _, s := range list {
			if holds(s.text.Text, ".bak") || holds(s.text.Text, "/etc/cron.d") && holds(s.text.Text, "rm ", "find ", "mv ", "unlink ") {
				return true
			}
			for _, w := range s.text.Items {
				if holds(w.TextOr(""), ".bak", "/etc/cron.d") {
					return true
				}
			}
		}
	}
	return false
}
