package check

import (
	"path"
	"slices"
	"strings"
)

// programs are the texts of the deployment that can run in some way: commands,
// hooks, and files of the bundle that a command or a build may call. What is
// written by a program that is not among them cannot be seen.
func (r *run) programs() []string {
	if r.programTexts != nil {
		return *r.programTexts
	}
	out := []string{}
	for _, s := range slices.Concat(r.scripts(), r.writtenScripts()) {
		out = append(out, scriptText(s))
	}
	for _, name := range r.in.Bundle.Names() {
		if !mayRun(name) {
			continue
		}
		if t := r.text(name); t != nil {
			out = append(out, t.Text)
		}
	}
	r.programTexts = &out
	return out
}

// scriptText is a script's text; of a command in list form, its words.
func scriptText(s *script) string {
	if len(s.text.Items) == 0 {
		return s.text.Text
	}
	words := make([]string, len(s.text.Items))
	for i, it := range s.text.Items {
		words[i] = it.TextOr("")
	}
	return strings.Join(words, " ")
}

// mayRun: by its name the file is a program, or says what to run.
func mayRun(name string) bool {
	switch base := path.Base(name); {
	case strings.HasPrefix(name, ".platform/"):
		return !strings.HasPrefix(name, ".platform/nginx/") && !strings.HasPrefix(name, ".platform/httpd/")
	case strings.HasPrefix(name, ".ebextensions/"):
		return !strings.HasSuffix(name, ".config") && !strings.HasSuffix(name, ".conf")
	case base == "Procfile" || base == "Buildfile" || base == "Makefile" || base == "package.json":
		return strings.Count(name, "/") == 0
	case strings.HasPrefix(base, "docker-compose."), base == "compose.yml", base == "compose.yaml":
		return strings.Count(name, "/") == 0
	default:
		return strings.HasSuffix(base, ".sh") || strings.HasSuffix(base, ".bash")
	}
}

// programsHold: one of the programs holds one of the parts.
func (r *run) programsHold(parts ...string) bool {
	for _, text := range r.programs() {
		if holds(text, parts...) {
			return true
		}
	}
	return false
}
