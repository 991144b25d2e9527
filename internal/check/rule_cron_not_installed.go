package check

import (
	"fmt"
	"slices"
	"strings"

	"beanpole/internal/ebext"
	"beanpole/internal/finding"
)

var cronNotInstalled = &Rule{
	Slug:  "cron-not-installed",
	Title: "Amazon Linux 2023 has no cron",
	Why: `Amazon Linux 2023 comes without the package cronie: nothing runs what stands in
/etc/cron.d or /etc/cron.hourly, without a message, and the command crontab does not
exist ("crontab: command not found", return code 127). The package can be installed.`,
	Before: `files:
  /etc/cron.d/report:
    mode: "000644"
    content: |
      0 4 * * * root /usr/local/bin/report`,
	After: `packages:
  yum:
    cronie: []
files:
  /etc/cron.d/report:
    mode: "000644"
    content: |
      0 4 * * * root /usr/local/bin/report
commands:
  01_cron:
    command: systemctl enable --now crond`,
	Since: "0.1.0",
	find: func(r *run) []*finding.Finding {
		// [AL2:prepare-for-al2023, AL2023:deprecated-al2023 "cron"]
		applies, certain := r.onGenerations(onlyAL2023...)
		if !applies || r.ownImage() || r.installs("cronie") {
			return nil
		}
		return slices.Concat(r.lostCronFiles(certain), r.lostCronTexts(certain), r.lostCrontabs(certain))
	},
}

const installCron = "install cronie with packages: yum:, and start it with systemctl enable --now crond in commands"

func (r *run) lostCronFiles(certain bool) (out []*finding.Finding) {
	for _, e := range r.entries("files") {
		if !isCronFile(e.name.Text) {
			continue
		}
		f := keyFinding("cron-not-installed", finding.Warning, e.name)
		f.Certain = certain
		f.Message = fmt.Sprintf("nothing %s run this: Amazon Linux 2023 has no cron", verb(certain))
		note(f, "on AWS", "no message at all")
		note(f, "fix", installCron)
		out = append(out, f)
	}
	return out
}

// lostCronTexts are the cron files that shell texts write.
func (r *run) lostCronTexts(certain bool) (out []*finding.Finding) {
	seen := map[*script]bool{}
	for _, u := range uses(r.scripts(), "/etc/cron") {
		if u.script.test || seen[u.script] || !isCronFile(u.word.Text) || !u.isDestination() {
			continue
		}
		seen[u.script] = true
		f := &finding.Finding{Rule: "cron-not-installed", Severity: finding.Warning, Certain: certain, Pos: u.pos(), End: u.end()}
		f.Message = fmt.Sprintf("nothing %s run this: Amazon Linux 2023 has no cron", verb(certain))
		note(f, "on AWS", "no message at all")
		note(f, "fix", installCron)
		out = append(out, f)
	}
	return out
}

func (r *run) lostCrontabs(certain bool) (out []*finding.Finding) {
	seen := map[*script]bool{}
	for _, u := range uses(r.scripts(), "crontab") {
		program, args := u.program()
		if hasOption(args, 'l') || hasOption(args, 'r') {
			continue // nothing is lost that had been asked for
		}
		if program != "crontab" || u.call.Words[0].Text == "command" || seen[u.script] || u.script.test || u.call.Conditional || u.script.guarded() {
			continue
		}
		seen[u.script] = true
		f := &finding.Finding{Rule: "cron-not-installed", Severity: finding.Warning, Certain: certain, Pos: u.pos(), End: u.end()}
		f.Message = fmt.Sprintf("this %s fail: Amazon Linux 2023 has no cron", verb(certain))
		if u.fails() {
			f.Severity = finding.Error
			f.Message = fmt.Sprintf("this %s fail, and the deployment with it: Amazon Linux 2023 has no cron", verb(certain))
		}
		note(f, "on AWS", "crontab: command not found")
		note(f, "fix", installCron)
		out = append(out, f)
	}
	return out
}

// isCronFile: cron reads or runs the file at this path.
func isCronFile(name string) bool {
	for _, folder := range []string{"/etc/cron.d/", "/etc/cron.hourly/", "/etc/cron.daily/", "/etc/cron.weekly/", "/etc/cron.monthly/", "/var/spool/cron/"} {
		if strings.HasPrefix(name, folder) {
			return true
		}
	}
	return name == "/etc/crontab"
}

// ownImage: the environment's instances start from an image of the user's,
// with whatever is installed there.
func (r *run) ownImage() bool {
	set, ok := r.settings.Get(launchNamespace, "ImageId")
	return ok && set.Level != ebext.Default && set.Value.TextOr("") != ""
}

// installs: the bundle names the package, below packages or in any text that
// it runs or writes.
func (r *run) installs(name string) bool {
	for _, e := range r.entries("packages") {
		if e.value == nil {
			continue
		}
		for _, p := range e.value.Entries() {
			if strings.HasPrefix(p.Key.Text, name) {
				return true
			}
		}
	}
	for _, list := range [][]*script{r.scripts(), r.writtenScripts()} {
		for _, s := range list {
			if strings.Contains(s.text.Text, name) {
				return true
			}
			for _, w := range s.text.Items {
				if strings.Contains(w.TextOr(""), name) {
					return true
				}
			}
		}
	}
	return false
}
