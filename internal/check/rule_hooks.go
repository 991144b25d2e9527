package check

import (
	"fmt"
	"slices"
	"strings"

	"beanpole/internal/ebext"
	"beanpole/internal/finding"
	"beanpole/internal/platform"
)

var hookNotExecutable = &Rule{
	Slug:  "hook-not-executable",
	Title: "a platform hook has no execute bit",
	Why: `The platform starts hooks as programs. Platform versions of Amazon Linux 2 before
29 April 2022 take the mode from the bundle and fail at a hook without execute bit:
"fork/exec .platform/hooks/predeploy/x.sh: permission denied". Later ones, and all of
Amazon Linux 2023, set the bit themselves. A chmod in container_commands comes too
late for prebuild hooks and does not run in configuration deployments.`,
	Before: "-rw-r--r-- .platform/hooks/predeploy/01_migrate.sh",
	After:  "git update-index --chmod=+x .platform/hooks/predeploy/01_migrate.sh",
	Since:  "0.1.0",

	find: func(r *run) (out []*finding.Finding) {
		if !r.platform.Known || r.platform.Generation != ebext.AL2 {
			return nil
		}
		for _, h := range r.hookFiles() {
			if r.in.Bundle.Mode(h.name)&0o111 != 0 {
				continue
			}
			f := fileFinding("hook-not-executable", finding.Warning, h.name)
			f.Certain = false
			f.Message = "the deployment may fail at this hook: it is not executable"
			note(f, "not known", "the platform's version: those from 29 April 2022 on set the bit themselves")
			note(f, "on AWS", fmt.Sprintf("Command %s failed with error fork/exec %s: permission denied", h.name, h.name))
			f.Notes = append(f.Notes, finding.Note{Label: "fix", Text: "git update-index --chmod=+x " + h.name, Command: true})
			out = append(out, f)
		}
		return out
	},
}

var hookNotStarted = &Rule{
	Slug:  "hook-not-started",
	Title: "a script cannot be started: line ends, or no #!",
	Why: `The kernel starts a script by its first line: #! and the path of a program. With
Windows's line ends the program's name ends in a carriage return, and the error is
"fork/exec …: no such file or directory" although the file is there. Without a first
line of that kind it is "exec format error"; a byte order mark before #! counts as
none.`,
	Before: "echo migrate",
	After:  "#!/bin/bash\necho migrate",
	Since:  "0.1.0",

	find: func(r *run) (out []*finding.Finding) {
		counts, certain := r.platformFiles()
		if !counts {
			return nil
		}
		for _, h := range r.hookFiles() {
			cause, says, fix := r.unstartable(h.name)
			if cause == "" {
				continue
			}
			f := fileFinding("hook-not-started", finding.Error, h.name)
			f.Pos = r.lineOf(h.name, 1)
			f.Certain = certain
			f.Message = "the deployment will fail at this hook: it cannot be started"
			if !certain {
				f.Severity = finding.Warning
				f.Message = "the deployment may fail at this hook: it cannot be started"
			}
			note(f, "cause", cause)
			note(f, "on AWS", fmt.Sprintf("Command %s failed with error fork/exec %s: %s", h.name, h.name, says))
			if !certain {
				note(f, "not known", "the platform (--platform): on Amazon Linux 2 and 2023 it fails")
			}
			note(f, "fix", fix)
			out = append(out, f)
		}
		return append(out, r.carriageReturns()...)
	},
}

// unstartable is why the kernel does not start a file of the bundle; "" when it
// does, as far as the first line tells.
func (r *run) unstartable(name string) (cause, says, fix string) {
	data, err := r.in.Bundle.Read(name)
	if err != nil {
		return "", "", ""
	}
	head := string(data[:min(len(data), 256)])
	first, _, _ := strings.Cut(head, "\n")
	switch {
	case strings.HasPrefix(head, "\x7fELF"):
		return "", "", ""
	case strings.HasPrefix(head, "\ufeff"):
		return "a byte order mark stands before the first line", "exec format error", "save it as UTF-8 without a byte order mark"
	case len(strings.TrimSpace(head)) == 0:
		return "the file is empty", "exec format error", "remove it, or write a script that begins with #!/bin/bash"
	case !strings.HasPrefix(head, "#!"):
		return "the first line does not begin with #!", "exec format error", "write   #!/bin/bash   as its first line"
	case strings.HasSuffix(first, "\r"):
		return "the lines end with CR LF, as on Windows", "no such file or directory", "save it with LF, and write   *.sh eol=lf   into .gitattributes"
	}
	return "", "", ""
}

