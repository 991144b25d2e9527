package cfn

import (
	"bytes"
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
	d := e.t.Root.At("Conditions", name)
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
	if yes == nil && no == nil || yes != nil && no != nil && bytes.Equal(yes.JSON(), no.JSON()) {
		return yes, nil
	}
	return unknown(n, "condition %s", as[0].Text), nil
}
