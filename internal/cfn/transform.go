package cfn

import (
	"fmt"
	"strings"

	"beanpole/internal/fact"
	"beanpole/internal/source"
)

// languageExtensions is the transform of loops, Fn::Length and the like, which
// is carried out here. [CFN:transform-aws-languageextensions]
const languageExtensions = "AWS::LanguageExtensions"

// transforms are the names in the template's Transform section, with places.
func (t *Template) transforms() []*source.Node {
	n := t.Root.Get("Transform")
	if n == nil {
		return nil
	}
	list := []*source.Node{n}
	if n.Kind == source.Seq {
		list = n.Items
	}
	var out []*source.Node
	for _, n := range list {
		if n.Kind == source.Map {
			n = n.Get("Name")
		}
		if n.TextOr("") != "" {
			out = append(out, n)
		}
	}
	return out
}

func (t *Template) hasTransform(name string) bool {
	for _, n := range t.transforms() {
		if n.Text == name {
			return true
		}
	}
	return false
}

// transformKey names a macro, AWS::Include for one, that puts more entries
// into the map in which it stands.
const transformKey = "Fn::Transform"

// notCarriedOut notes each transform whose work is not known, and remembers
// that entries which the template does not hold may exist all the same.
func (e *evaluator) notCarriedOut(lost []*source.Node) {
	add := func(at source.Pos, what string) {
		e.added = true
		e.note(at, "%s", what)
	}
	for _, n := range e.t.transforms() {
		switch {
		case n.Text == languageExtensions:
		case strings.HasPrefix(n.Text, "AWS::Serverless-"):
			add(n.Pos, "what "+n.Text+" makes of AWS::Serverless resources is not known")
		default:
			add(n.Pos, fmt.Sprintf("beanpole does not carry out transform %s: what it would add or change is not known", n.Text))
		}
	}
	for _, section := range []*source.Node{e.t.Root, e.t.Root.Get("Resources"), e.t.Root.Get("Conditions"), e.t.Root.Get("Mappings"), e.t.Root.Get("Parameters")} {
		if n := section.Get(transformKey); n != nil {
			add(n.Pos, fmt.Sprintf("beanpole does not carry out transform %s: what it would add is not known", n.Get("Name").TextOr("")))
		}
	}
	for _, key := range lost {
		add(key.Pos, key.Text+" runs over a collection that is not known: what it makes is not known")
	}
}

// transform carries out Fn::Transform as a value, whose result is not known.
func (e *evaluator) transform(n, arg *source.Node) *source.Node {
	name := arg.Get("Name").TextOr("")
	e.note(n.Pos, "beanpole does not carry out transform %s: its result is not known", name)
	return unknown(n, "transform %s at %d:%d", name, n.Pos.Line, n.Pos.Col)
}

// maybe is the value of what the template does not declare but a transform may
// add; nil when nothing can.
func (e *evaluator) maybe(n *source.Node, format string, args ...any) *source.Node {
	if !e.added {
		return nil
	}
	return unknown(n, format, args...)
}

// Open says why the properties of a resource are not all known, "" when they
// are.
func (r *Resource) Open() string {
	n := r.Properties
	switch {
	case n == nil:
		return ""
	case n.Kind == source.String && !fact.Known(n.Text):
		return "properties of " + r.LogicalID
	case n.Get(transformKey) != nil:
		return "what a transform adds to the properties of " + r.LogicalID
	}
	return ""
}
