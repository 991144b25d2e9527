package check

import (
	"fmt"
	"strings"

	"beanpole/internal/finding"
)

var upstartGone = &Rule{
	Slug:  "upstart-gone",
	Title: "later platforms have no upstart",
	Why: `The Amazon Linux AMI had upstart: jobs in /etc/init, and the command initctl. Since
Amazon Linux 2 systemd does that: nothing reads /etc/init, without a message, and
initctl does not exist ("initctl: command not found", return code 127).`,
	Before: `files:
  /etc/init/worker.conf:
    content: |
      start on runlevel [2345]
      exec /usr/local/bin/worker`,
	After: `files:
  /etc/systemd/system/worker.service:
    content: |
      [Service]
      ExecStart=/usr/local/bin/worker
      [Install]
      WantedBy=multi-user.target`,
	Since: "0.1.0",
	find: func(r *run) (out []*finding.Finding) {
		applies, certain := r.onGenerations(laterThanAL1...)
		if !applies {
			return nil
		}
		for _, e := range r.entries("files") {
			if rest, ok := strings.CutPrefix(e.name.Text, "/etc/init/"); ok && strings.HasSuffix(rest, ".conf") {
				f := keyFinding("upstart-gone", finding.Warning, e.name)
				f.Message = fmt.Sprintf("nothing %s start this job: there is no upstart since Amazon Linux 2", verb(certain))
				note(f, "on AWS", "no message at all")
				note(f, "fix", "write a unit of systemd   /etc/systemd/system/"+strings.TrimSuffix(rest, ".conf")+".service")
				out = append(out, generational(f, certain))
			}
		}
		seen := map[*script]bool{}
		for _, u := range uses(r.scripts(), "initctl") {
			if program, _ := u.program(); program != "initctl" || u.call.Words[0].Text == "command" || seen[u.script] || u.script.test || u.call.Conditional || u.script.guarded() {
				continue
			}
			seen[u.script] = true
			f := &finding.Finding{Rule: "upstart-gone", Severity: finding.Warning, Pos: u.pos(), End: u.end()}
			f.Message = fmt.Sprintf("this %s fail: there is no initctl since Amazon Linux 2", verb(certain))
			if u.fails() {
				f.Severity = finding.Error
				f.Message = fmt.Sprintf("this %s fail, and the deployment with it: there is no initctl since Amazon Linux 2", verb(certain))
			}
			note(f, "on AWS", "initctl: command not found")
			note(f, "fix", "write   systemctl")
			out = append(out, generational(f, certain))
		}
		return out
	},
}
