package cfn

import (
	"fmt"
	"strings"

	"beanpole/internal/aws"
	"beanpole/internal/fact"
	"beanpole/internal/source"
)

// maxText limits a text that functions make, in bytes: names that name each
// other could otherwise double with every line. No template is larger
// (1 MB, [CFN:cloudformation-limits]).
const maxText = 1 << 20

// evaluator carries one evaluation of a template.
type evaluator struct {
	t          *Template // with its loops carried out
	env        *Env
	declared   map[string]*Declared
	parameters map[string]*Parameter
	conditions map[string]fact.Verdict
	open       map[string]bool // conditions and names being worked out
	names      map[string]*source.Node
	entries    map[*source.Node]map[string]*source.Node // of large maps, see get
	notes      []*source.Problem
	added      bool // transforms may add entries that t does not hold
	spent      int  // bytes that functions made so far
}

// newEvaluator is an evaluator of t with its loops carried out.
func newEvaluator(t *Template, env *Env) (*evaluator, *source.Problem) {
	t, lost, problem := t.unrolled(env)
	if problem != nil {
		return nil, problem
	}
	e := bare(t, env)
	e.notCarriedOut(lost)
	return e, nil
}

// bare is an evaluator of t as it stands.
func bare(t *Template, env *Env) *evaluator {
	if env == nil {
		env = &Env{}
	}
	e := &evaluator{
		t: t, env: env, declared: map[string]*Declared{}, parameters: map[string]*Parameter{},
		conditions: map[string]fact.Verdict{}, open: map[string]bool{}, names: map[string]*source.Node{},
		entries: map[*source.Node]map[string]*source.Node{},
	}
	for _, d := range t.Resources {
		e.declared[d.LogicalID] = d
	}
	for _, p := range t.Parameters {
		e.parameters[p.Name] = p
	}
	return e
}

// Evaluate resolves every resource and output. What is not known stays
// unknown, with a name. With env.Ref nil it predicts: physical names are those
// that CloudFormation will make up, and a NoEcho parameter counts as unknown,
// so that no finding can print it. The error is a *source.Problem.
func (t *Template) Evaluate(env *Env) (*Stack, error) {
	e, problem := newEvaluator(t, env)
	if problem != nil {
		return nil, problem
	}
	ids, problem := e.order()
	if problem != nil {
		return nil, problem
	}
	s := &Stack{}
	for _, id := range ids {
		r, problem := e.resource(e.declared[id])
		if problem != nil {
			return nil, problem
		}
		s.Resources = append(s.Resources, r)
	}
	if s.Outputs, problem = e.outputs(); problem != nil {
		return nil, problem
	}
	s.Notes = e.notes
	return s, nil
}

// Resource resolves one resource; env.Ref and env.GetAtt must know those that
// it depends on. The error is a *source.Problem.
func (t *Template) Resource(env *Env, logicalID string) (*Resource, error) {
	e, problem := newEvaluator(t, env)
	if problem != nil {
		return nil, problem
	}
	d := e.declared[logicalID]
	if d == nil {
		return nil, &source.Problem{Pos: t.Root.Pos, What: fmt.Sprintf("the template declares no resource %q", logicalID)}
	}
	r, problem := e.resource(d)
	if problem != nil {
		return nil, problem
	}
	return r, nil
}

// Outputs resolves the outputs of which the conditions hold or are not known.
func (t *Template) Outputs(env *Env) ([]Output, error) {
	e, problem := newEvaluator(t, env)
	if problem != nil {
		return nil, problem
	}
	out, problem := e.outputs()
	if problem != nil {
		return nil, problem
	}
	return out, nil
}

func (e *evaluator) note(at source.Pos, format string, args ...any) {
	e.notes = append(e.notes, &source.Problem{Pos: at, What: fmt.Sprintf(format, args...)})
}

// resource resolves one declared resource.
func (e *evaluator) resource(d *Declared) (*Resource, *source.Problem) {
	r := &Resource{LogicalID: d.LogicalID, Type: d.Type, Declared: d, Pos: d.Pos, Created: fact.Holds}
	var problem *source.Problem
	if r.Created, problem = e.created(d); problem != nil {
		return nil, problem
	}
	if r.Created == fact.Unknown {
		e.note(d.Pos, "whether %s is created is not known: condition %s", d.LogicalID, d.Node.Get("Condition").TextOr(""))
	}
	if r.Properties, problem = e.value(d.Node.Get("Properties")); problem != nil {
		return nil, problem
	}
	if r.Metadata, problem = e.value(d.Node.Get("Metadata")); problem != nil {
		return nil, problem
	}
	if r.Creation, problem = e.value(d.Node.Get("CreationPolicy")); problem != nil {
		return nil, problem
	}
	if r.DependsOn, problem = e.dependencies(d); problem != nil {
		return nil, problem
	}
	r.PhysicalID, _, problem = e.physical(d)
	return r, problem
}

// created is whether a resource's condition lets it be created.
func (e *evaluator) created(d *Declared) (fact.Verdict, *source.Problem) {
	c := d.Node.Get("Condition")
	if c == nil {
		return fact.Holds, nil
	}
	return e.condition(c)
}

