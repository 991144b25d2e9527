package check

import (
	"fmt"
	"path"
	"strings"

	"beanpole/internal/finding"
	"beanpole/internal/shell"
	"beanpole/internal/source"
)

var writtenLater = &Rule{
	Slug:  "written-later",
	Title: "a command runs a file that a later file brings",
	Why: `Each configuration file is carried out as a whole, in the order of their names: its
packages, sources and files, then its commands, before anything of the next file. On a
new instance a command cannot run what a later file writes: "No such file or
directory", return code 127. Where the file is left from an earlier deployment, the
command runs the old one.`,
	Before: `# 01.config
commands:
  01_setup:
    command: /usr/local/bin/setup.sh
# 02.config
files:
  /usr/local/bin/setup.sh:
    mode: "000755"
    content: |
      #!/bin/sh
      useradd -r worker`,
	After: `# 01.config
files:
  /usr/local/bin/setup.sh:
    mode: "000755"
    content: |
      #!/bin/sh
      useradd -r worker
commands:
  01_setup:
    command: /usr/local/bin/setup.sh`,
	Since: "0.1.0",
	// [EB:customize-containers-ec2; log: cfn-init.log, configs prebuild_N one after the other]
	find: func(r *run) (out []*finding.Finding) {
		order := map[string]int{} // place of a configuration file in the order
		for i, f := range r.x.Files {
			order[f.Name] = i
		}
		first := map[string]source.Pos{}
		for _, e := range r.entries("files") {
			if _, ok := first[e.name.Text]; !ok {
				first[e.name.Text] = e.name.Pos
			}
		}
		if len(first) == 0 {
			return nil
		}
		for _, s := range r.scripts() {
			if s.stage != beforeUnpack || s.test || s.guarded() {
				continue
			}
			calls, _ := s.read()
			for i := range calls {
				c := &calls[i]
				name, w, ok := runs(c)
				at, written := first[name]
				if !ok || !written || c.Conditional || !c.Decides || !s.fails() || order[at.File] <= order[s.entry.file.Name] || r.madeEarlier(s, c.Start, name) {
					continue
				}
				u := &use{script: s, call: c, word: w}
				f := &finding.Finding{Rule: "written-later", Severity: finding.Error, Certain: true, Pos: u.pos(), End: u.end()}
				f.Message = "this will fail on a new instance, and the deployment with it: the file is written later"
				note(f, "cause", fmt.Sprintf("%s comes after %s, and all of this file before it", path.Base(at.File), path.Base(s.entry.file.Name)), at)
				note(f, "on AWS", name+": No such file or directory")
				note(f, "fix", "put both into one file, or give the file that writes it an earlier name")
				out = append(out, f)
				break
			}
		}
		return out
	},
}

// runs is the absolute path of the file that a call runs, as a program or as a
// script of a shell or an interpreter.
func runs(c *shell.Call) (string, shell.Word, bool) {
	words := c.Words
	if words[0].Text == "sudo" && len(words) > 1 {
		words = words[1:]
	}
	w := words[0]
	switch path.Base(w.Text) {
	case "sh", "bash", "source", ".", "python", "python3", "php", "node", "ruby", "perl":
		if len(words) < 2 {
			return "", w, false
		}
		w = words[1]
	}
	return w.Text, w, !w.Dynamic && path.IsAbs(w.Text)
}

// madeEarlier: something else than `files` may have put the file there: the
// system, a package, an archive, or an earlier text that names it.
func (r *run) madeEarlier(s *script, at int, name string) bool {
	for _, system := range []string{"/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/", "/etc/init.d/", "/opt/elasticbeanstalk/", "/opt/aws/"} {
		if strings.HasPrefix(name, system) {
			return true
		}
	}
	for _, e := range r.entries("sources") {
		if strings.HasPrefix(name, path.Clean(e.name.Text)+"/") {
			return true
		}
	}
	for _, earlier := range r.scripts() {
		text := earlier.text.Text
		if earlier == s && at <= len(text) {
			text = text[:at]
		}
		if strings.Contains(text, path.Base(name)) {
			return true
		}
		if earlier == s {
			return false
		}
	}
	return false
}
