// Package terraform reads the JSON of a Terraform plan (`terraform show -json
// PLAN`) and gives it as the stack of a CloudFormation template with the same
// resources, so that everything behind it is one code for both. What is known
// only after apply stays unknown, with the address as its name; a reference to
// another resource keeps who it is. The format is Terraform's "JSON output
// format" [Terraform: internals/json-format].
package terraform

import (
	"bytes"
	"errors"
	"strings"

	"beanpole/internal/fact"
	"beanpole/internal/source"
)

// Plan is a plan as Terraform describes it.
type Plan struct {
	File      string
	resources []*resource
	documents map[string]*resource // deferred data sources by address
	byAddress map[string]*resource
	root      *source.Node
	followed  int // references followed for the value at hand
}

// resource is a resource of planned_values, or a data source that is read only
// during apply.
type resource struct {
	plan    *Plan
	address string // module.web[0].aws_iam_role.x["a"]
	kind    string // aws_iam_role
	name    string // x
	index   string // ["a"], as in the address; "" without count and for_each
	pos     source.Pos
	values  *source.Node // what is known
	unknown *source.Node // true where a value is known after apply
	written *source.Node // expressions of the configuration; nil: not there
	scope   *scope
	secret  *source.Node // sensitive_values
}

// scope is one call of a module.
type scope struct {
	parent *scope
	prefix string       // module.web[0]. or ""
	index  string       // of the call
	module *source.Node // its configuration
	call   *source.Node // the call's, nil for the root
	inside map[string]*scope
}

const showJSON = "run: terraform show -json PLAN > plan.json, and give plan.json"

// A plan may have largest bytes and mostParts values; each value takes some
// hundred bytes of memory. A plan of 10 MB has about half a million.
const (
	largest   = 32 << 20
	mostParts = 1 << 19
)

// Parse reads a plan. The error is a *source.Problem.
func Parse(file string, data []byte) (*Plan, error) {
	refuse := func(what, remedy string) error {
		return &source.Problem{Pos: source.Pos{File: file}, What: what, Remedy: remedy}
	}
	if bytes.HasPrefix(data, []byte("PK\x03\x04")) { // a plan is a zip
		return nil, refuse("this is Terraform's binary plan", showJSON)
	}
	data = plain(data)
	if parts := bytes.Count(data, []byte(",")) + bytes.Count(data, []byte("[")) + bytes.Count(data, []byte("{")); parts > mostParts {
		return nil, refuse("the plan has too many values", "plan only what the environment needs: terraform plan -target ADDRESS")
	}
	n, err := source.ParseLargeJSON(file, data, largest)
	switch {
	case err != nil && bytes.HasPrefix(bytes.TrimSpace(data), []byte(`{"@level"`)): // a line for each message
		return nil, refuse("this is the log of terraform plan -json, which does not hold the planned values", "run: terraform plan -out PLAN; "+showJSON[len("run: "):])
	case err != nil:
		var p *source.Problem
		if errors.As(err, &p) && p.Remedy == "" && len(data) <= largest {
			p.Remedy = showJSON
		}
		return nil, err
	case n == nil || n.Kind != source.Map:
		return nil, refuse("this is no Terraform plan in JSON", showJSON)
	case n.Get("planned_values") == nil && n.Get("@level") != nil:
		return nil, refuse("this is the log of terraform plan -json, which does not hold the planned values", "run: terraform plan -out PLAN; "+showJSON[len("run: "):])
	case n.Get("planned_values") == nil && (n.Get("values") != nil || n.Get("lineage") != nil):
		return nil, refuse("this is Terraform state, not a plan", "run: terraform plan -out PLAN; "+showJSON[len("run: "):])
	case n.Get("planned_values") == nil:
		return nil, refuse("this is no Terraform plan: it has no planned_values", showJSON)
	}
	if version := n.Get("format_version"); version != nil {
		// Another major version would not be compatible [Terraform: internals/json-format].
		if major, _, _ := strings.Cut(version.TextOr(""), "."); major != "0" && major != "1" {
			return nil, &source.Problem{Pos: version.Pos, What: "the plan is in format " + version.TextOr("") + "; beanpole reads formats 0 and 1"}
		}
	}
	p := &Plan{File: file, root: n, documents: map[string]*resource{}, byAddress: map[string]*resource{}}
	p.read()
	return p, nil
}

// plain takes the byte order mark away, and turns the UTF-16 into which
// PowerShell's > writes into UTF-8.
func plain(data []byte) []byte {
	if !bytes.HasPrefix(data, []byte("\xff\xfe")) {
		return data
	}
	var b strings.Builder
	for i := 2; i+1 < len(data); i += 2 {
		b.WriteRune(rune(data[i]) | rune(data[i+1])<<8)
	}
	return []byte(b.String())
}