// physical is what Ref gives for a resource.
func (e *evaluator) physical(d *Declared) (string, []source.Origin, *source.Problem) {
	if n := e.names[d.LogicalID]; n != nil {
		return n.Text, n.From, nil
	}
	if e.env.Ref != nil {
		if id, ok := e.env.Ref(d.LogicalID); ok {
			return id, nil, nil
		}
	}
	if e.open["Ref "+d.LogicalID] {
		return "", nil, circular(d.Pos, []string{d.LogicalID})
	}
	e.open["Ref "+d.LogicalID] = true
	defer delete(e.open, "Ref "+d.LogicalID)
	id, from, problem := e.predict(d)
	if problem != nil {
		return "", nil, problem
	}
	if e.env.Ref != nil && !fact.Known(id) {
		id = "" // it does not exist, and its name is not the template's to say
	}
	e.names[d.LogicalID] = source.NewString(id, d.Pos, from...)
	return id, from, nil
}

func (e *evaluator) outputs() ([]Output, *source.Problem) {
	var out []Output
	for _, f := range e.t.Root.Get("Outputs").Entries() {
		if f.Key.Text == transformKey {
			continue
		}
		if c := f.Value.Get("Condition"); c != nil {
			v, problem := e.condition(c)
			if problem != nil {
				return nil, problem
			}
			if v == fact.Broken {
				continue
			}
		}
		value, problem := e.value(f.Value.Get("Value"))
		if problem != nil {
			return nil, problem
		}
		if value == nil {
			return nil, formatError(f.Key.Pos, "Output %s is malformed.", f.Key.Text)
		}
		o := Output{Name: f.Key.Text, Description: f.Value.Get("Description").TextOr(""), Value: value}
		name, problem := e.value(f.Value.At("Export", "Name"))
		if problem != nil {
			return nil, problem
		}
		o.ExportName = name.TextOr("")
		out = append(out, o)
	}
	return out, nil
}

// value resolves a value. It is nil for nil, and where AWS::NoValue takes a
// property away.
func (e *evaluator) value(n *source.Node) (*source.Node, *source.Problem) {
	if n == nil {
		return nil, nil
	}
	if name, arg := call(n); name != "" {
		v, problem := e.apply(n, name, arg)
		if v != nil && v.Kind == source.String && strings.Contains(v.Text, resolve) {
			return e.dynamic(v), problem
		}
		return v, problem
	}
	c := *n
	switch n.Kind {
	case source.Seq:
		c.Items = nil
		for _, item := range n.Items {
			v, problem := e.value(item)
			if problem != nil {
				return nil, problem
			}
			if v != nil {
				c.Items = append(c.Items, v)
			}
		}
	case source.Map:
		c.Fields = nil
		for _, f := range n.Fields {
			if f.Key.Text == transformKey {
				c.Fields = append(c.Fields, &source.Field{Key: f.Key, Value: e.transform(f.Value, f.Value)})
				continue
			}
			v, problem := e.value(f.Value)
			if problem != nil {
				return nil, problem
			}
			if v != nil {
				c.Fields = append(c.Fields, &source.Field{Key: f.Key, Value: v})
			}
		}
	case source.String:
		if strings.Contains(n.Text, resolve) {
			return e.dynamic(n), nil
		}
	}
	return &c, nil
}

// resolve begins a dynamic reference.
const resolve = "{{resolve:"

// dynamic is a text with references such as {{resolve:ssm:name}}, of which
// only AWS knows the value. [CFN:dynamic-references]
func (e *evaluator) dynamic(n *source.Node) *source.Node {
	var b strings.Builder
	var names []string
	s := n.Text
	for {
		i := strings.Index(s, resolve)
		if i < 0 {
			break
		}
		j := strings.Index(s[i:], "}}")
		if j < 0 {
			break
		}
		name := fact.Show(s[i+2 : i+j])
		names = append(names, name)
		b.WriteString(s[:i] + fact.Symbol(name))
		s = s[i+j+2:]
	}
	if len(names) == 0 {
		return n
	}
	e.note(n.Pos, "only AWS can resolve %s", strings.Join(names, ", "))
	return made(n, b.String()+s, n.From...)
}

// get is the value under a key. Of large maps the keys are kept, since every
// look-up would else read the map through.
func (e *evaluator) get(n *source.Node, key string) *source.Node {
	if n == nil || len(n.Fields) < 16 {
		return n.Get(key)
	}
	m := e.entries[n]
	if m == nil {
		m = make(map[string]*source.Node, len(n.Fields))
		for _, f := range n.Fields { // the last of repeated keys counts
			m[f.Key.Text] = f.Value
		}
		e.entries[n] = m
	}
	return m[key]
}

// made is a text that a function made; it stands where n stands.
func made(n *source.Node, text string, from ...source.Origin) *source.Node {
	return &source.Node{Kind: source.String, Text: text, Pos: n.Pos, End: n.End, From: from}
}

// unknown is a value of which only the name of what would settle it is known.
func unknown(n *source.Node, format string, args ...any) *source.Node {
	return made(n, fact.Symbol(fmt.Sprintf(format, args...)))
}

// pseudo is the value of a pseudo parameter, unknown when env does not say.
func (e *evaluator) pseudo(name string) string {
	region := e.env.Region
	value := ""
	switch name {
	case "AWS::Region":
		value = region
	case "AWS::AccountId":
		value = e.env.AccountID
	case "AWS::StackName":
		value = e.env.StackName
	case "AWS::StackId":
		value = e.env.StackID
	case "AWS::Partition":
		if value = e.env.Partition; value == "" && region != "" && fact.Known(region) {
			value = aws.PartitionOf(region)
		}
	case "AWS::URLSuffix":
		if value = e.env.URLSuffix; value == "" && region != "" && fact.Known(region) {
			value = "amazonaws.com"
			if aws.PartitionOf(region) == "aws-cn" {
				value += ".cn"
			}
		}
	}
	if value == "" {
		return fact.Symbol(name)
	}
	return value
}
