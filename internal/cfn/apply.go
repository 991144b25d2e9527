package cfn

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"beanpole/internal/fact"
	"beanpole/internal/source"
)

// apply carries out the function name that stands at n.
func (e *evaluator) apply(n *source.Node, name string, arg *source.Node) (*source.Node, *source.Problem) {
	switch name {
	case "Ref":
		return e.ref(n, arg)
	case "GetAtt":
		return e.getAtt(n, arg)
	case "Sub":
		return e.sub(n, arg)
	case "Join":
		return e.join(n, arg)
	case "Select":
		return e.pick(n, arg)
	case "Split":
		return e.split(n, arg)
	case "FindInMap":
		return e.findInMap(n, arg)
	case "If":
		return e.choose(n, arg)
	case "Base64":
		return e.base64(n, arg)
	case "ImportValue":
		return e.importValue(n, arg)
	case "GetAZs":
		return e.zones(n, arg)
	case "Cidr":
		return e.cidr(n, arg)
	case "Length":
		return e.length(n, arg)
	case "ToJsonString":
		return e.toJSON(n, arg)
	case "Transform":
		return e.transform(n, arg), nil
	case "Equals", "And", "Or", "Not", "Condition":
		return nil, templateError(n.Pos, "Fn::%s stands outside of Conditions; use Fn::If with the name of a condition", name)
	}
	return nil, &source.Problem{Pos: n.Pos, What: strconv.Quote(name) + " is no function that beanpole knows in a template"}
}

// text resolves a value that must be one text.
func (e *evaluator) text(n *source.Node, what string) (*source.Node, *source.Problem) {
	v, problem := e.value(n)
	if problem != nil {
		return nil, problem
	}
	if v == nil || !v.IsScalar() || v.Kind == source.Null {
		return nil, templateError(n.Place(), "%s must be a text, and this is none", what)
	}
	c := *v
	c.Text = v.Value()
	return &c, nil
}

// long refuses a text that no template can hold.
func (e *evaluator) long(n *source.Node, size int) *source.Problem {
	if size <= maxText {
		return nil
	}
	return &source.Problem{Pos: n.Pos, What: "this makes a text of more than 1 MB"}
}

// maxMade limits all the texts together that functions make, in bytes: a
// template may name one long text in thousands of places.
const maxMade = 8 << 20

// spend counts what functions make.
func (e *evaluator) spend(n *source.Node, size int) *source.Problem {
	if e.spent += size; e.spent <= maxMade {
		return nil
	}
	return &source.Problem{Pos: n.Place(), What: "the template's functions make texts of more than 8 MB"}
}

// named is a text in the name of an unknown value. Generated parts, which look
// the same to people, are told apart.
func named(text string) string {
	if show := fact.Show(text); !strings.Contains(show, "…") {
		return show
	}
	return fact.Clean(text)
}

// gather adds origins that are not there yet, as many as anybody reads.
func gather(have, more []source.Origin) []source.Origin {
	const most = 32
	for _, o := range more {
		if len(have) < most && !slices.Contains(have, o) {
			have = append(have, o)
		}
	}
	return have
}

func (e *evaluator) join(n, arg *source.Node) (*source.Node, *source.Problem) {
	as, problem := args("Join", arg, 2, 2)
	if problem != nil {
		return nil, problem
	}
	delimiter, problem := e.text(as[0], "the delimiter of Fn::Join")
	if problem != nil {
		return nil, problem
	}
	list, problem := e.value(as[1])
	if problem != nil {
		return nil, problem
	}
	if list != nil && list.Kind == source.String && !fact.Known(list.Text) {
		return unknown(n, "Fn::Join of %s with %q", named(list.Text), delimiter.Text), nil
	}
	if list == nil || list.Kind != source.Seq {
		return nil, templateError(as[1].Pos, "every Fn::Join object requires a list of texts as its second value")
	}
	var b strings.Builder
	var from []source.Origin
	for i, item := range list.Items {
		if !item.IsScalar() || item.Kind == source.Null {
			return nil, templateError(item.Pos, "Fn::Join takes texts, and this is none")
		}
		if i > 0 {
			b.WriteString(delimiter.Text)
		}
		b.WriteString(item.Value())
		from = gather(from, item.From)
		if problem := e.long(n, b.Len()); problem != nil {
			return nil, problem
		}
	}
	return made(n, b.String(), from...), e.spend(n, b.Len())
}

