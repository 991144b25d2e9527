package check

import (
	"fmt"
	"path"
	"strings"

	"beanpole/internal/finding"
	"beanpole/internal/shell"
	"beanpole/internal/source"
)

var notRepeatable = &Rule{
	Slug:  "not-repeatable",
	Title: "a command that fails the second time",
	Why: `Commands and hooks run at every deployment, on instances that have run them before.
What makes something that is already there fails then: "mkdir: cannot create directory
'/opt/x': File exists". The first deployment is green, the next one to the same
instance fails. The application's own folder is made anew each time.`,
	Before: "command: mkdir /var/log/worker",
	After:  "command: mkdir -p /var/log/worker",
	Since:  "0.1.0",
	find: func(r *run) (out []*finding.Finding) {
		removed := r.removedPaths()
		for _, s := range r.scripts() {
			if !s.fails() || s.guarded() || s.onConfig || s.text.Kind != source.Seq && !holds(s.text.Text, "mkdir", "ln", "useradd", "groupadd", "adduser", "createdb", "clone") {
				continue
			}
			calls, _ := s.read()
			for i := range calls {
				c := &calls[i]
				if !c.Decides || c.Conditional && !r.chained(calls, i) || c.Background {
					continue
				}
				if f := onlyOnce(s, c, removed); f != nil {
					out = append(out, f)
				}
			}
		}
		return out
	},
}

// chained: every call before it in the text is a plain step of the same &&
// chain, not a question that could keep it from running.
func (r *run) chained(calls []shell.Call, i int) bool {
	for _, c := range calls[:i] {
		switch p, _ := c.Program(); p {
		case "cd", "mkdir", "cp", "mv", "chmod", "chown", "echo", "yum", "wget", "curl", "tar", "touch":
		default:
			return false
		}
		if !c.Decides {
			return false
		}
	}
	return true
}

// removedPaths are the paths that some text removes, so that they can be made
// again.
func (r *run) removedPaths() map[string]bool {
	out := map[string]bool{}
	for _, s := range r.scripts() {
		if s.text.Kind != source.Seq && !holds(s.text.Text, "rm ", "unlink ", "rmdir ") {
			continue
		}
		calls, _ := s.read()
		for _, c := range calls {
			if p, args := c.Program(); p == "rm" || p == "unlink" || p == "rmdir" {
				for _, a := range args {
					out[path.Clean(a.Text)] = true
				}
			}
		}
	}
	return out
}

// persists: the path outlives a deployment. The staging folder and what lies
// on a memory file system do not; relative paths are the staging folder's.
func persists(w shell.Word, removed map[string]bool) bool {
	p := path.Clean(w.Text)
	if w.Dynamic || !strings.HasPrefix(p, "/") || strings.ContainsAny(p, "*?[{") {
		return false
	}
	for _, fresh := range []string{"/var/app/", "/run/", "/var/run/", "/dev/", "/opt/python/ondeck", "/opt/python/bundle", "/opt/python/current", "/tmp/deployment"} {
		if strings.HasPrefix(p+"/", fresh) {
			return false
		}
	}
	for ; p != "/" && p != "."; p = path.Dir(p) {
		if removed[p] {
			return false
		}
	}
	return true
}

// operands are the arguments that are no options; those of the letters in
// taking have a word of their own.
func operands(args []shell.Word, taking string) (out []shell.Word) {
	for i := 0; i < len(args); i++ {
		t := args[i].Text
		switch {
		case strings.HasPrefix(t, "--"):
		case len(t) > 1 && t[0] == '-':
			if strings.IndexByte(taking, t[len(t)-1]) >= 0 {
				i++
			}
		default:
			out = append(out, args[i])
		}
	}
	return out
}

// onlyOnce is the finding about a call that works a single time; nil for all
// others.
func onlyOnce(s *script, c *shell.Call, removed map[string]bool) *finding.Finding {
	program, args := c.Program()
	var says, fix, option string
	switch program {
	case "mkdir":
		of := operands(args, "mZ")
		if hasOption(args, 'p') || len(of) == 0 || hasText(args, "--parents") || !persists(of[0], removed) {
			return nil
		}
		says = fmt.Sprintf("mkdir: cannot create directory '%s': File exists", of[0].Text)
		fix, option = "write   mkdir -p", " -p"
	case "ln":
		of := operands(args, "tS")
		if hasOption(args, 'f') || hasText(args, "--force") || len(of) != 2 || !persists(of[1], removed) {
			return nil
		}
		says = fmt.Sprintf("ln: failed to create symbolic link '%s': File exists", of[1].Text)
		fix, option = "write   ln -sfn", " -fn"
	case "useradd", "adduser", "groupadd":
		of := operands(args, "bcdefgGkKpRsu")
		if len(of) != 1 || hasOption(args, 'f') && program == "groupadd" || hasOption(args, 'D') || of[0].Dynamic {
			return nil
		}
		kind := map[string]string{"groupadd": "group"}[program]
		if kind == "" {
			kind = "user"
		}
		says = fmt.Sprintf("%s: %s '%s' already exists", program, kind, of[0].Text)
		fix = fmt.Sprintf("name it under %ss: in the configuration file, or ask first   id %s || …", kind, of[0].Text)
	default:
		return nil
	}
	end := c.Words[0].End
	f := &finding.Finding{
		Rule: "not-repeatable", Severity: finding.Warning, Certain: true, Pos: s.at(c.Start), End: s.at(c.End),
		Message: "this will fail at the second deployment to the same instance, and the deployment with it",
		Notes: []finding.Note{
			{Label: "on AWS", Text: says},
			{Label: "fix", Text: fix},
		},
	}
	if s.text.Kind != source.Seq && option != "" && path.Base(c.Words[0].Text) == program && c.Words[0].Start < end {
		if program == "ln" && args[0].Text == "-s" {
			end, option = args[0].End, "fn"
		}
		at := s.at(end)
		f.Fixes = []finding.Fix{{Name: "repeatable", Title: "let " + program + " pass over what is there",
			Edits: []source.Edit{{File: at.File, Start: at.Offset, End: at.Offset, New: option}}}}
	}
	return f
}
