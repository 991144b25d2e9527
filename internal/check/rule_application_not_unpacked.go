package check

import (
	"fmt"
	"path"
	"strings"

	"beanpole/internal/finding"
	"beanpole/internal/shell"
	"beanpole/internal/source"
)

var applicationNotUnpacked = &Rule{
	Slug:  "application-not-unpacked",
	Title: "a command needs the application before it is unpacked",
	Why: `Entries of commands run before the new version is unpacked, in the folder /. A file of
the source bundle is not there yet: "No such file or directory". On an instance that
already serves, /var/app/current holds the old version; on a new one there is none.
Entries of container_commands run after the version is unpacked, in its folder.`,
	Before: `commands:
  01_migrate:
    command: python manage.py migrate`,
	After: `container_commands:
  01_migrate:
    command: python manage.py migrate`,
	Since: "0.1.0",
	find: func(r *run) (out []*finding.Finding) {
		before := &strings.Builder{} // what stood in earlier texts
		for _, s := range r.scripts() {
			if s.stage != beforeUnpack {
				continue
			}
			if !s.test && !s.guarded() {
				if f := r.tooEarly(s, before.String()); f != nil {
					out = append(out, f)
				}
			}
			if before.Len() < 1<<16 {
				before.WriteString(s.text.Text + "\n")
			}
		}
		return out
	},
}

// tooEarly is about the first call of a text that needs the application.
func (r *run) tooEarly(s *script, before string) *finding.Finding {
	if dir := s.entry.get("cwd"); dir != nil {
		if !strings.HasPrefix(dir.TextOr(""), "/var/app/") {
			return nil
		}
		return notThere(dir.Pos, dir.End, dir.TextOr(""), false)
	}
	calls, _ := s.read()
	home := 0 // up to here names are relative to the home folder of a user
	for i := range calls {
		c := &calls[i]
		program, args := c.Program()
		if ownFolder(c.Words) {
			home = max(home, c.End)
		}
		if c.Start < home || ownFolder(c.Words) {
			continue
		}
		if program == "cd" || program == "pushd" {
			if len(args) == 1 && strings.HasPrefix(args[0].Text, "/var/app/") && c.Decides && !c.Conditional && s.fails() && !r.writes(args[0].Text) {
				return notThere(s.at(args[0].Start), s.at(args[0].End), args[0].Text, false)
			}
			return nil // from here on names are relative to somewhere else
		}
		w, ok := applicationFile(c, program, args)
		if !ok || w.Dynamic || c.Conditional || !c.Decides || !s.fails() || holds(strings.Join(c.Assigns, " "), "GEMFILE") {
			continue
		}
		name := path.Clean(w.Text)
		known := before
		if s.text.Kind != source.Seq {
			known += s.text.Text[:c.Start]
		}
		if strings.Contains(known, path.Base(name)) || r.writes("/"+name) {
			continue // made or fetched before
		}
		end := s.at(w.End)
		if s.text.Kind == source.Seq {
			end = s.text.End
		}
		return notThere(s.at(w.Start), end, w.Text, true)
	}
	return nil
}

// ownFolder: `su -` and `sudo -i` run their program in a user's home folder.
func ownFolder(words []shell.Word) bool {
	program := path.Base(words[0].Text)
	if program != "su" && program != "sudo" && program != "runuser" {
		return false
	}
	for i, w := range words[1:] {
		switch t := w.Text; {
		case t == "-", t == "-l", t == "--login", program == "sudo" && hasOption([]shell.Word{w}, 'i'):
			return true
		case program == "sudo" && !strings.HasPrefix(t, "-") && !strings.HasSuffix(words[i].Text, "u"):
			return false
		}
	}
	return false
}

// applicationFile is the relative path of a file that the program needs.
func applicationFile(c *shell.Call, program string, args []shell.Word) (shell.Word, bool) {
	if first := c.Words[0]; strings.Contains(first.Text, "/") && !strings.HasPrefix(first.Text, "/") && !strings.HasPrefix(first.Text, "~") {
		return first, true
	}
	if len(args) == 0 {
		return shell.Word{}, false
	}
	first := args[0]
	relative := !strings.HasPrefix(first.Text, "/") && !strings.HasPrefix(first.Text, "-") && !strings.HasPrefix(first.Text, "~")
	if w, ok := projectFile(program, args); ok {
		return w, true
	}
	switch program {
	case "python", "python3", "php", "node", "ruby", "perl":
		return first, relative && (path.Ext(first.Text) != "" || first.Text == "artisan")
	case "sh", "bash":
		return first, relative
	case "source", ".":
		return first, relative
	case "cp", "mv", "cat", "chmod":
		for _, a := range args {
			if strings.HasPrefix(strings.TrimPrefix(a.Text, "./"), ".ebextensions/") {
				return a, true
			}
		}
	}
	return shell.Word{}, false
}

// projectFiles are the files without which a tool of a language does nothing
// but fail, by the tool's first word; "" for all its words.
var projectFiles = map[string]map[string]string{
	"npm":      {"ci": "package.json", "run": "package.json", "run-script": "package.json", "start": "package.json", "test": "package.json"},
	"yarn":     {"run": "package.json", "build": "package.json", "start": "package.json"},
	"composer": {"install": "composer.json", "update": "composer.json", "dump-autoload": "composer.json", "run-script": "composer.json"},
	"bundle":   {"install": "Gemfile", "exec": "Gemfile"},
	"rake":     {"": "Rakefile"},
}

// projectFile is the file of the application that a tool looks for in the
// folder in which it runs. It has the place of the tool's words.
func projectFile(program string, args []shell.Word) (shell.Word, bool) {
	for i, a := range args {
		switch t := a.Text; {
		case holds(t, "--prefix", "--cwd", "--working-dir", "--gemfile", "--rakefile"), t == "-g", t == "--global", t == "-C":
			return shell.Word{}, false
		case t == "-d" && program == "composer", t == "-f" && program == "rake":
			return shell.Word{}, false
		case t == "-r" && strings.HasPrefix(program, "pip") && args[0].Text == "install" && i+1 < len(args):
			return args[i+1], !strings.HasPrefix(args[i+1].Text, "/") && !holds(args[i+1].Text, "://")
		}
	}
	if strings.HasPrefix(args[0].Text, "-") {
		return shell.Word{}, false
	}
	words := projectFiles[strings.TrimSuffix(program, ".phar")]
	file, ok := words[args[0].Text]
	if !ok {
		file, ok = words[""]
	}
	return shell.Word{Text: file, Start: args[0].Start, End: args[0].End}, ok
}

// notThere is the finding; sure when the name is one of the bundle's, which
// does not exist in /.
func notThere(pos, end source.Pos, name string, sure bool) *finding.Finding {
	f := &finding.Finding{Rule: "application-not-unpacked", Severity: finding.Warning, Pos: pos, End: end}
	if sure {
		f.Severity, f.Certain = finding.Error, true
		f.Message = "this will fail, and the deployment with it: commands run before the application is unpacked"
		f.Notes = append(f.Notes,
			finding.Note{Label: "cause", Text: fmt.Sprintf("%s is looked for in /, the folder in which commands run", name)},
			finding.Note{Label: "on AWS", Text: fmt.Sprintf("%s: No such file or directory", name)})
	} else {
		f.Message = fmt.Sprintf("this may fail on a new instance, and see the old version elsewhere: commands run before the application is unpacked into %s", name)
	}
	f.Notes = append(f.Notes, finding.Note{Label: "fix", Text: "move the entry from commands: to container_commands:"})
	return f
}
