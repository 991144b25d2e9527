package terraform

import (
	"slices"
	"strings"

	"beanpole/internal/fact"
	"beanpole/internal/source"
)

// maxHops ends a chain of references through modules, maxFollowed all that are
// followed for one value: with two references in each module they double.
const (
	maxHops     = 64
	maxFollowed = 1000
)

func references(expression *source.Node) (out []string) {
	list := expression.Get("references")
	if list == nil {
		return nil
	}
	for _, it := range list.Items {
		if s, ok := it.Str(); ok {
			out = append(out, s)
		}
	}
	return out
}

// target is what an expression refers to: an attribute of a resource.
type target struct {
	r    *resource
	attr string // "" when an index hides which: x[count.index].name
}

// follow finds the resources that an expression refers to, in order. ok is
// unset when something else takes part as well, a local value for instance,
// of which a plan does not tell the expression.
func (s *scope) follow(p *Plan, expression *source.Node, index string, hops int) (out []target, ok bool) {
	refs := references(expression)
	if hops == 0 {
		p.followed = 0
	}
	if p.followed += len(refs); len(refs) == 0 || hops > maxHops || p.followed > maxFollowed {
		return nil, false
	}
	ok = true
	for i, ref := range refs {
		if i > 0 && covered(refs[i-1], ref) {
			continue // "a.b.c" is followed by "a.b"
		}
		head, rest := cutStep(ref)
		switch head {
		case "each", "count":
			continue
		case "var":
			name, _ := cutStep(rest)
			if s.parent == nil {
				continue // known: the root's variables are part of the plan
			}
			if s.call == nil {
				return nil, false
			}
			found, sure := s.parent.follow(p, s.call.At("expressions", name), s.index, hops+1)
			out, ok = append(out, found...), ok && sure
		case "module":
			call, output := cutStep(rest)
			child := s.child(call, index)
			if child == nil || output == "" {
				return nil, false
			}
			name, _ := cutStep(output)
			found, sure := child.follow(p, child.module.At("outputs", name, "expression"), "", hops+1)
			out, ok = append(out, found...), ok && sure
		default:
			r, attr := s.lookup(p, ref, index)
			if r == nil {
				ok = false
				continue
			}
			out = append(out, target{r, attr})
		}
	}
	return out, ok && len(out) > 0
}

// covered: Terraform lists behind a reference the shorter ones that it holds.
func covered(longer, shorter string) bool {
	rest, ok := strings.CutPrefix(longer, shorter)
	return ok && rest != "" && (rest[0] == '.' || rest[0] == '[')
}

// child is the one call of a module that a reference can mean.
func (s *scope) child(call, index string) *scope {
	if c := s.inside[call]; c != nil {
		return c
	}
	if c := s.inside[call+index]; c != nil && index != "" {
		return c
	}
	var only *scope // module.NAME[*].output of the only one
	for name, c := range s.inside {
		if bare, _ := cutIndex(name); bare == call {
			if only != nil {
				return nil
			}
			only = c
		}
	}
	return only
}

// lookup finds a resource or deferred data source by a reference.
func (s *scope) lookup(p *Plan, ref, index string) (*resource, string) {
	set, data := p.byAddress, ""
	if rest, ok := strings.CutPrefix(ref, "data."); ok {
		set, data, ref = p.documents, "data.", rest
	}
	kind, rest := cutStep(ref)
	name, attr := cutStep(rest)
	base := s.prefix + data + kind + "." + name
	if r := set[base]; r != nil {
		return r, attr
	}
	if _, has := cutIndex(name); has == "" && index != "" {
		return set[base+index], attr // x[count.index], x[each.key]
	}
	return nil, ""
}

// names are the attributes that hold a resource's name, and before it the
// prefix that the user may give instead.
var names = map[string][2]string{
	"aws_iam_role":                                 {"name", "name_prefix"},
	"aws_iam_instance_profile":                     {"name", "name_prefix"},
	"aws_iam_policy":                               {"name", "name_prefix"},
	"aws_iam_role_policy":                          {"name", "name_prefix"},
	"aws_iam_user":                                 {"name", ""},
	"aws_s3_bucket":                                {"bucket", "bucket_prefix"},
	"aws_elastic_beanstalk_application":            {"name", ""},
	"aws_elastic_beanstalk_environment":            {"name", ""},
	"aws_elastic_beanstalk_configuration_template": {"name", ""},
}

// physical is the resource's name. One that Terraform makes up is a prefix
// and a random part, "terraform-" where the user gives no prefix
// [terraform-plugin-sdk: helper/id].
func (r *resource) physical() string {
	attr := names[r.kind]
	if attr[0] == "" {
		return fact.Symbol(r.address)
	}
	if s, ok := r.values.Get(attr[0]).Str(); ok && s != "" {
		return s
	}
	if prefix, ok := r.values.Get(attr[1]).Str(); ok && prefix != "" && attr[1] != "" {
		return prefix + fact.Generated(r.address)
	}
	if r.given(attr[0]) || attr[1] != "" && r.given(attr[1]) || attr[1] == "" || r.written == nil {
		return fact.Symbol(r.address + "." + attr[0]) // computed from something else
	}
	return "terraform-" + fact.Generated(r.address)
}

// given: the configuration gives an attribute that the plan does not know a
// value. Made of the root's variables alone it would be known, so it is null.
func (r *resource) given(attr string) bool {
	written := r.written.Get(attr)
	if written == nil {
		return false
	}
	refs := references(written)
	return len(refs) == 0 || r.scope.parent != nil || slices.ContainsFunc(refs, func(ref string) bool { return !strings.HasPrefix(ref, "var.") })
}

// attribute is an attribute of a resource as text; a hidden one is the one
// that def names. What does not follow from the name is unknown.
func (b *builder) attribute(t target, def string) string {
	attr := t.attr
	if attr == "" {
		attr = def
	}
	if s, ok := t.r.values.Get(attr).Str(); ok {
		return s
	}
	name := t.r.physical()
	switch {
	case attr == names[t.r.kind][0] && attr != "":
		return name
	case attr == "arn" || attr == "id" && t.r.kind == "aws_iam_policy":
		if arn := b.arn(t.r, name); arn != "" {
			return arn
		}
	case attr == "id" && names[t.r.kind][0] != "" && t.r.kind != "aws_elastic_beanstalk_environment" && t.r.kind != "aws_iam_role_policy":
		return name
	}
	return fact.Symbol(t.r.address + "." + attr)
}

// arn is a resource's ARN where it follows from its name.
func (b *builder) arn(r *resource, name string) string {
	kind := map[string]string{"aws_iam_role": "role", "aws_iam_instance_profile": "instance-profile", "aws_iam_policy": "policy", "aws_iam_user": "user"}[r.kind]
	switch {
	case kind != "":
		return "arn:" + b.partition + ":iam::" + b.account + ":" + kind + r.values.Get("path").TextOr("/") + name
	case r.kind == "aws_s3_bucket":
		return "arn:" + b.partition + ":s3:::" + name
	}
	return ""
}
