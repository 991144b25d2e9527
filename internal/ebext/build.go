package ebext

import "beanpole/internal/source"

// The nodes of Elastic Beanstalk's own part of the template stand nowhere in
// the user's files; what a setting gave them is in their origins.

func text(s string) *source.Node { return source.NewString(s, source.Pos{}) }

// fields is a map of key, value, key, value …; entries with a nil value are
// left out.
func fields(kv ...any) *source.Node {
	m := source.NewMap(source.Pos{})
	for i := 0; i+1 < len(kv); i += 2 {
		if v := node(kv[i+1]); v != nil {
			m.Set(kv[i].(string), v)
		}
	}
	return m
}

func list(vs ...any) *source.Node {
	n := &source.Node{Kind: source.Seq}
	for _, v := range vs {
		if v := node(v); v != nil {
			n.Items = append(n.Items, v)
		}
	}
	return n
}

// node makes a text of a string; a *source.Node stays as it is, nil included.
func node(v any) *source.Node {
	if s, ok := v.(string); ok {
		return text(s)
	}
	return v.(*source.Node)
}

func ref(logicalID string) *source.Node { return fields("Ref", logicalID) }

func getAtt(logicalID, attribute string) *source.Node {
	return fields("Fn::GetAtt", list(logicalID, attribute))
}

func resource(kind string, properties *source.Node) *source.Node {
	return fields("Type", kind, "Properties", properties)
}

// value is the setting in force as a node that knows its origin, nil when the
// option has no value.
func (s Settings) value(namespace, option string) *source.Node {
	set, ok := s.Get(namespace, option)
	if !ok || set.Value.TextOr("") == "" {
		return nil
	}
	v := *set.Value
	v.From = append([]source.Origin{set.Origin()}, v.From...)
	return &v
}

// commaList is a comma-separated option as a list, nil when it has no value.
func (s Settings) commaList(namespace, option string) *source.Node {
	v := s.value(namespace, option)
	if v == nil {
		return nil
	}
	n := &source.Node{Kind: source.Seq, Pos: v.Pos, End: v.End, From: v.From}
	for _, item := range splitList(v.Text) {
		it := *v
		it.Text = item
		n.Items = append(n.Items, &it)
	}
	return n
}
