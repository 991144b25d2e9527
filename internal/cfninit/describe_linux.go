package cfninit

import (
	"fmt"
	"io"
	"strings"

	"beanpole/internal/access"
	"beanpole/internal/fact"
	"beanpole/internal/source"
)

// Describe writes the plan for people, one line a step, in the order in which
// it would run. No content of files is written, and no secret of a URL.
func (p *Plan) Describe(w io.Writer) {
	for _, d := range p.Dropped {
		fmt.Fprintf(w, "authentication %s is ignored: %s\n", d.Name, d.Warning)
	}
	for _, s := range p.Sets {
		fmt.Fprintf(w, "configSet %s\n", s.Name)
		for _, c := range s.Configs {
			fmt.Fprintf(w, "  config %s\n", c.Name)
			if len(c.Steps) == 0 {
				fmt.Fprintln(w, "    nothing to do")
			}
			for _, step := range c.Steps {
				for _, line := range step.describe() {
					fmt.Fprintf(w, "    %s\n", line)
				}
			}
		}
	}
	if p.Ends != nil {
		fmt.Fprintf(w, "ends with: %s\n", p.Ends.Text)
	}
}

// describe is the step in lines.
func (s *Step) describe() []string {
	switch {
	case s.Packages != nil:
		return []string{fmt.Sprintf("packages  %s %s", s.Packages.Manager, strings.Join(s.Packages.Names(), ", "))}
	case s.Services != nil:
		return []string{fmt.Sprintf("services  %s %s", s.Services.Manager, strings.Join(keys(s.Services.Asked), ", "))}
	case s.Source != nil:
		return []string{fmt.Sprintf("sources   %s <- %s", s.Source.Dir, origin(s.Source.Fetch, s.Source.From))}
	case s.File != nil:
		return []string{"files     " + s.File.Path + s.File.describe()}
	case s.Command != nil:
		return s.Command.describe()
	case s.Other != nil && s.Other.Node.Kind == source.Map:
		var out []string
		for _, f := range sorted(s.Other.Node) {
			out = append(out, fmt.Sprintf("%-9s %s", s.Other.Section, f.Key.Text))
		}
		return out
	case s.Other != nil:
		return []string{s.Other.Section}
	case s.Fault != nil:
		return []string{"ends with: " + s.Fault.Text}
	}
	return nil
}

func (f *File) describe() string {
	out := ""
	if isLink(f.Entry.Get("mode")) {
		return " -> " + f.Entry.Get("content").TextOr("")
	}
	for _, key := range []string{"mode", "owner", "group"} {
		if v := f.Entry.Get(key); truthy(v) {
			out += " " + key + " " + format(v)
		}
	}
	if f.Fetch != nil {
		out += " <- " + origin(f.Fetch, f.Fetch.URL)
	}
	return out
}

func (c *Command) describe() []string {
	var out []string
	for _, key := range []string{"test", "command"} {
		if v := c.Entry.Get(key); v != nil {
			out = append(out, fmt.Sprintf("commands  %s %s: %s", c.Name, key, strings.ReplaceAll(format(v), "\n", "\\n")))
		}
	}
	return out
}

// keys are a map's keys.
func keys(n *source.Node) []string {
	var out []string
	for _, f := range fields(n) {
		out = append(out, f.Key.Text)
	}
	return out
}

// origin is where something comes from, and who signs for it.
func origin(f *access.Fetch, from string) string {
	if f == nil {
		return hideURL(fact.Show(from))
	}
	return hideURL(fact.Show(from)) + ", " + signature(&f.Signer)
}

func signature(s *access.Signer) string {
	switch {
	case s.Unsure != "":
		return "not known who signs: " + s.Unsure
	case s.Kind == access.RoleKeys:
		return fmt.Sprintf("signed by %q with the keys of role %s", s.Block, fact.Show(format(s.Role)))
	case s.Kind == access.StaticKeys:
		return fmt.Sprintf("signed by %q with its own keys", s.Block)
	case s.Kind == access.Basic:
		return fmt.Sprintf("user and password of %q", s.Block)
	case s.Asked != "":
		return fmt.Sprintf("not signed: no usable block is called %q", s.Asked)
	}
	return "not signed"
}
