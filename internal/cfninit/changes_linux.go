package cfninit

import (
	"slices"
	"strings"

	"beanpole/internal/source"
)

// changes are what a config has changed so far; services are restarted on
// them. Each config has its own, so that a service never sees what another
// config did [cb:construction.py].
type changes struct {
	// made are names by section. A section that the config does not have is
	// not in it: then nothing looks at the list in a service either.
	made map[string][]string
	// installed are packages by manager, in the order of the managers.
	installed []installed
}

type installed struct {
	manager string
	names   []string
}

// add notes names of a section, also none.
func (c *changes) add(section string, names ...string) {
	if c.made == nil {
		c.made = map[string][]string{}
	}
	c.made[section] = append(c.made[section], names...)
}

func (c *changes) install(manager string, names []string) {
	c.installed = append(c.installed, installed{manager, names})
}

// restarts tells whether something changed that a service lists. The errors
// are the interpreter's, for lists that are none [cb:service_tools.py, cb-run].
func (c *changes) restarts(properties *source.Node) (bool, error) {
	for _, section := range []string{"files", "sources", "groups", "users", "commands"} {
		listed, err := contains(properties, section)
		if err != nil {
			return false, err
		}
		names, done := c.made[section]
		if !listed || !done {
			continue
		}
		list, err := index(properties, section, "str")
		if err != nil {
			return false, err
		}
		if hit, err := meets(list, names); hit || err != nil {
			return hit, err
		}
	}
	listed, err := contains(properties, "packages")
	if err != nil || !listed {
		return false, err
	}
	for _, i := range c.installed {
		hit, err := i.listedIn(properties)
		if hit || err != nil {
			return hit, err
		}
	}
	return false, nil
}

func (i installed) listedIn(properties *source.Node) (bool, error) {
	managers, err := index(properties, "packages", "str")
	if err != nil {
		return false, err
	}
	if listed, err := contains(managers, i.manager); err != nil || !listed {
		return false, err
	}
	list, err := index(managers, i.manager, "unicode")
	if err != nil {
		return false, err
	}
	return meets(list, i.names)
}

// meets tells whether a list has one of the names; of a text the characters
// count, of a map the keys.
func meets(list *source.Node, names []string) (bool, error) {
	items, err := elements(list)
	if err != nil {
		return false, err
	}
	hit := false
	for _, item := range items {
		switch {
		case item == nil:
		case item.Kind > source.String:
			return false, &BuildError{Text: "unhashable type: '" + typeName(item) + "'"}
		case item.Kind == source.String && slices.Contains(names, item.Text):
			hit = true
		}
	}
	return hit, nil
}

// contains is Python's "key in value".
func contains(n *source.Node, key string) (bool, error) {
	switch {
	case n == nil || n.Kind < source.String:
		return false, &BuildError{Text: "argument of type '" + typeName(n) + "' is not iterable"}
	case n.Kind == source.Map:
		return has(n, key), nil
	case n.Kind == source.String:
		return strings.Contains(n.Text, key), nil
	}
	return slices.ContainsFunc(n.Items, func(i *source.Node) bool {
		return i != nil && i.Kind == source.String && i.Text == key
	}), nil
}

// index is Python's value[key]; kind is the key's type in its error.
func index(n *source.Node, key, kind string) (*source.Node, error) {
	switch n.Kind {
	case source.Map:
		for _, f := range fields(n) {
			if f.Key.Text == key {
				return f.Value, nil
			}
		}
		return nil, nil
	case source.String:
		return nil, &BuildError{Text: "string indices must be integers"}
	}
	return nil, &BuildError{Text: "list indices must be integers, not " + kind}
}
