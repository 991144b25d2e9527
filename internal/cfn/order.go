package cfn

import (
	"sort"
	"strings"

	"beanpole/internal/fact"
	"beanpole/internal/source"
)

// Order lists the resources that will be created, each behind those that it
// depends on, else in file order. A resource whose condition does not hold is
// left out. The error is a *source.Problem: a circular dependency, or a
// reference to nothing.
func (t *Template) Order(env *Env) ([]string, error) {
	e, problem := newEvaluator(t, env)
	if problem != nil {
		return nil, problem
	}
	ids, problem := e.order()
	if problem != nil {
		return nil, problem
	}
	return ids, nil
}

func (e *evaluator) order() ([]string, *source.Problem) {
	const visiting, finished = 1, 2
	state := map[string]int{}
	var out, path []string
	var visit func(d *Declared) *source.Problem
	visit = func(d *Declared) *source.Problem {
		switch state[d.LogicalID] {
		case finished:
			return nil
		case visiting:
			return circular(d.Pos, path[index(path, d.LogicalID):])
		}
		state[d.LogicalID] = visiting
		path = append(path, d.LogicalID)
		deps, problem := e.dependencies(d)
		if problem != nil {
			return problem
		}
		for _, id := range deps {
			if problem := visit(e.declared[id]); problem != nil {
				return problem
			}
		}
		path = path[:len(path)-1]
		state[d.LogicalID] = finished
		out = append(out, d.LogicalID)
		return nil
	}
	for _, d := range e.t.Resources {
		created, problem := e.created(d)
		if problem != nil {
			return nil, problem
		}
		if created == fact.Broken {
			continue
		}
		if problem := visit(d); problem != nil {
			return nil, problem
		}
	}
	return out, nil
}

// Dependencies lists what a resource depends on, directly. The error is a
// *source.Problem.
func (t *Template) Dependencies(env *Env, logicalID string) ([]string, error) {
	e, problem := newEvaluator(t, env)
	if problem != nil {
		return nil, problem
	}
	d := e.declared[logicalID]
	if d == nil {
		return nil, nil
	}
	ids, problem := e.dependencies(d)
	if problem != nil {
		return nil, problem
	}
	return ids, nil
}

func index(path []string, id string) int {
	for i, p := range path {
		if p == id {
			return i
		}
	}
	return 0
}

func circular(at source.Pos, ids []string) *source.Problem {
	return &source.Problem{Pos: at, What: "Circular dependency between resources: [" + strings.Join(ids, ", ") + "]"}
}

// dependencies is the logical IDs that a resource names, sorted: in DependsOn,
// Ref, GetAtt and Sub. Branches of If that are not taken do not count, and
// DependsOn may name a resource that is not created.
func (e *evaluator) dependencies(d *Declared) ([]string, *source.Problem) {
	need := map[string]bool{}
	for _, id := range d.DependsOn {
		on := e.declared[id]
		if on == nil && e.added {
			continue
		}
		if on == nil {
			return nil, e.unresolved(d.Node.Get("DependsOn").Pos, id)
		}
		created, problem := e.created(on)
		if problem != nil {
			return nil, problem
		}
		if created != fact.Broken {
			need[id] = true
		}
	}
	for _, f := range d.Node.Entries() {
		switch f.Key.Text {
		case "Type", "DependsOn", "Condition":
			continue
		}
		if problem := e.collect(f.Value, need); problem != nil {
			return nil, problem
		}
	}
	out := make([]string, 0, len(need))
	for id := range need {
		out = append(out, id)
	}
	sort.Strings(out)
	return out, nil
}

// collect adds the resources that n refers to.
func (e *evaluator) collect(n *source.Node, need map[string]bool) *source.Problem {
	name, arg := call(n)
	switch name {
	case "Ref":
		return e.needs(arg, arg.TextOr(""), need)
	case "GetAtt":
		logical, attr, problem := attribute(arg)
		if problem != nil {
			return problem
		}
		if problem := e.needs(arg, logical, need); problem != nil {
			return problem
		}
		return e.collect(attr, need)
	case "Sub":
		return e.collectSub(arg, need)
	case "If":
		if as, problem := args(name, arg, 3, 3); problem == nil {
			v, problem := e.condition(as[0])
			if problem != nil {
				return problem
			}
			taken := map[fact.Verdict][]*source.Node{fact.Holds: as[1:2], fact.Broken: as[2:3], fact.Unknown: as[1:3]}[v]
			return e.collectAll(taken, need)
		}
	}
	if n == nil {
		return nil
	}
	if problem := e.collectAll(n.Items, need); problem != nil {
		return problem
	}
	for _, f := range n.Fields {
		if problem := e.collect(f.Value, need); problem != nil {
			return problem
		}
	}
	return nil
}

func (e *evaluator) collectAll(ns []*source.Node, need map[string]bool) *source.Problem {
	for _, n := range ns {
		if problem := e.collect(n, need); problem != nil {
			return problem
		}
	}
	return nil
}

func (e *evaluator) collectSub(arg *source.Node, need map[string]bool) *source.Problem {
	text, vars, problem := sub(arg)
	if problem != nil {
		return problem
	}
	for _, p := range subParts(text.Text) {
		if !p.variable || e.get(vars, p.text) != nil {
			continue
		}
		logical, _, _ := strings.Cut(p.text, ".")
		if problem := e.needs(source.NewString("", text.PosAt(p.at)), logical, need); problem != nil {
			return problem
		}
	}
	return e.collect(vars, need)
}

// needs notes that the value at n refers to a resource or parameter.
func (e *evaluator) needs(n *source.Node, name string, need map[string]bool) *source.Problem {
	if strings.HasPrefix(name, "AWS::") || e.parameters[name] != nil {
		return nil
	}
	d := e.declared[name]
	if d == nil && e.added {
		return nil
	}
	if d == nil {
		return e.unresolved(n.Place(), name)
	}
	created, problem := e.created(d)
	if problem != nil {
		return problem
	}
	if created == fact.Broken {
		p := e.unresolved(n.Place(), name)
		p.Remedy = "its condition " + d.Node.Get("Condition").TextOr("") + " does not hold, so it is not created"
		return p
	}
	need[name] = true
	return nil
}
