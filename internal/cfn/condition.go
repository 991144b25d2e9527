package cfn

import (
	"fmt"

	"beanpole/internal/fact"
	"beanpole/internal/source"
)

// condition is the truth of the condition that n names.
func (e *evaluator) condition(n *source.Node) (fact.Verdict, *source.Problem) {
	name, ok := n.Str()
	if !ok {
		return fact.Unknown, formatError(n.Place(), "the name of a condition must be a string")
	}
	if v, ok := e.conditions[name]; ok {
		return v, nil
	}
	d := e.get(e.t.Root.Get("Conditions"), name)
	if d == nil && e.added {
		return fact.Unknown, nil
	}
	if d == nil {
		return fact.Unknown, formatError(n.Pos, "Unresolved condition dependency %s in the Conditions block of the template", name)
	}
	if e.open["Condition "+name] {
		return fact.Unknown, formatError(n.Pos, "Circular dependency between conditions: %s", name)
	}
	e.open["Condition "+name] = true
	defer delete(e.open, "Condition "+name)
	v, problem := e.test(d)
	if problem == nil {
		e.conditions[name] = v
	}
	return v, problem
}

// test evaluates a condition's function.
func (e *evaluator) test(n *source.Node) (fact.Verdict, *source.Problem) {
	name, arg := call(n)
	if name == "" && n.Kind == source.Map && len(n.Fields) == 1 && n.Fields[0].Key.Text == "Condition" {
		name, arg = "Condition", n.Fields[0].Value
	}
	switch name {
	case "Condition":
		return e.condition(arg)
	case "Equals":
		return e.equals(arg)
	case "Not":
		as, problem := args(name, arg, 1, 1)
		if problem != nil {
			return fact.Unknown, problem
		}
		v, problem := e.test(as[0])
		return fact.Not(v), problem
	case "And", "Or":
		as, problem := args(name, arg, 2, 10)
		if problem != nil {
			return fact.Unknown, problem
		}
		var vs []fact.Verdict
		for _, a := range as {
			v, problem := e.test(a)
			if problem != nil {
				return fact.Unknown, problem
			}
			vs = append(vs, v)
		}
		if name == "And" {
			return fact.All(vs...), nil
		}
		return fact.Any(vs...), nil
	}
	return fact.Unknown, formatError(n.Pos, "Every Condition member must be a string, or one of Fn::And, Fn::Equals, Fn::Not, Fn::Or")
}

// longCompare is the size of texts above which two that are not fully known
// are not compared: how they could be equal takes both sizes multiplied.
const longCompare = 2048

func (e *evaluator) equals(arg *source.Node) (fact.Verdict, *source.Problem) {
	as, problem := args("Equals", arg, 2, 2)
	if problem != nil {
		return fact.Unknown, problem
	}
	a, problem := e.value(as[0])
	if problem != nil {
		return fact.Unknown, problem
	}
	b, problem := e.value(as[1])
	if problem != nil {
		return fact.Unknown, problem
	}
	x, y := comparable(a), comparable(b)
	if problem := e.spend(arg, len(x)+len(y)); problem != nil {
		return fact.Unknown, problem
	}
	if (!fact.Known(x) || !fact.Known(y)) && len(x)+len(y) > longCompare && x != y {
		return fact.Unknown, nil
	}
	return fact.Equal(x, y), nil
}

// comparable is a value as Equals compares it: parameters are texts, so
// numbers and booleans count as texts too.
func comparable(n *source.Node) string {
	if n != nil && n.IsScalar() && n.Kind != source.Null {
		return n.Value()
	}
	return string(n.JSON())
}

// choose carries out If. With a condition of which the truth is not known
// only a value that both branches share is known.
func (e *evaluator) choose(n, arg *source.Node) (*source.Node, *source.Problem) {
	as, problem := args("If", arg, 3, 3)
	if problem != nil {
		return nil, problem
	}
	verdict, problem := e.condition(as[0])
	if problem != nil {
		return nil, problem
	}
	origin := source.Origin{What: fmt.Sprintf("condition %s %s", as[0].Text, map[fact.Verdict]string{fact.Holds: "holds", fact.Broken: "does not hold"}[verdict]), Pos: as[0].Pos}
	switch verdict {
	case fact.Holds, fact.Broken:
		branch := as[1]
		if verdict == fact.Broken {
			branch = as[2]
		}
		v, problem := e.value(branch)
		if v != nil {
			v.From = append(v.From[:len(v.From):len(v.From)], origin)
		}
		return v, problem
	}
	yes, problem := e.value(as[1])
	if problem != nil {
		return nil, problem
	}
	no, problem := e.value(as[2])
	if problem != nil {
		return nil, problem
	}
	return blend(n, as[0].Text, yes, no), nil
}

// blend is what is known of a value that is yes or no: what both have in
// common. The name of a part that is not known tells the two apart, so that
// parts which differ are never taken for equal.
func blend(n *source.Node, condition string, yes, no *source.Node) *source.Node {
	switch {
	case same(yes, no):
		return yes
	case yes == nil || no == nil:
	case yes.Kind == source.Map && no.Kind == source.Map && sameKeys(yes, no):
		c := *yes
		c.Fields = nil
		for i, f := range yes.Fields {
			c.Fields = append(c.Fields, &source.Field{Key: f.Key, Value: blend(f.Value, condition, f.Value, no.Fields[i].Value)})
		}
		return &c
	case yes.Kind == source.Seq && no.Kind == source.Seq && len(yes.Items) == len(no.Items):
		c := *yes
		c.Items = nil
		for i, item := range yes.Items {
			c.Items = append(c.Items, blend(item, condition, item, no.Items[i]))
		}
		return &c
	case yes.IsScalar() && no.IsScalar() && len(yes.Text)+len(no.Text) < longCompare:
		return unknown(n, "%s if condition %s, else %s", named(yes.Value()), condition, named(no.Value()))
	}
	return unknown(n, "condition %s at %d:%d", condition, n.Pos.Line, n.Pos.Col)
}

// same reports whether two values are equal, texts that are not known included.
func same(a, b *source.Node) bool {
	switch {
	case a == nil || b == nil:
		return a == b
	case a == b:
		return true
	case a.Kind != b.Kind || len(a.Items) != len(b.Items) || a.Kind == source.Map && !sameKeys(a, b):
		return false
	case a.IsScalar():
		return a.Value() == b.Value()
	}
	for i, item := range a.Items {
		if !same(item, b.Items[i]) {
			return false
		}
	}
	for i, f := range a.Fields {
		if !same(f.Value, b.Fields[i].Value) {
			return false
		}
	}
	return true
}

// sameKeys reports whether two maps have the same keys in the same order.
func sameKeys(a, b *source.Node) bool {
	if len(a.Fields) != len(b.Fields) {
		return false
	}
	for i, f := range a.Fields {
		if f.Key.Text != b.Fields[i].Key.Text {
			return false
		}
	}
	return true
}
