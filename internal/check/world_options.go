package check

import (
	"fmt"

	"beanpole/internal/cfn"
	"beanpole/internal/ebext"
	"beanpole/internal/fact"
	"beanpole/internal/source"
)

// optionSettings are those of an environment or a configuration template. An
// entry that a condition of unknown truth decides has an unknown value; with
// one of which not even the option is known any option may be set.
func (r *run) optionSettings(res *cfn.Resource, file string) (ebext.Settings, error) {
	n := res.Properties.Get("OptionSettings")
	doubt := func(what string) {
		r.direct = false
		r.notKnown = append(r.notKnown, fmt.Sprintf("%v: %s are not known", res.Pos, what))
	}
	if open := res.Open(); open != "" {
		doubt(open)
	}
	if n == nil {
		return nil, nil
	}
	if undecided(n) {
		doubt("the option settings of " + res.LogicalID)
		return nil, nil
	}
	sure := *n
	sure.Items = nil
	for _, item := range n.Items {
		if !undecided(item) {
			sure.Items = append(sure.Items, item)
			continue
		}
		perhaps := perhapsSet(res, item)
		if len(perhaps) == 0 {
			doubt("some option settings of " + res.LogicalID)
		}
		sure.Items = append(sure.Items, perhaps...)
	}
	return ebext.ParseOptions(&sure, file)
}

// undecided reports whether a value that should be a map or list is not known.
func undecided(n *source.Node) bool {
	s, ok := n.Str()
	return ok && !fact.Known(s)
}

// perhapsSet are the entries that may stand where the template has a
// function whose result is not known: each with its option, and no value.
func perhapsSet(res *cfn.Resource, item *source.Node) []*source.Node {
	if res.Declared == nil {
		return nil
	}
	for _, declared := range itemsOf(res.Declared.Node.At("Properties", "OptionSettings")) {
		if declared.Pos == item.Pos {
			return entries(declared, item.Text)
		}
	}
	return nil
}

func itemsOf(n *source.Node) []*source.Node {
	if n == nil {
		return nil
	}
	return n.Items
}

// entries are the option settings written in n, with a value in place of their own.
func entries(n *source.Node, value string) []*source.Node {
	namespace, option := n.Get("Namespace"), n.Get("OptionName")
	if namespace.TextOr("") != "" && namespace.Tag == "" && option.TextOr("") != "" && option.Tag == "" {
		at := n.Get("Value").Place()
		field := func(key string, v *source.Node) *source.Field {
			return &source.Field{Key: source.NewString(key, n.Pos), Value: v}
		}
		return []*source.Node{source.NewMap(n.Pos, field("Namespace", namespace), field("OptionName", option), field("Value", source.NewString(value, at)))}
	}
	var out []*source.Node
	for _, i := range n.Items {
		out = append(out, entries(i, value)...)
	}
	for _, f := range n.Fields {
		out = append(out, entries(f.Value, value)...)
	}
	return out
}