func (e *evaluator) sub(n, arg *source.Node) (*source.Node, *source.Problem) {
	text, vars, problem := sub(arg)
	if problem != nil {
		return nil, problem
	}
	var b strings.Builder
	var from []source.Origin
	for _, p := range subParts(text.Text) {
		if !p.variable {
			b.WriteString(p.text)
			continue
		}
		v, problem := e.variable(source.NewString(p.text, text.PosAt(p.at)), vars)
		if problem != nil {
			return nil, problem
		}
		b.WriteString(v.Text)
		from = gather(from, v.From)
		if problem := e.long(n, b.Len()); problem != nil {
			return nil, problem
		}
	}
	return made(n, b.String(), from...), e.spend(n, b.Len())
}

// variable is the value of ${name} in a text of Sub.
func (e *evaluator) variable(name, vars *source.Node) (*source.Node, *source.Problem) {
	if v := e.get(vars, name.Text); v != nil {
		return e.text(v, "a value of Fn::Sub")
	}
	var v *source.Node
	var problem *source.Problem
	if logical, attr, ok := strings.Cut(name.Text, "."); ok && e.parameters[name.Text] == nil {
		v, problem = e.attributeOf(name, logical, attr)
	} else {
		v, problem = e.ref(name, name)
	}
	if problem != nil {
		return nil, problem
	}
	if v == nil || !v.IsScalar() {
		return nil, templateError(name.Pos, "variable %s in Fn::Sub expression does not resolve to a string", name.Text)
	}
	return v, nil
}

func (e *evaluator) pick(n, arg *source.Node) (*source.Node, *source.Problem) {
	as, problem := args("Select", arg, 2, 2)
	if problem != nil {
		return nil, problem
	}
	index, problem := e.text(as[0], "the index of Fn::Select")
	if problem != nil {
		return nil, problem
	}
	list, problem := e.value(as[1])
	if problem != nil {
		return nil, problem
	}
	if list != nil && list.Kind == source.String && !fact.Known(list.Text) || !fact.Known(index.Text) {
		return unknown(n, "element %s of %s", named(index.Text), named(listName(as[1], list))), nil
	}
	if list == nil || list.Kind != source.Seq {
		return nil, templateError(as[1].Pos, "Fn::Select requires a list argument with two elements: an integer index and a list")
	}
	i, err := strconv.Atoi(index.Text)
	if err != nil || i < 0 || i >= len(list.Items) {
		return nil, templateError(n.Pos, "Fn::Select cannot select nonexistent value at index %s", index.Text)
	}
	v := *list.Items[i]
	v.Pos, v.End = n.Pos, n.End
	return &v, nil
}

// listName is what a list is called of which an unknown element is taken.
func listName(n, list *source.Node) string {
	if s, ok := list.Str(); ok {
		return s
	}
	return fmt.Sprintf("the list at %d:%d", n.Pos.Line, n.Pos.Col)
}

// short is a name that people can read: of a long text its place.
func short(name string, n *source.Node) string {
	if len(name) <= 80 {
		return name
	}
	return fmt.Sprintf("the text at %d:%d", n.Pos.Line, n.Pos.Col)
}