// carriageReturns are scripts below files whose first line ends with CR LF:
// YAML makes LF of a file's own line ends, so only escapes bring them in.
func (r *run) carriageReturns() (out []*finding.Finding) {
	for _, e := range r.entries("files") {
		c := e.get("content")
		text, _ := c.Str()
		first, _, more := strings.Cut(text, "\n")
		if !more || !strings.HasPrefix(first, "#!") || !strings.HasSuffix(first, "\r") {
			continue
		}
		f := keyFinding("hook-not-started", finding.Warning, e.key("content"))
		f.Message = fmt.Sprintf("%q will not start: the lines of its content end with CR LF", e.name.Text)
		note(f, "on AWS", "no such file or directory, or: /usr/bin/env: 'bash\\r': No such file or directory")
		note(f, "fix", `write \n for the line ends, or the text below a |`)
		out = append(out, f)
	}
	return out
}

var hookNeverRuns = &Rule{
	Slug:  "hook-never-runs",
	Title: "a platform hook lies where no hook is looked for",
	Why: `Amazon Linux 2 and 2023 run the files of .platform/hooks/prebuild, predeploy and
postdeploy when a version is deployed, and those of .platform/confighooks with the
same three folders when the configuration is changed. In a folder of any other name
a script is ordinary content: it never runs, and no message says so.`,
	Before: ".platform/hook/postdeploy/01_cache.sh",
	After:  ".platform/hooks/postdeploy/01_cache.sh",
	Since:  "0.1.0",

	find: func(r *run) (out []*finding.Finding) {
		if counts, _ := r.platformFiles(); !counts {
			return nil
		}
		for _, name := range r.in.Bundle.Names() {
			right := hookPlace(name)
			if right == "" || r.hookUses(base(name)) {
				continue
			}
			f := fileFinding("hook-never-runs", finding.Warning, name)
			f.Message = "this hook will never run: no platform looks here"
			note(f, "on AWS", "no message at all")
			note(f, "fix", "name it   "+right)
			out = append(out, f)
		}
		return out
	},
}

var (
	hookKinds  = []string{"hooks", "confighooks"}
	hookSteps  = platform.HookSteps
	otherSteps = map[string]string{"build": "prebuild", "deploy": "predeploy", "postbuild": "predeploy", "post": "postdeploy", "pre": "predeploy", "predeployment": "predeploy", "postdeployment": "postdeploy", "appdeploy": "predeploy"}
)

// hookUses: a hook or command names the file, so that it is run from there.
func (r *run) hookUses(file string) bool {
	return slices.ContainsFunc(r.scripts(), func(s *script) bool { return strings.Contains(s.text.Text, file) })
}

// hookPlace is where a misplaced hook belongs; "" for every other file.
func hookPlace(name string) string {
	parts := strings.Split(name, "/")
	if len(parts) < 3 || strings.HasPrefix(parts[len(parts)-1], ".") || strings.HasSuffix(name, ".md") {
		return ""
	}
	top, kind, step := parts[0], parts[1], parts[2]
	isStep := slices.Contains(hookSteps, step)
	switch {
	case top == ".platform" && slices.Contains(hookKinds, kind) && isStep:
		return ""
	case top == ".platform" && slices.Contains(hookKinds, kind) && len(parts) == 3:
		return ".platform/" + kind + "/postdeploy/" + step + "   or below prebuild or predeploy"
	case top == ".platform" && slices.Contains(hookKinds, kind):
		to := nearest(step, hookSteps)
		if to == "" {
			to = otherSteps[step]
		}
		if to == "" {
			return "" // a folder of helpers, perhaps
		}
		return ".platform/" + kind + "/" + to + "/" + parts[len(parts)-1]
	case top == ".platform" && isStep:
		return ".platform/hooks/" + step + "/" + parts[len(parts)-1]
	case top == ".platform" && slices.Contains(hookSteps, kind):
		return ".platform/hooks/" + kind + "/" + parts[len(parts)-1]
	case (top == "platform" || top == ".platforms" || nearest(top, []string{".platform"}) != "") && top != ".platform" && slices.Contains(hookKinds, kind) && isStep:
		return ".platform/" + kind + "/" + step + "/" + parts[len(parts)-1]
	case top == ".ebextensions" && slices.Contains(hookKinds, kind) && isStep:
		return ".platform/" + kind + "/" + step + "/" + parts[len(parts)-1]
	}
	return ""
}
