package check

import (
	"fmt"
	"strings"

	"beanpole/internal/finding"
)

var relativePath = &Rule{
	Slug:  "relative-path",
	Title: "a file's path is not absolute",
	Why: `The keys below files are paths on the instance, from / on. cfn-init ends the
deployment at any other: "File specified with non-absolute path". A path is taken as
it stands: neither ~ nor a variable is expanded.`,
	Before: `files:
  etc/myapp.conf:
    content: a`,
	After: `files:
  /etc/myapp.conf:
    content: a`,
	Since: "0.1.0",

	find: func(r *run) (out []*finding.Finding) {
		for _, e := range r.entries("files") {
			path := e.name.Text
			if strings.HasPrefix(path, "/") || windowsPath(path) || computed(e.name) {
				continue
			}
			f := keyFinding("relative-path", finding.Error, e.name)
			f.Message = "cfn-init will stop here, and the deployment with it: the file's path is not absolute"
			note(f, "on AWS", fmt.Sprintf("Error occurred during build: File specified with non-absolute path: %s", path))
			switch trimmed := strings.TrimLeft(path, " \u00a0\t"); {
			case strings.HasPrefix(trimmed, "/"):
				f.Notes = append([]finding.Note{{Label: "cause", Text: "the path begins with a blank"}}, f.Notes...)
				note(f, "fix", "remove it")
			case strings.ContainsAny(path[:min(len(path), 3)], "“”‘’"):
				f.Notes = append([]finding.Note{{Label: "cause", Text: "the quotes are typographic ones, which YAML takes for letters"}}, f.Notes...)
				note(f, "fix", `write straight quotes: "`)
			case strings.HasPrefix(path, "~") || strings.HasPrefix(path, "$"):
				note(f, "fix", "write the folder out, for instance /home/ec2-user")
			default:
				note(f, "fix", "write   /"+strings.TrimPrefix(path, "./"))
			}
			out = append(out, f)
		}
		return out
	},
}

// windowsPath: a drive letter, as Windows platforms have it.
func windowsPath(p string) bool {
	return len(p) > 2 && p[1] == ':' && (p[2] == '\\' || p[2] == '/')
}
