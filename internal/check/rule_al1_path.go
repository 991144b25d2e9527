package check

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"beanpole/internal/finding"
	"beanpole/internal/shell"
)

var al1Path = &Rule{
	Slug:  "al1-path",
	Title: "later platforms do not have this path",
	Why: `Platforms of the Amazon Linux AMI kept the application, its Python environment and the
environment properties elsewhere than those of Amazon Linux 2 and 2023, where
/opt/python, /opt/elasticbeanstalk/support/envvars, containerfiles and /var/app/ondeck
do not exist. A command that reads there fails with "No such file or directory" and
ends the deployment; what is written there is read by nobody.`,
	Before: "command: source /opt/python/run/venv/bin/activate && python manage.py migrate",
	After:  "command: source /var/app/venv/*/bin/activate && python manage.py migrate",
	Since:  "0.1.0",
	find: func(r *run) []*finding.Finding {
		return r.oldPaths("al1-path", al1Paths)
	},
}

// oldPath is where something was on the Amazon Linux AMI, and what stands
// there now; "" when nothing does.
type oldPath struct{ path, now string }

// al1Paths: the more exact ones first
// [EB:using-features.migration-al; gh:awsdocs/aws-elastic-beanstalk-developer-guide#117;
// gh:aws/elastic-beanstalk-roadmap#15, #68; semantics 1.14].
var al1Paths = []oldPath{
	{"/opt/python/run/venv/bin/activate", "/var/app/venv/*/bin/activate"},
	{"/opt/python/run/venv", "/var/app/venv/*"},
	{"/opt/python/run/baselinenv", "/var/app/venv/*"},
	{"/opt/python/current/env", "/opt/elasticbeanstalk/deployment/env (NAME=value lines, root only)"},
	{"/opt/python/current/app", "/var/app/current"},
	{"/opt/python/ondeck/app", "/var/app/staging"},
	{"/opt/python/bundle", "/var/app/staging"},
	{"/opt/python/log", "/var/log"},
	{"/opt/python/etc", ""},
	{"/opt/elasticbeanstalk/support/envvars", "/opt/elasticbeanstalk/bin/get-config environment, or -k NAME of it for one property"},
	{"/opt/elasticbeanstalk/containerfiles", "/opt/elasticbeanstalk/bin/get-config environment"},
	{"/opt/elasticbeanstalk/node-install", "nothing: node and npm are in the PATH"},
	{"/opt/elasticbeanstalk/deploy/configuration/containerconfiguration", "/opt/elasticbeanstalk/bin/get-config"},
	{"/opt/elasticbeanstalk/deploy/appsource", "/opt/elasticbeanstalk/deployment/app_source_bundle"},
	{"/opt/elasticbeanstalk/lib/ruby", ""},
	{"/opt/elasticbeanstalk/eb_infra", ""},
	{"/var/app/ondeck", "/var/app/staging"},
	{"/tmp/deployment/application", "/var/app/staging"},
	{"/tmp/deployment/config", ".platform/nginx in the source bundle"},
}

// oldPaths are the places where a table's paths are used although the
// generation does not have them.
func (r *run) oldPaths(slug string, table []oldPath) (out []*finding.Finding) {
	applies, certain := r.onGenerations(laterThanAL1...)
	if !applies {
		return nil
	}
	var parts []string
	for _, p := range table {
		parts = append(parts, p.path)
	}
	for _, e := range r.entries("files") {
		if p := oldPathIn(table, e.name.Text); p != nil && strings.HasPrefix(e.name.Text, p.path) && !r.mentioned(e.name.Text) {
			f := &finding.Finding{Rule: slug, Severity: finding.Warning, Pos: e.name.Pos, End: e.name.End,
				Message: fmt.Sprintf("this file %s be written where nothing reads it: %s belongs to the Amazon Linux AMI", verb(certain), p.path)}
			f.Notes = append(f.Notes, nowNote(p))
			out = append(out, generational(f, certain))
		}
	}
	scripts := slices.Concat(r.scripts(), r.writtenScripts())
	type once struct {
		script *script
		path   string
	}
	seen := map[once]bool{}
	for _, u := range uses(scripts, parts...) {
		p := oldPathIn(table, u.word.Text)
		if p == nil || seen[once{u.script, p.path}] || r.checksFirst(&u, p.path) || r.writes(cut(u.word.Text, p.path)) {
			continue
		}
		seen[once{u.script, p.path}] = true
		out = append(out, r.oldPathUsed(slug, &u, p, certain))
	}
	return out
}

