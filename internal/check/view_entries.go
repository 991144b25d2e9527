package check

import (
	"slices"
	"strings"

	"beanpole/internal/ebext"
	"beanpole/internal/source"
)

// entry is one named entry of a section of a configuration file: a file to be
// written, a command, a service.
type entry struct {
	file    *ebext.File
	section string       // "files", "commands", "container_commands", …
	name    *source.Node // its key
	value   *source.Node // what stands below; may be nil
}

// entries are those of one section over all files that count, in the order in
// which the instance comes to them: file by file, in a file by name. Nobody may
// change them.
func (r *run) entries(section string) []entry {
	out, made := r.sections[section]
	if !made {
		out = slices.Clip(r.readEntries(section))
		if r.sections == nil {
			r.sections = map[string][]entry{}
		}
		r.sections[section] = out
	}
	return out
}

func (r *run) readEntries(section string) []entry {
	var out []entry
	for _, f := range r.x.Files {
		if f.Root == nil || f.Skipped != nil {
			continue
		}
		n := f.Root.Get(section)
		if n == nil || n.Kind != source.Map {
			continue
		}
		from := len(out)
		for _, e := range n.Entries() {
			out = append(out, entry{file: f, section: section, name: e.Key, value: e.Value})
		}
		slices.SortStableFunc(out[from:], func(a, b entry) int { return strings.Compare(a.name.Text, b.name.Text) })
	}
	return out
}

// get is a property of the entry, nil when it has none.
func (e *entry) get(key string) *source.Node {
	if e.value == nil {
		return nil
	}
	return e.value.Get(key)
}

// ignoresErrors: the entry is a command whose failure is passed over. Truth is
// cfn-init's [cb:util.py interpret_boolean].
func (e *entry) ignoresErrors() bool { return truth(e.get("ignoreErrors")) }

func truth(n *source.Node) bool {
	if n == nil || !n.IsScalar() {
		return false
	}
	switch v := lowerTrimmed(n.Value()); v {
	case "true", "yes", "y", "1":
		return true
	}
	return false
}
