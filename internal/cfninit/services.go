package cfninit

import "beanpole/internal/source"

// Services is what one service manager is asked for.
type Services struct {
	Manager string       // "sysvinit", "systemd"
	Asked   *source.Node // names with their properties, as read
	Pos     source.Pos   // of the manager's name
}

// services are the steps of a config's `services`, one for each manager
// [cb:construction.py].
func services(n *source.Node, config string) []Step {
	if n.Kind != source.Map {
		return []Step{{Fault: &BuildError{Text: "'" + typeName(n) + "' object has no attribute 'iteritems'", Config: config,
			Pos: n.Pos, Means: "services holds no map: each service manager has its name as a key"}}}
	}
	var out []Step
	for _, f := range fields(n) {
		out = append(out, Step{Services: &Services{Manager: f.Key.Text, Asked: f.Value, Pos: f.Key.Pos}})
	}
	return out
}
