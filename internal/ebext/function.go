package ebext

import (
	"strings"

	"beanpole/internal/fact"
	"beanpole/internal/source"
)

// expander replaces what Elastic Beanstalk itself works out before
// CloudFormation sees the template: Fn::GetOptionSetting, and JSON functions
// that stand in backticks inside texts [EB:ebextensions-functions].
type expander struct {
	settings Settings
	// within are the options whose value is being expanded, so that one that
	// refers to itself ends.
	within map[[2]string]bool
	// running: the template is to be run and not only read, so that an option
	// that nobody gave a value is an empty text.
	running bool
}

// expand is n with both replaced. n itself is not changed.
func (e *expander) expand(n *source.Node) *source.Node {
	if n == nil {
		return nil
	}
	switch n.Kind {
	case source.String:
		return e.backticks(n)
	case source.Seq:
		c := *n
		c.Items = make([]*source.Node, len(n.Items))
		for i, it := range n.Items {
			c.Items[i] = e.expand(it)
		}
		return &c
	case source.Map:
		if len(n.Fields) == 1 && n.Fields[0].Key.Text == "Fn::GetOptionSetting" {
			return e.option(n, n.Fields[0].Value)
		}
		c := *n
		c.Fields = make([]*source.Field, len(n.Fields))
		for i, f := range n.Fields {
			c.Fields[i] = &source.Field{Key: f.Key, Value: e.expand(f.Value)}
		}
		return &c
	}
	return n
}

// option is the value of a call of Fn::GetOptionSetting: the one in force,
// else DefaultValue. What happens without either is not documented, so for a
// reader the value is then not known.
func (e *expander) option(call, args *source.Node) *source.Node {
	ns := args.Get("Namespace").TextOr(nsCustom)
	name, ok := args.Get("OptionName").Str()
	if !ok {
		return place(source.NewString(fact.Symbol("Fn::GetOptionSetting without OptionName"), call.Pos), call)
	}
	key := [2]string{ns, name}
	if set, ok := e.settings.Get(ns, name); ok && !e.within[key] {
		e.within[key] = true
		v := *e.expand(set.Value)
		delete(e.within, key)
		v.From = append([]source.Origin{set.Origin()}, v.From...)
		return place(&v, call)
	}
	what := "option " + ns + " " + name
	if def := args.Get("DefaultValue"); def != nil {
		v := *e.expand(def)
		v.From = append([]source.Origin{{What: "DefaultValue of " + what, Pos: def.Pos}}, v.From...)
		return place(&v, call)
	}
	if e.running {
		return place(source.NewString("", call.Pos, source.Origin{What: what + ", which has no value"}), call)
	}
	return place(source.NewString(fact.Symbol(what), call.Pos), call)
}

// place puts a value where the call stood that it replaces.
func place(v, call *source.Node) *source.Node {
	v.Pos, v.End, v.Tag = call.Pos, call.End, ""
	return v
}

// backticks replaces JSON functions in backticks. A text that is nothing but
// one becomes the function; otherwise the parts are joined.
func (e *expander) backticks(n *source.Node) *source.Node {
	if !strings.Contains(n.Text, "`") {
		return n
	}
	var parts []*source.Node
	done := 0
	for at := 0; at < len(n.Text); {
		i := strings.IndexByte(n.Text[at:], '`')
		if i < 0 {
			break
		}
		i += at
		fn, end := function(n, i)
		if fn == nil {
			at = i + 1
			continue
		}
		if i > done {
			parts = append(parts, part(n, done, i))
		}
		parts = append(parts, e.expand(fn))
		done, at = end, end
	}
	if done == 0 {
		return n
	}
	if done < len(n.Text) {
		parts = append(parts, part(n, done, len(n.Text)))
	}
	if len(parts) == 1 {
		v := *parts[0]
		v.From = append(v.From, n.From...)
		return &v
	}
	args := &source.Node{Kind: source.Seq, Pos: n.Pos, End: n.End, Items: []*source.Node{
		source.NewString("", n.Pos), {Kind: source.Seq, Pos: n.Pos, End: n.End, Items: parts},
	}}
	return &source.Node{Kind: source.Map, Pos: n.Pos, End: n.End, From: n.From, Fields: []*source.Field{
		{Key: source.NewString("Fn::Join", n.Pos), Value: args},
	}}
}

// part is a literal piece of a text, at its own place.
func part(n *source.Node, from, to int) *source.Node {
	return &source.Node{Kind: source.String, Text: n.Text[from:to], Pos: n.PosAt(from), End: n.PosAt(to)}
}

// furthest is how many closing backticks are tried for one opening backtick: a JSON
// text may hold some itself, hostile ones without end.
const furthest = 8

// function reads the JSON function that begins at the backtick at i, and
// where it ends. Backticks around anything else are the shell's.
func function(n *source.Node, i int) (*source.Node, int) {
	rest := n.Text[i+1:]
	const blanks = " \t\r\n"
	inside, ok := strings.CutPrefix(strings.TrimLeft(rest, blanks), "{")
	if !ok || !strings.HasPrefix(strings.TrimLeft(inside, blanks), `"`) {
		return nil, 0
	}
	end := 0
	for range furthest {
		j := strings.IndexByte(rest[end:], '`')
		if j < 0 {
			return nil, 0
		}
		end += j
		if fn, err := n.ParseJSON(i+1, i+1+end); err == nil && isFunction(fn) {
			return fn, i + 1 + end + 1
		}
		end++
	}
	return nil, 0
}

func isFunction(n *source.Node) bool {
	if n == nil || n.Kind != source.Map || len(n.Fields) != 1 {
		return false
	}
	k := n.Fields[0].Key.Text
	return k == "Ref" || strings.HasPrefix(k, "Fn::")
}