func oldPathIn(table []oldPath, text string) *oldPath {
	for i := range table {
		if at := strings.Index(text, table[i].path); at >= 0 {
			return &table[i]
		}
	}
	return nil
}

// cut is the path in the text that begins with start.
func cut(text, start string) string {
	p := text[strings.Index(text, start):]
	if i := strings.IndexAny(p, " \t\n:;,'\"`)"); i >= 0 {
		p = p[:i]
	}
	return p
}

// mentioned: a command or a script uses the path, so that it has a reader.
func (r *run) mentioned(name string) bool {
	return len(uses(r.scripts(), name)) > 0 || len(uses(r.writtenScripts(), name)) > 0
}

// checksFirst: whether the path is there is looked at before it is used, so
// that the text works on every generation; or the script is one of those that
// only the Amazon Linux AMI runs.
func (r *run) checksFirst(u *use, part string) bool {
	if u.script.test || u.call.Conditional {
		return true
	}
	if e := u.script.entry; e != nil && e.section == "files" {
		return strings.HasPrefix(e.name.Text, al1Hooks) || oldPathIn(al1Paths, e.name.Text) != nil
	}
	if u.script.guarded() && strings.Contains(u.script.entry.get("test").TextOr(""), part) {
		return true
	}
	switch program, _ := u.program(); program {
	case "test", "[", "export", "alias":
		return true
	}
	return false
}

// oldPathUsed is the finding for one use.
func (r *run) oldPathUsed(slug string, u *use, p *oldPath, certain bool) *finding.Finding {
	f := &finding.Finding{Rule: slug, Severity: finding.Warning, Pos: u.pos(), End: u.end()}
	name := cut(u.word.Text, p.path)
	program, args := u.program()
	needs := needsFile(program, args, u)
	switch {
	case needs && u.fails() && !u.script.guarded():
		f.Severity = finding.Error
		f.Message = fmt.Sprintf("this %s fail, and the deployment with it: there is no %s since Amazon Linux 2", verb(certain), p.path)
	case needs:
		f.Message = fmt.Sprintf("this %s fail: there is no %s since Amazon Linux 2", verb(certain), p.path)
	default:
		f.Message = fmt.Sprintf("this %s have no effect: nothing reads %s since Amazon Linux 2", verb(certain), p.path)
	}
	if needs {
		f.Notes = append(f.Notes, finding.Note{Label: "on AWS", Text: noSuchFile(program, name)})
	}
	f.Notes = append(f.Notes, nowNote(p))
	return generational(f, certain)
}

func nowNote(p *oldPath) finding.Note {
	if p.now == "" {
		return finding.Note{Label: "fix", Text: "leave it out: nothing takes its place"}
	}
	return finding.Note{Label: "fix", Text: "since Amazon Linux 2:   " + p.now}
}

// needsFile tells whether a program fails when the path of the word is not
// there.
func needsFile(program string, args []shell.Word, u *use) bool {
	if u.written || path.Base(u.word.Text) == program {
		return true // the folder is missing; the program itself is
	}
	switch program {
	case "ln":
		return len(args) > 1 && args[len(args)-1].Start == u.word.Start
	case "mkdir":
		return !hasOption(args, 'p')
	case "rm":
		return !hasOption(args, 'f')
	case "chmod", "chown", "chgrp":
		return !hasOption(args, 'f')
	case "source", ".", "cd", "cat", "cp", "mv", "sed", "touch", "sh", "bash", "python", "python3", "php", "node",
		"tail", "head", "ls", "grep", "tee", "pushd", "install", "awk", "du":
		return true
	}
	return false
}

// noSuchFile is what the shell or the program prints.
func noSuchFile(program, name string) string {
	switch program {
	case "source", ".", "cd", "pushd":
		return fmt.Sprintf("/bin/sh: line 0: %s: %s: No such file or directory", program, name)
	case path.Base(name):
		return fmt.Sprintf("/bin/sh: %s: No such file or directory", name)
	}
	return fmt.Sprintf("%s: %s: No such file or directory", program, name)
}
