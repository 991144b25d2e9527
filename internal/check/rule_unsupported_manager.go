package check

import (
	"fmt"
	"slices"

	"beanpole/internal/ebext"
	"beanpole/internal/finding"
)

var unsupportedManager = &Rule{
	Slug:  "unsupported-manager",
	Title: "cfn-init does not know this manager",
	Why: `cfn-init installs packages with yum, rpm, rubygems and python, and keeps services
with sysvinit or systemd. Of another manager it says "Unsupported package manager"
in its log and goes on: the packages are not installed, and what needs them fails
later. Below apt and dpkg it looks for programs that Amazon Linux does not have.`,
	Before: `packages:
  dnf:
    git: []`,
	After: `packages:
  yum:
    git: []`,
	Since: "0.1.0",

	find: func(r *run) (out []*finding.Finding) {
		linux, _ := r.onGenerations(ebext.AL1, ebext.AL2, ebext.AL2023)
		for _, e := range r.entries("packages") {
			// [cb:construction.py]; zypper since 2.0-10 [AL package change log].
			if slices.Contains([]string{"yum", "rpm", "rubygems", "python", "msi", "apt", "dpkg", "zypper"}, e.name.Text) {
				continue
			}
			f := keyFinding("unsupported-manager", finding.Warning, e.name)
			f.Message = fmt.Sprintf("no package below %q will be installed: cfn-init does not know this manager", e.name.Text)
			note(f, "on AWS", "in /var/log/cfn-init.log: Unsupported package manager: "+e.name.Text)
			to := managers[e.name.Text]
			if _, known := managers[e.name.Text]; !known {
				to = nearest(e.name.Text, []string{"yum", "rubygems", "python"})
			}
			if to == "" {
				note(f, "fix", "write it below yum, rpm, rubygems or python, or install it with a command")
			} else {
				note(f, "fix", "write   "+to+":")
				if e.file.Root.At("packages", to) == nil {
					f.Fixes = append(f.Fixes, rename(e.name, to))
				}
			}
			out = append(out, f)
		}
		for _, e := range r.entries("services") {
			if !linux || slices.Contains([]string{"sysvinit", "systemd", "windows"}, e.name.Text) {
				continue
			}
			f := keyFinding("unsupported-manager", finding.Warning, e.name)
			f.Message = fmt.Sprintf("no service below %q will be started: cfn-init does not know this manager", e.name.Text)
			note(f, "on AWS", "in /var/log/cfn-init.log: Unsupported service manager: "+e.name.Text)
			note(f, "fix", "write   sysvinit:   above the service, or   systemd:")
			out = append(out, f)
		}
		return out
	},
}

// managers are what people take for a manager of cfn-init, and the one that
// does it; "" where none does.
var managers = map[string]string{"dnf": "yum", "pip": "python", "pip3": "python", "gem": "rubygems", "npm": "", "brew": "", "composer": ""}
