package cfn

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"beanpole/internal/fact"
	"beanpole/internal/source"
)

// ref carries out Ref: a pseudo parameter, a parameter, or a resource.
func (e *evaluator) ref(n, arg *source.Node) (*source.Node, *source.Problem) {
	name, ok := arg.Str()
	if !ok || arg.Tag != "" {
		return nil, templateError(arg.Place(), "all Fn::Ref objects must have a single string value")
	}
	switch name {
	case "AWS::NoValue":
		return nil, nil
	case "AWS::NotificationARNs":
		list := &source.Node{Kind: source.Seq, Pos: n.Pos, End: n.End}
		for _, arn := range e.env.NotificationARNs {
			list.Items = append(list.Items, made(n, arn))
		}
		return list, nil
	case "AWS::Region", "AWS::AccountId", "AWS::StackName", "AWS::StackId", "AWS::Partition", "AWS::URLSuffix":
		return made(n, e.pseudo(name)), nil
	}
	if p := e.parameters[name]; p != nil {
		return e.parameter(n, p), nil
	}
	d := e.declared[name]
	if d == nil {
		if v := e.maybe(n, "Ref %s", name); v != nil {
			return v, nil
		}
		return nil, e.unresolved(arg.Pos, name)
	}
	id, from, problem := e.physical(d)
	if problem != nil {
		return nil, problem
	}
	if id == "" {
		id = fact.Symbol(name + ", which does not exist yet")
	}
	return made(n, id, gather([]source.Origin{{What: "Ref " + name, Pos: d.Pos}}, from)...), nil
}

// unresolved is CloudFormation's answer to a name that nothing has.
func (e *evaluator) unresolved(at source.Pos, name string) *source.Problem {
	p := formatError(at, "Unresolved resource dependencies [%s] in the Resources block of the template", name)
	for _, d := range e.t.Resources {
		if strings.EqualFold(d.LogicalID, name) {
			p.Remedy = fmt.Sprintf("the resource is spelled %q", d.LogicalID)
		}
	}
	for _, d := range e.t.Parameters {
		if strings.EqualFold(d.Name, name) {
			p.Remedy = fmt.Sprintf("the parameter is spelled %q", d.Name)
		}
	}
	return p
}

// parameter is a parameter's value: as given, else the default, else unknown.
func (e *evaluator) parameter(n *source.Node, p *Parameter) *source.Node {
	from := source.Origin{What: "parameter " + p.Name, Pos: p.Pos}
	text, given := e.env.Parameters[p.Name]
	switch {
	case p.NoEcho && e.env.Ref == nil:
		return made(n, fact.Symbol("parameter "+p.Name+", which is NoEcho"), from)
	case given:
		from.What += " (given)"
	case p.Default == nil:
		return made(n, fact.Symbol("parameter "+p.Name), from)
	default:
		text, from.Pos = p.Default.Value(), p.Default.Pos
	}
	if strings.HasPrefix(p.Type, "AWS::SSM::Parameter::Value<") {
		e.note(n.Pos, "the value of SSM parameter %s is not known", fact.Show(text))
		return made(n, fact.Symbol("SSM parameter "+fact.Show(text)), from)
	}
	if p.Type != "CommaDelimitedList" && !strings.HasPrefix(p.Type, "List<") {
		return made(n, text, from)
	}
	list := &source.Node{Kind: source.Seq, Pos: n.Pos, End: n.End, From: []source.Origin{from}}
	for _, s := range strings.Split(text, ",") {
		list.Items = append(list.Items, made(n, strings.TrimSpace(s), from))
	}
	return list
}

func (e *evaluator) getAtt(n, arg *source.Node) (*source.Node, *source.Problem) {
	logical, attr, problem := attribute(arg)
	if problem != nil {
		return nil, problem
	}
	name, problem := e.text(attr, "the attribute of Fn::GetAtt")
	if problem != nil {
		return nil, problem
	}
	return e.attributeOf(n, logical, name.Text)
}

// attributeOf is an attribute of a resource.
func (e *evaluator) attributeOf(n *source.Node, logical, attr string) (*source.Node, *source.Problem) {
	d := e.declared[logical]
	if d == nil {
		if v := e.maybe(n, "%s.%s", logical, fact.Show(attr)); v != nil {
			return v, nil
		}
		p := templateError(n.Pos, "instance of Fn::GetAtt references undefined resource %s", logical)
		p.Remedy = e.unresolved(n.Pos, logical).Remedy
		return nil, p
	}
	from := source.Origin{What: "GetAtt " + logical + "." + fact.Show(attr), Pos: d.Pos}
	if e.env.GetAtt != nil {
		if v, ok := e.env.GetAtt(logical, attr); ok {
			return made(n, v, from), nil
		}
	}
	if e.env.Ref != nil {
		return made(n, fact.Symbol(logical+"."+fact.Show(attr)), from), nil
	}
	v, problem := e.predictAttribute(d, attr)
	if problem != nil {
		return nil, problem
	}
	return made(n, v, from), nil
}

// cut splits a text that may hold symbols. ok is false when a symbol could
// hide a delimiter: only what AWS makes of letters, digits and hyphens cannot.
func cut(text, delimiter string) (parts []string, ok bool) {
	if delimiter == "" {
		return nil, false
	}
	if fact.Known(text) {
		return strings.Split(text, delimiter), true
	}
	if strings.Trim(delimiter, "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") == "" {
		return nil, false
	}
	if !plain(text) {
		return nil, false
	}
	// A symbol's own name may hold the delimiter, so symbols count as one.
	symbol := fact.Symbol("")
	open, w := utf8.DecodeRuneInString(symbol)
	shut := symbol[w:]
	last, i := 0, 0
	for i < len(text) {
		r, w := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == open:
			if j := strings.Index(text[i:], shut); j >= 0 {
				w = j + len(shut)
			}
		case strings.HasPrefix(text[i:], delimiter):
			parts = append(parts, text[last:i])
			w = len(delimiter)
			last = i + w
		}
		i += w
	}
	return append(parts, text[last:]), true
}
