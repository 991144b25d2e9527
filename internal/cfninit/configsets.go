package cfninit

import (
	"slices"
	"strings"

	"beanpole/internal/source"
)

// configRef is a config of a set: its name and its model.
type configRef struct {
	name string
	node *source.Node
}

// member is what a configSet lists: a config, or another set by name.
type member struct {
	config configRef
	set    string // another set, when not ""
}

// readSets resolves the configSets to plain lists of configs
// [cb:construction.py]. Without configSets there is a set "default" of the
// config "config".
func readSets(init *source.Node, dict bool) (map[string][]configRef, *BuildError) {
	if !has(init, "configSets") {
		c := init.Get("config")
		if !has(init, "config") {
			c = source.NewMap(source.Pos{})
		}
		ref, fault := newConfigRef("config", c)
		return map[string][]configRef{"default": {ref}}, fault
	}
	def := init.Get("configSets")
	if def == nil || def.Kind != source.Map {
		return nil, &BuildError{Text: "configSets should be a mapping of name to list"}
	}
	raw := map[string][]member{}
	var order []string
	for _, f := range fields(def) {
		ms, fault := members(f.Value, init)
		if fault != nil {
			return nil, fault
		}
		raw[f.Key.Text] = ms
		order = append(order, f.Key.Text)
	}
	return resolve(raw, order, dict)
}

func newConfigRef(name string, n *source.Node) (configRef, *BuildError) {
	if n == nil || n.Kind != source.Map {
		return configRef{}, &BuildError{Text: "'" + typeName(n) + "' object has no attribute 'get'"}
	}
	return configRef{name: name, node: n}, nil
}

// members reads what one configSet lists: a name, a reference, or a list of
// these, also nested.
func members(n, init *source.Node) ([]member, *BuildError) {
	switch {
	case n != nil && n.Kind == source.String:
		if !has(init, n.Text) {
			return nil, &BuildError{Text: "No configuration found with name: " + n.Text, Foreseen: true}
		}
		ref, fault := newConfigRef(n.Text, init.Get(n.Text))
		return []member{{config: ref}}, fault
	case n != nil && n.Kind == source.Map:
		if !has(n, "ConfigSet") {
			return nil, &BuildError{Text: "Config definitions must be either a config name or a reference in the format {'ConfigSet':<config set name>}"}
		}
		name := format(n.Get("ConfigSet"))
		if !has(init.Get("configSets"), name) {
			return nil, &BuildError{Text: "Configuration set " + name + " was referenced but not defined"}
		}
		return []member{{set: name}}, nil
	case n == nil || n.Kind != source.Seq:
		return nil, &BuildError{Text: "'" + typeName(n) + "' object is not iterable"}
	}
	var out []member
	for _, item := range n.Items {
		ms, fault := members(item, init)
		if fault != nil {
			return nil, fault
		}
		out = append(out, ms...)
	}
	return out, nil
}

// resolve puts configs in place of references. A set is ready when every set
// that it refers to is; sets that never get ready are in a ring, or refer to one.
func resolve(raw map[string][]member, order []string, dict bool) (map[string][]configRef, *BuildError) {
	done := map[string][]configRef{}
	for again := true; again; {
		again = false
		for _, name := range order {
			if _, ok := done[name]; ok || !ready(raw[name], done) {
				continue
			}
			configs := []configRef{}
			for _, m := range raw[name] {
				if m.set != "" {
					configs = append(configs, done[m.set]...)
				} else {
					configs = append(configs, m.config)
				}
			}
			done[name] = configs
			again = true
		}
	}
	if len(done) == 0 {
		return nil, &BuildError{Text: "No configSets exist without references; this creates a circular dependency and is not allowed", Foreseen: true}
	}
	var culprits []string
	for _, name := range referring(raw, order, dict) {
		if _, ok := done[name]; !ok {
			culprits = append(culprits, name)
		}
	}
	if culprits != nil {
		return nil, &BuildError{Text: "At least one circular dependency detected; this is not allowed. Culprits: " + strings.Join(culprits, ", "), Foreseen: true}
	}
	return done, nil
}

// referring are the sets that refer to others, in the order given or in that
// of a dict that was filled so.
func referring(raw map[string][]member, order []string, dict bool) []string {
	var fs []*source.Field
	for _, name := range order {
		if slices.ContainsFunc(raw[name], func(m member) bool { return m.set != "" }) {
			fs = append(fs, &source.Field{Key: source.NewString(name, source.Pos{})})
		}
	}
	if dict {
		fs = dictOrder(fs)
	}
	out := make([]string, len(fs))
	for i, f := range fs {
		out[i] = f.Key.Text
	}
	return out
}

func ready(ms []member, done map[string][]configRef) bool {
	for _, m := range ms {
		if m.set != "" {
			if _, ok := done[m.set]; !ok {
				return false
			}
		}
	}
	return true
}