func (p *Plan) read() {
	after := map[string]*source.Node{}
	root := &scope{module: p.root.At("configuration", "root_module"), inside: map[string]*scope{}}
	changes := p.root.Get("resource_changes")
	if changes != nil {
		for _, c := range changes.Items {
			after[c.Get("address").TextOr("")] = c.At("change", "after_unknown")
		}
	}
	written := map[*source.Node]map[string]*source.Node{}
	p.module(p.root.At("planned_values", "root_module"), root, func(r *resource) {
		r.unknown = after[r.address]
		r.written = expressions(written, r.scope, r.kind+"."+r.name)
		p.resources = append(p.resources, r)
		p.byAddress[r.address] = r
	})
	if changes == nil {
		return
	}
	for _, c := range changes.Items {
		if c.Get("mode").TextOr("") != "data" || c.Get("type").TextOr("") != "aws_iam_policy_document" {
			continue
		}
		r := p.resource(c, root.find(c.Get("module_address").TextOr("")))
		if r == nil {
			continue
		}
		r.values, r.unknown = c.At("change", "after"), c.At("change", "after_unknown")
		r.written = expressions(written, r.scope, "data."+r.kind+"."+r.name)
		p.documents[r.address] = r
	}
}

// module visits the managed resources of a module and of those inside it.
func (p *Plan) module(n *source.Node, s *scope, visit func(*resource)) {
	if list := n.Get("resources"); list != nil {
		for _, it := range list.Items {
			if r := p.resource(it, s); r != nil && it.Get("mode").TextOr("managed") == "managed" {
				visit(r)
			}
		}
	}
	if list := n.Get("child_modules"); list != nil {
		for _, it := range list.Items {
			p.module(it, s.find(strings.TrimPrefix(it.Get("address").TextOr(""), s.prefix)), visit)
		}
	}
}

func (p *Plan) resource(n *source.Node, s *scope) *resource {
	at := n.Get("address")
	address, ok := at.Str()
	if !ok {
		return nil
	}
	r := &resource{plan: p, address: address, pos: at.Pos, scope: s, values: n.Get("values"), secret: n.Get("sensitive_values"),
		kind: n.Get("type").TextOr(""), name: n.Get("name").TextOr("")}
	if i := n.Get("index"); i != nil {
		r.index = "[" + string(i.JSON()) + "]"
	}
	return r
}

// expressions are what the configuration says of a resource.
func expressions(seen map[*source.Node]map[string]*source.Node, s *scope, address string) *source.Node {
	list := s.module.Get("resources")
	if list == nil {
		return nil
	}
	if seen[list] == nil {
		seen[list] = map[string]*source.Node{}
		for _, it := range list.Items {
			seen[list][it.Get("address").TextOr("")] = it.Get("expressions")
		}
	}
	return seen[list][address]
}

// find is the scope of a module's address, relative to s.
func (s *scope) find(address string) *scope {
	for address != "" {
		step, rest := cutStep(address)
		name, after := "", rest
		if step != "module" {
			return s
		}
		name, after = cutStep(rest)
		child := s.inside[name]
		if child == nil {
			bare, index := cutIndex(name)
			call := s.module.At("module_calls", bare)
			child = &scope{parent: s, prefix: s.prefix + "module." + name + ".", index: index,
				call: call, module: call.Get("module"), inside: map[string]*scope{}}
			s.inside[name] = child
		}
		s, address = child, after
	}
	return s
}

// cutStep parts an address at its first dot that stands in no index.
func cutStep(address string) (step, rest string) {
	quoted, depth := false, 0
	for i := 0; i < len(address); i++ {
		switch c := address[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[':
			depth++
		case c == ']':
			depth--
		case c == '.' && depth == 0:
			return address[:i], address[i+1:]
		}
	}
	return address, ""
}

func cutIndex(step string) (name, index string) {
	if i := strings.IndexByte(step, '['); i >= 0 {
		return step[:i], step[i:]
	}
	return step, ""
}

// Region is the region of the AWS provider where the configuration or a
// variable says it, else "".
func (p *Plan) Region() string { return p.regionOf("aws") }

func (p *Plan) regionOf(provider string) string {
	n := p.root.At("configuration", "provider_config", provider, "expressions", "region")
	if s, ok := n.Get("constant_value").Str(); ok {
		return s
	}
	for _, ref := range references(n) {
		if name, ok := strings.CutPrefix(ref, "var."); ok {
			return fact.Clean(p.root.At("variables", name, "value").TextOr(""))
		}
	}
	return ""
}

// Account is the account that the plan was made in, where a data source
// aws_caller_identity has asked for it, else "".
func (p *Plan) Account() string {
	list := p.root.At("prior_state", "values", "root_module", "resources")
	if list == nil {
		return ""
	}
	for _, it := range list.Items {
		if it.Get("type").TextOr("") == "aws_caller_identity" {
			return it.At("values", "account_id").TextOr("")
		}
	}
	return ""
}
