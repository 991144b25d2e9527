package check

import (
	"fmt"
	"maps"
	"path"
	"slices"

	"beanpole/internal/finding"
	"beanpole/internal/source"
)

var triggerElsewhere = &Rule{
	Slug:  "trigger-elsewhere",
	Title: "a service is not restarted by what another file changes",
	Why: `Below a service, files, sources, packages and commands list what restarts it when it
changes. Elastic Beanstalk runs each configuration file by itself, so that a service
sees only what its own file changed: a name that stands in another file, or in none,
never restarts it, without a message.`,
	Before: `files:
  /etc/worker.conf:
    content: threads=4
services:
  sysvinit:
    worker:
      files: [/etc/workers.conf]`,
	After: `files:
  /etc/worker.conf:
    content: threads=4
services:
  sysvinit:
    worker:
      files: [/etc/worker.conf]`,
	Since: "0.1.0",
	find: func(r *run) (out []*finding.Finding) {
		made := map[string]map[string]source.Pos{} // section → name → place
		for _, manager := range r.entries("services") {
			if manager.value == nil || manager.value.Kind != source.Map {
				continue
			}
			for _, service := range manager.value.Entries() {
				if service.Value == nil || service.Value.Kind != source.Map {
					continue
				}
				for _, section := range []string{"files", "sources", "commands"} {
					if made[section] == nil {
						made[section] = map[string]source.Pos{}
						for _, e := range r.entries(section) {
							made[section][e.name.Text] = e.name.Pos
						}
					}
					out = append(out, deadTriggers(manager.file.Root.Get(section), service.Value.Get(section), service.Key.Text, section, made[section])...)
				}
				for _, list := range service.Value.Get("packages").Entries() {
					out = append(out, deadTriggers(manager.file.Root.Get("packages").Get(list.Key.Text), list.Value, service.Key.Text,
						"packages."+list.Key.Text, r.packages(list.Key.Text))...)
				}
			}
		}
		return out
	},
}

// packages are those of one manager in all files: name → place.
func (r *run) packages(manager string) map[string]source.Pos {
	out := map[string]source.Pos{}
	for _, e := range r.entries("packages") {
		if e.name.Text != manager {
			continue
		}
		for _, p := range e.value.Entries() {
			out[p.Key.Text] = p.Key.Pos
		}
	}
	return out
}

// deadTriggers are about the names of one list of a service that its own file
// does not have [cb:service_tools.py; EB runs one configSet per file].
func deadTriggers(own, list *source.Node, service, section string, made map[string]source.Pos) (out []*finding.Finding) {
	if list == nil || list.Kind != source.Seq {
		return nil
	}
	has := map[string]bool{}
	for _, e := range own.Entries() {
		has[e.Key.Text] = true
	}
	for _, it := range list.Items {
		if it.Kind != source.String || computed(it) || has[it.Text] {
			continue
		}
		f := keyFinding("trigger-elsewhere", finding.Warning, it)
		f.Message = fmt.Sprintf("this will never restart %s: %s of this file does not have it", service, section)
		cause, at := "nothing with this name is made", []source.Pos(nil)
		if p, ok := made[it.Text]; ok {
			cause, at = "a service sees only what its own configuration file changes; this is made here", place(p)
		}
		note(f, "cause", cause, at...)
		note(f, "on AWS", "no message at all")
		if at != nil {
			note(f, "fix", "put the service into "+path.Base(at[0].File)+", or both into one file")
		} else if near := nearest(it.Text, slices.Sorted(maps.Keys(has))); near != "" {
			note(f, "fix", "write   "+near)
		} else {
			note(f, "fix", "write the name as it stands below "+section+":, or leave it out")
		}
		out = append(out, f)
	}
	return out
}
