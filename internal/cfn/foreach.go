package cfn

import (
	"strings"

	"beanpole/internal/fact"
	"beanpole/internal/source"
)

// loopPrefix begins the key of a loop: Fn::ForEach::NAME: [identifier,
// collection, fragment]. [CFN:intrinsic-function-reference-foreach]
const loopPrefix = "Fn::ForEach::"

// maxLooped limits the values that the loops of one template make: loops
// within loops could make any number of a few lines. No template that
// CloudFormation takes (1 MB, 500 resources) comes near.
const maxLooped = 100_000

// looper carries out the loops of a template.
type looper struct {
	e    *evaluator
	left int // values that may still be made
	lost []*source.Node
}

// unrolled is the template with its loops carried out; lost are the loops
// whose collections are not known.
func (t *Template) unrolled(env *Env) (out *Template, lost []*source.Node, problem *source.Problem) {
	if !t.hasTransform(languageExtensions) {
		return t, nil, nil
	}
	l := &looper{e: bare(t, env), left: maxLooped}
	root := *t.Root
	root.Fields = nil
	changed := false
	for _, f := range t.Root.Fields {
		switch f.Key.Text {
		case "Conditions", "Resources", "Outputs":
			if !loops(f.Value) {
				break
			}
			v, problem := l.unroll(f.Value, nil)
			if problem != nil {
				return nil, nil, problem
			}
			f, changed = &source.Field{Key: f.Key, Value: v}, true
		}
		root.Fields = append(root.Fields, f)
	}
	if !changed {
		return t, nil, nil
	}
	out, err := FromNode(t.File, &root)
	if err == nil {
		err = out.wellFormed()
	}
	if err != nil {
		return nil, nil, err.(*source.Problem)
	}
	return out, l.lost, nil
}

// loops reports whether a loop stands somewhere in n.
func loops(n *source.Node) bool {
	for _, i := range n.Items {
		if loops(i) {
			return true
		}
	}
	for _, f := range n.Fields {
		if strings.HasPrefix(f.Key.Text, loopPrefix) || loops(f.Value) {
			return true
		}
	}
	return false
}

// Loops reports whether the template's resources are made by loops, so that
// Resources does not list them all.
func (t *Template) Loops() bool {
	n := t.Root.Get("Resources")
	return n != nil && t.hasTransform(languageExtensions) && loops(n)
}

// loopVariable is a loop's identifier with the value that it has now.
type loopVariable struct {
	name  string
	value *source.Node
	outer *loopVariable
}

func (v *loopVariable) find(name string) *loopVariable {
	for ; v != nil; v = v.outer {
		if v.name == name {
			return v
		}
	}
	return nil
}

// put writes the values of identifiers into a text: ${Name} as it is, &{Name}
// without what is no letter or digit.
func (v *loopVariable) put(text string) string {
	if !strings.Contains(text, "{") {
		return text
	}
	for ; v != nil; v = v.outer {
		text = strings.ReplaceAll(text, "${"+v.name+"}", v.value.Text)
		text = strings.ReplaceAll(text, "&{"+v.name+"}", strings.Map(lettersAndDigits, v.value.Text))
	}
	return text
}

func lettersAndDigits(r rune) rune {
	if r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
		return r
	}
	return -1
}

// unroll copies n with loops carried out and identifiers replaced.
func (l *looper) unroll(n *source.Node, vars *loopVariable) (*source.Node, *source.Problem) {
	if l.left--; l.left < 0 {
		return nil, &source.Problem{Pos: n.Pos, What: "the loops make more values than any template may hold"}
	}
	if name, arg := call(n); name == "Ref" {
		if v := vars.find(arg.TextOr("")); v != nil {
			return made(n, v.value.Text, v.value.From...), nil
		}
	}
	c := *n
	switch n.Kind {
	case source.Seq:
		c.Items = nil
		for _, item := range n.Items {
			v, problem := l.unroll(item, vars)
			if problem != nil {
				return nil, problem
			}
			c.Items = append(c.Items, v)
		}
	case source.Map:
		c.Fields = nil
		for _, f := range n.Fields {
			fields, problem := l.field(f, vars)
			if problem != nil {
				return nil, problem
			}
			c.Fields = append(c.Fields, fields...)
		}
	case source.String:
		return l.text(n, vars)
	}
	return &c, nil
}

// text is a text with identifiers replaced; the same value when it has none,
// so that places inside it stay known.
func (l *looper) text(n *source.Node, vars *loopVariable) (*source.Node, *source.Problem) {
	text := vars.put(n.Text)
	if text == n.Text {
		return n, nil
	}
	if problem := l.e.spend(n, len(text)); problem != nil {
		return nil, problem
	}
	c := made(n, text, n.From...)
	c.Tag, c.Style = n.Tag, n.Style
	return c, nil
}

// field is an entry of a map, or those that a loop makes.
func (l *looper) field(f *source.Field, vars *loopVariable) ([]*source.Field, *source.Problem) {
	if !strings.HasPrefix(f.Key.Text, loopPrefix) {
		key, problem := l.text(f.Key, vars)
		if problem != nil {
			return nil, problem
		}
		value, problem := l.unroll(f.Value, vars)
		return []*source.Field{{Key: key, Value: value}}, problem
	}
	a := f.Value
	if a.Kind != source.Seq || len(a.Items) != 3 || a.Items[0].TextOr("") == "" || a.Items[2].Kind != source.Map {
		return nil, templateError(f.Key.Pos, "%s takes a list of three: an identifier, a collection and a map with a fragment", f.Key.Text)
	}
	items, problem := l.collection(a.Items[1], vars)
	if problem != nil {
		return nil, problem
	}
	if items == nil {
		l.lost = append(l.lost, f.Key)
		return nil, nil
	}
	var out []*source.Field
	for _, item := range items.Items {
		if item.TextOr("") == "" {
			return nil, templateError(item.Pos, "the collection of %s holds a value that is no text", f.Key.Text)
		}
		inner := &loopVariable{name: a.Items[0].Text, value: made(item, item.Value(), source.Origin{What: f.Key.Text, Pos: item.Pos}), outer: vars}
		body, problem := l.unroll(a.Items[2], inner)
		if problem != nil {
			return nil, problem
		}
		out = append(out, body.Fields...)
	}
	return out, nil
}

// collection is what a loop runs over, nil when a part of it is not known.
func (l *looper) collection(n *source.Node, vars *loopVariable) (*source.Node, *source.Problem) {
	n, problem := l.unroll(n, vars)
	if problem != nil {
		return nil, problem
	}
	list, problem := l.e.value(n)
	if problem != nil {
		return nil, problem
	}
	if list == nil || list.Kind != source.Seq {
		if list != nil && list.Kind == source.String && !fact.Known(list.Text) {
			return nil, nil
		}
		return nil, templateError(n.Pos, "the collection of Fn::ForEach must be a list")
	}
	var flat source.Node // a list may stand in the list: [!Ref Names]
	for _, item := range list.Items {
		if item.Kind == source.Seq {
			flat.Items = append(flat.Items, item.Items...)
		} else {
			flat.Items = append(flat.Items, item)
		}
	}
	for _, item := range flat.Items {
		if !fact.Known(item.TextOr("")) {
			return nil, nil
		}
	}
	return &flat, nil
}
