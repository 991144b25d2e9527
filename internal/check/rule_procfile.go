package check

import (
	"fmt"
	"strings"

	"beanpole/internal/finding"
	"beanpole/internal/lazyregexp"
)

var procfileLine = &Rule{
	Slug:  "procfile-line",
	Title: "a Procfile that the platform does not take",
	Why: `Procfile and Buildfile lie at the root of the bundle, under exactly these names, and
every line is a name, a colon and a command: ^[A-Za-z0-9_-]+:\s*[^\s].*$
[EB:platforms-linux-extend]. A file of another name is not read, and the platform
starts the application as it does without one.`,
	Before: "procfile",
	After:  "Procfile",
	Since:  "0.1.0",

	find: func(r *run) (out []*finding.Finding) {
		counts, _ := r.platformFiles()
		if !counts {
			return nil
		}
		for _, name := range r.in.Bundle.Names() {
			for _, right := range []string{"Procfile", "Buildfile"} {
				stem := strings.TrimSuffix(strings.ToLower(name), ".txt")
				if name != right && stem == strings.ToLower(right) && !r.in.Bundle.Has(right) {
					f := fileFinding("procfile-line", finding.Warning, name)
					f.Message = fmt.Sprintf("the platform will not read this file: its name is not %s", right)
					note(f, "on AWS", "no message at all")
					note(f, "fix", "name it   "+right)
					out = append(out, f)
				}
				if name == right {
					out = append(out, r.processLines(name)...)
				}
			}
		}
		return out
	},
}

var processLine = lazyregexp.New(`^[A-Za-z0-9_-]+:\s*[^\s].*$`)

// processLines are the lines of a Procfile that are none.
func (r *run) processLines(name string) (out []*finding.Finding) {
	text := r.text(name)
	if text == nil {
		return nil
	}
	at := 0
	for _, line := range strings.SplitAfter(text.Text, "\n") {
		from := at
		at += len(line)
		line = strings.TrimRight(line, "\r\n")
		if t := strings.TrimSpace(line); t == "" || t[0] == '#' || processLine.MatchString(line) || len(out) >= 20 {
			continue
		}
		f := fileFinding("procfile-line", finding.Warning, name)
		f.Pos, f.End = text.PosAt(from), text.PosAt(from+len(line))
		f.Certain = false
		f.Message = fmt.Sprintf("the platform may refuse %s: this line is no process", name)
		note(f, "cause", "a line is a name of letters, digits, _ and -, a colon, and a command")
		note(f, "fix", "write   web: "+"COMMAND")
		out = append(out, f)
	}
	return out
}
