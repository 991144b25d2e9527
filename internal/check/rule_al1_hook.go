package check

import (
	"fmt"
	"path"
	"strings"

	"beanpole/internal/finding"
	"beanpole/internal/source"
)

const al1Hooks = "/opt/elasticbeanstalk/hooks/"

var al1Hook = &Rule{
	Slug:  "al1-hook",
	Title: "later platforms never run a hook of Amazon Linux 1",
	Why: `Platforms of the Amazon Linux AMI ran the scripts below /opt/elasticbeanstalk/hooks.
Since Amazon Linux 2 that folder does not exist: a file that is written there is never
run, without a message, and a command that copies into it fails with "No such file or
directory". Hooks stand in the source bundle, in .platform/hooks/prebuild, predeploy
and postdeploy, and those for configuration deployments in .platform/confighooks.`,
	Before: `files:
  /opt/elasticbeanstalk/hooks/appdeploy/post/99_restart.sh:
    mode: "000755"
    content: |
      #!/bin/bash
      systemctl restart worker`,
	After: `# the file .platform/hooks/postdeploy/99_restart.sh in the source bundle
#!/bin/bash
systemctl restart worker`,
	Since: "0.1.0",
	find: func(r *run) (out []*finding.Finding) {
		applies, certain := r.onGenerations(laterThanAL1...)
		if !applies {
			return nil
		}
		for _, e := range r.entries("files") {
			if rest, ok := strings.CutPrefix(e.name.Text, al1Hooks); ok && !r.hasTwin(rest) {
				out = append(out, deadHook(rest, e.name.Pos, e.name.End, certain))
			}
		}
		out = append(out, r.hookFolderUses(certain)...)
		return out
	},
}

// newHook is where a hook of the Amazon Linux AMI belongs now: what ran before
// the new version is put in place, or after it [EB:platforms-linux-extend,
// EB:custom-platform-hooks].
func newHook(rest string) string {
	kind := "hooks"
	if strings.HasPrefix(rest, "configdeploy/") {
		kind = "confighooks"
	}
	when := "postdeploy"
	switch {
	case strings.Contains(rest, "/pre/"), strings.HasPrefix(rest, "preinit"):
		when = "prebuild"
	case strings.Contains(rest, "/enact/"):
		when = "predeploy"
	}
	name := path.Base(rest)
	if !strings.Contains(name, ".") {
		name = "NAME.sh"
	}
	return ".platform/" + kind + "/" + when + "/" + name
}

// hasTwin: the bundle serves both generations, each with its own hook.
func (r *run) hasTwin(rest string) bool {
	for _, name := range r.in.Bundle.Names() {
		if strings.HasPrefix(name, ".platform/") && path.Base(name) == path.Base(rest) {
			return true
		}
	}
	return false
}

func deadHook(rest string, pos, end source.Pos, certain bool) *finding.Finding {
	f := &finding.Finding{
		Rule: "al1-hook", Severity: finding.Error, Pos: pos, End: end,
		Message: fmt.Sprintf("this hook %s never run", verb(certain)),
		Notes: []finding.Note{
			{Label: "cause", Text: "since Amazon Linux 2 nothing runs what stands below " + strings.TrimSuffix(al1Hooks, "/")},
			{Label: "on AWS", Text: "no message at all"},
			{Label: "fix", Text: "put the script into the source bundle as " + newHook(rest)},
		},
	}
	return generational(f, certain)
}

// hookFolderUses are the commands that use the folder, each once. Those that
// only change rights or owner follow from another one.
func (r *run) hookFolderUses(certain bool) (out []*finding.Finding) {
	seen := map[*script]bool{}
	for _, u := range uses(r.scripts(), "/opt/elasticbeanstalk/hooks") {
		program, _ := u.program()
		follows := len(out) > 0 && (program == "chmod" || program == "chown")
		if !seen[u.script] && !follows && !r.checksFirst(&u, "/opt/elasticbeanstalk/hooks") {
			seen[u.script] = true
			out = append(out, r.hookFolderUsed(&u, certain)...)
		}
	}
	return out
}

// hookFolderUsed is about a command that puts something into the folder, or
// takes something from it.
func (r *run) hookFolderUsed(u *use, certain bool) []*finding.Finding {
	name := cut(u.word.Text, "/opt/elasticbeanstalk/hooks")
	rest := strings.TrimPrefix(name, al1Hooks)
	if r.hasTwin(rest) {
		return nil
	}
	program, args := u.program()
	if from, to := len(args)-2, path.Base(rest); program == "cp" && from >= 0 && !strings.Contains(to, ".") {
		rest = path.Join(rest, path.Base(args[from].Text))
	}
	if r.writes(path.Dir(name)) || !needsFile(program, args, u) {
		if program == "chmod" || program == "chown" || program == "rm" || program == "mkdir" {
			return nil // said where the hook is written
		}
		return []*finding.Finding{deadHook(rest, u.pos(), u.end(), certain)}
	}
	f := &finding.Finding{Rule: "al1-hook", Severity: finding.Warning, Pos: u.pos(), End: u.end(),
		Message: fmt.Sprintf("this %s fail: there is no /opt/elasticbeanstalk/hooks since Amazon Linux 2", verb(certain)),
		Notes: []finding.Note{
			{Label: "on AWS", Text: noSuchFile(program, name)},
			{Label: "fix", Text: "put the script into the source bundle as " + newHook(rest)},
		}}
	if u.fails() && !u.script.guarded() {
		f.Severity = finding.Error
		f.Message = fmt.Sprintf("this %s fail, and the deployment with it: there is no /opt/elasticbeanstalk/hooks since Amazon Linux 2", verb(certain))
	}
	return []*finding.Finding{generational(f, certain)}
}