func (e *evaluator) split(n, arg *source.Node) (*source.Node, *source.Problem) {
	as, problem := args("Split", arg, 2, 2)
	if problem != nil {
		return nil, problem
	}
	delimiter, problem := e.text(as[0], "the delimiter of Fn::Split")
	if problem != nil {
		return nil, problem
	}
	text, problem := e.text(as[1], "the text of Fn::Split")
	if problem != nil {
		return nil, problem
	}
	parts, ok := cut(text.Text, delimiter.Text)
	if !ok || delimiter.Text == "" {
		return unknown(n, "Fn::Split of %s at %q", named(text.Text), delimiter.Text), nil
	}
	if problem := e.spend(n, len(text.Text)+64*len(parts)); problem != nil {
		return nil, problem
	}
	list := &source.Node{Kind: source.Seq, Pos: n.Pos, End: n.End}
	for _, p := range parts {
		list.Items = append(list.Items, made(n, p, text.From...))
	}
	return list, nil
}

func (e *evaluator) base64(n, arg *source.Node) (*source.Node, *source.Problem) {
	v, problem := e.text(arg, "the value of Fn::Base64")
	if problem != nil {
		return nil, problem
	}
	if !fact.Known(v.Text) {
		return unknown(n, "Fn::Base64 of %s", short(named(v.Text), n)), nil
	}
	if problem := e.spend(n, len(v.Text)/3*4); problem != nil {
		return nil, problem
	}
	return made(n, base64.StdEncoding.EncodeToString([]byte(v.Text)), v.From...), nil
}

func (e *evaluator) importValue(n, arg *source.Node) (*source.Node, *source.Problem) {
	name, problem := e.text(arg, "the name of Fn::ImportValue")
	if problem != nil {
		return nil, problem
	}
	if e.env.Import != nil && fact.Known(name.Text) {
		if v, ok := e.env.Import(name.Text); ok {
			return made(n, v, source.Origin{What: "export " + name.Text, Pos: n.Pos}), nil
		}
	}
	e.note(n.Pos, "the export %q of another stack is not known", fact.Show(name.Text))
	return unknown(n, "export %s", fact.Show(name.Text)), nil
}

func (e *evaluator) zones(n, arg *source.Node) (*source.Node, *source.Problem) {
	region := e.pseudo("AWS::Region")
	if arg != nil && arg.Kind != source.Null {
		v, problem := e.text(arg, "the region of Fn::GetAZs")
		if problem != nil {
			return nil, problem
		}
		if v.Text != "" {
			region = v.Text
		}
	}
	if e.env.Zones == nil || !fact.Known(region) {
		return unknown(n, "availability zones of %s", fact.Show(region)), nil
	}
	list := &source.Node{Kind: source.Seq, Pos: n.Pos, End: n.End}
	for _, z := range e.env.Zones(region) {
		list.Items = append(list.Items, made(n, z, source.Origin{What: "availability zones of " + region}))
	}
	if len(list.Items) == 0 {
		return unknown(n, "availability zones of %s", region), nil
	}
	return list, nil
}

func (e *evaluator) findInMap(n, arg *source.Node) (*source.Node, *source.Problem) {
	as, problem := args("FindInMap", arg, 3, 4)
	if problem != nil {
		return nil, problem
	}
	at := e.t.Root.Get("Mappings")
	path := ""
	for _, a := range as[:3] {
		key, problem := e.text(a, "a name in Fn::FindInMap")
		if problem != nil {
			return nil, problem
		}
		path = strings.TrimPrefix(path+"::"+key.Text, "::")
		if fact.Known(key.Text) {
			at = e.get(at, key.Text)
			continue
		}
		return unknown(n, "FindInMap %s", named(path)), nil
	}
	if at == nil && len(as) == 4 {
		return e.value(as[3].Get("DefaultValue"))
	}
	if at == nil {
		if v := e.maybe(n, "FindInMap %s", path); v != nil {
			return v, nil
		}
		return nil, templateError(n.Pos, "Unable to get mapping for %s", path)
	}
	v := *at // its items are shared: a mapping can be large
	v.From = append([]source.Origin{{What: "FindInMap " + path, Pos: at.Pos}}, v.From...)
	v.Pos, v.End = n.Pos, n.End
	return &v, nil
}
