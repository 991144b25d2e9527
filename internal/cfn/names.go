package cfn

import (
	"strings"

	"beanpole/internal/fact"
	"beanpole/internal/source"
)

// made-up random parts have up to this many characters, with their hyphen.
const randomPart = 14

// predict is what Ref will give for a resource that nobody has created yet,
// with the place of the property that sets its name, if one does.
func (e *evaluator) predict(d *Declared) (id string, from []source.Origin, problem *source.Problem) {
	name, from, problem := e.predictName(d)
	if problem != nil {
		return "", nil, problem
	}
	k, ok := KindOf(d.Type)
	switch {
	case !ok || k.RefUnknown:
		return fact.Symbol("Ref " + d.LogicalID), nil, nil
	case k.Ref == "":
		return name, from, nil
	}
	id, whole, problem := e.fill(d, k.Ref, name)
	if !whole {
		id += e.random(d)
	}
	return id, from, problem
}

// predictName is the name or ID that a resource will have.
func (e *evaluator) predictName(d *Declared) (name string, from []source.Origin, problem *source.Problem) {
	k, ok := KindOf(d.Type)
	if !ok {
		return fact.Symbol("Ref " + d.LogicalID), nil, nil
	}
	if v := d.Node.At("Properties", k.Property); k.Property != "" && v != nil {
		r, p := e.value(v)
		if p != nil {
			return "", nil, p
		}
		if r != nil && r.IsScalar() && r.Kind != source.Null {
			return r.Value(), gather([]source.Origin{{What: k.Property, Pos: v.Pos}}, r.From), nil
		}
	}
	if k.MadeUp == "" {
		return e.madeUp(d, k), nil, nil
	}
	name, whole, problem := e.fill(d, k.MadeUp, "")
	if !whole {
		name += e.random(d)
	}
	return name, nil, problem
}

// random is the part that AWS makes up for a resource.
func (e *evaluator) random(d *Declared) string {
	return fact.Generated(fact.Show(e.pseudo("AWS::StackName")) + "-" + d.LogicalID)
}

// madeUp is the name that CloudFormation makes up: <stack>-<logical
// ID>-<random>. One that would be too long is shortened in a way that is not
// documented, so nothing of it is known.
func (e *evaluator) madeUp(d *Declared, k *Kind) string {
	stack := e.pseudo("AWS::StackName")
	if fact.Known(stack) && len(stack)+1+len(d.LogicalID)+randomPart > k.Limit {
		return e.random(d)
	}
	name := stack + "-" + d.LogicalID + "-"
	if k.Lower && fact.Known(name) {
		name = strings.ToLower(name)
	}
	return name + e.random(d)
}

// path is the Path of an IAM resource, "/" by default.
func (e *evaluator) path(d *Declared) (string, *source.Problem) {
	v := d.Node.At("Properties", "Path")
	if v == nil {
		return "/", nil
	}
	r, p := e.value(v)
	if p != nil || r == nil {
		return "/", p
	}
	return r.TextOr("/"), nil
}

// fill puts pseudo parameters, name and path into a pattern. whole is false
// where that takes more than them; the text then ends before.
func (e *evaluator) fill(d *Declared, pattern, name string) (text string, whole bool, problem *source.Problem) {
	text, whole = Fill(pattern, func(token string, random bool) (string, bool) {
		switch {
		case random:
			return "", false
		case token == "Name":
			return name, true
		case token == "name":
			return fact.Lower(name), true
		case token == "LogicalId":
			return d.LogicalID, true
		case token == "Path":
			path, p := e.path(d)
			problem = p
			return path, p == nil
		case strings.HasPrefix(token, "AWS::"):
			return e.pseudo(token), true
		}
		return "", false
	})
	return text, whole, problem
}

// predictAttribute is an attribute of a resource that nobody has created yet.
// What does not follow from the name is unknown, "Logical.Attribute".
func (e *evaluator) predictAttribute(d *Declared, attr string) (string, *source.Problem) {
	unknown := fact.Symbol(d.LogicalID + "." + attr)
	k, ok := KindOf(d.Type)
	if !ok {
		return unknown, nil
	}
	a := k.attribute(attr)
	if a == nil || a.If != "" {
		return unknown, nil
	}
	ref, _, p := e.physical(d)
	if p != nil || a.Pattern == "${Ref}" {
		return ref, p
	}
	if k.Ref != "" {
		if ref, _, p = e.predictName(d); p != nil {
			return "", p
		}
	}
	text, whole, p := e.fill(d, a.Pattern, ref)
	if !whole {
		text = unknown
	}
	return text, p
}
