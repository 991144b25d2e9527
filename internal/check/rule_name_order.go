package check

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"

	"beanpole/internal/finding"
	"beanpole/internal/source"
)

var nameOrder = &Rule{
	Slug:  "name-order",
	Title: "numbers in names are put in order as text",
	Why: `Commands run, and configuration files and hooks are taken, in the alphabetical order of
their names. Names are compared as text: 10_start comes before 2_build. Numbers of
equal length (02, 10) come in the order that is meant.`,
	Before: `container_commands:
  2_build:
    command: make
  10_start:
    command: make start`,
	After: `container_commands:
  02_build:
    command: make
  10_start:
    command: make start`,
	Since: "0.1.0",
	// [EB:customize-containers-ec2 "Commands", "Container commands"; EB:ebextensions; EB:platforms-linux-extend]
	find: func(r *run) (out []*finding.Finding) {
		for _, f := range r.x.Files {
			if f.Root == nil || f.Skipped != nil {
				continue
			}
			for _, section := range []string{"commands", "container_commands"} {
				var names []numbered
				for _, e := range f.Root.Get(section).Entries() {
					names = append(names, numberedName(e.Key.Text, e.Key.Pos, e.Key.End))
				}
				out = append(out, misordered(names, "command")...)
			}
		}
		return append(out, r.misorderedFiles()...)
	},
}

// numbered is a name that begins with a number; digits is "" for all others.
type numbered struct {
	name, digits string
	number       int
	pos, end     source.Pos
}

func numberedName(name string, pos, end source.Pos) numbered {
	n := numbered{name: name, pos: pos, end: end}
	i := 0
	for i < len(name) && name[i] >= '0' && name[i] <= '9' {
		i++
	}
	if v, err := strconv.Atoi(name[:i]); err == nil && i <= 3 {
		n.digits, n.number = name[:i], v
	}
	return n
}

// misordered is about names written in the order of their numbers that come in
// another one: the first that is overtaken, if any.
func misordered(names []numbered, what string) []*finding.Finding {
	for i := range names {
		if names[i].digits == "" {
			continue
		}
		for j := i + 1; j < len(names); j++ {
			a, b := &names[i], &names[j]
			if b.digits == "" || a.number >= b.number || a.name < b.name {
				continue
			}
			f := &finding.Finding{Rule: "name-order", Severity: finding.Warning, Certain: true, Pos: b.pos, End: b.end}
			f.Message = fmt.Sprintf("this %s comes before %s: names are put in order as text", what, a.name)
			note(f, "on AWS", "no message at all")
			note(f, "fix", fmt.Sprintf("write numbers of equal length   %0*d%s", len(b.digits), a.number, a.name[len(a.digits):]))
			return []*finding.Finding{f}
		}
	}
	return nil
}

// misorderedFiles are configuration files, and the hooks of one folder.
func (r *run) misorderedFiles() (out []*finding.Finding) {
	byFolder := map[string][]numbered{}
	for _, f := range r.x.Files {
		if f.Skipped == nil {
			byFolder[".ebextensions"] = append(byFolder[".ebextensions"], numberedName(path.Base(f.Name), source.Pos{File: f.Name}, source.Pos{}))
		}
	}
	for _, h := range r.hookFiles() {
		byFolder[path.Dir(h.name)] = append(byFolder[path.Dir(h.name)], numberedName(path.Base(h.name), source.Pos{File: h.name}, source.Pos{}))
	}
	for _, folder := range slices.Sorted(maps.Keys(byFolder)) {
		what := "hook"
		if folder == ".ebextensions" {
			what = "file"
		}
		names := byFolder[folder]
		slices.SortStableFunc(names, func(a, b numbered) int { return a.number - b.number })
		out = append(out, misordered(names, what)...)
	}
	return out
}
