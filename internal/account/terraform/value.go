package terraform

import (
	"slices"
	"strings"

	"beanpole/internal/fact"
	"beanpole/internal/source"
)

// known is a value that is there; nil for null.
func known(n *source.Node) *source.Node {
	if n == nil || n.Kind == source.Null {
		return nil
	}
	return n
}

func symbol(r *resource, attr string) *source.Node {
	return source.NewString(fact.Symbol(r.address+"."+attr), r.pos)
}

func mapping(at source.Pos, kv ...any) *source.Node {
	m := source.NewMap(at)
	for i := 0; i+1 < len(kv); i += 2 {
		if v := kv[i+1].(*source.Node); v != nil {
			m.Set(kv[i].(string), v)
		}
	}
	return m
}

// open: the user gives the attribute a value that is known after apply only.
// Attributes that nobody gives are computed, and tell nothing.
func (r *resource) open(attr string) bool {
	u := r.unknown.Get(attr)
	return u != nil && u.Kind == source.Bool && u.Text == "true" && (r.written == nil || r.written.Get(attr) != nil)
}

// own is a name that the user gave, nil when Terraform makes it up.
func (r *resource) own(attr string) *source.Node {
	if r.written != nil && r.written.Get(attr) == nil {
		return nil
	}
	return known(r.values.Get(attr))
}

// text is an attribute that takes one text. A value that is known after apply
// and refers to one attribute of another resource is that attribute: a plan
// does not tell "${x}" from "${x}-more", but these attributes name things, and
// nothing has the longer name. Nil: not set.
func (b *builder) text(r *resource, attr, def string) *source.Node {
	if v := known(r.values.Get(attr)); v != nil {
		if attr == "bucket" && v.Text == "" {
			return nil
		}
		return v
	}
	if !r.open(attr) {
		return nil
	}
	return b.referred(r, r.written.Get(attr), attr, def)
}

// takes are the kinds of resource that an attribute names, and the attributes
// of them that it takes.
var takes = map[string]struct {
	kind  string
	attrs string
}{
	"role": {"aws_iam_role", "name id"}, "policy_arn": {"aws_iam_policy", "arn id"}, "permissions_boundary": {"aws_iam_policy", "arn id"},
	"bucket":        {"aws_s3_bucket", "bucket id"},
	"application":   {"aws_elastic_beanstalk_application", "name id"},
	"template_name": {"aws_elastic_beanstalk_configuration_template", "name id"},
	"setting aws:autoscaling:launchconfiguration IamInstanceProfile": {"aws_iam_instance_profile", "name id arn"},
	"setting aws:elasticbeanstalk:environment ServiceRole":           {"aws_iam_role", "name id arn"},
}

// fits tells whether an attribute takes what it refers to as it stands. Of
// anything else, the random part of a name for instance, the value may be a
// part only: two values are then not the same because both refer to it.
func fits(attr string, t target) bool {
	want, ok := takes[attr]
	return ok && t.r.kind == want.kind && (t.attr == "" || slices.Contains(strings.Fields(want.attrs), t.attr))
}

// open are the targets of which the plan does not know the attribute; of
// several, only they can be why a value is not known.
func open(all []target) []target {
	return slices.DeleteFunc(slices.Clone(all), func(t target) bool {
		_, known := t.r.values.Get(t.attr).Str()
		return known
	})
}

// referred is the one attribute that an expression refers to, else unknown.
func (b *builder) referred(r *resource, expression *source.Node, attr, def string) *source.Node {
	targets, ok := r.scope.follow(b.plan, expression, r.index, 0)
	if targets = open(targets); !ok || len(targets) != 1 || !fits(attr, targets[0]) {
		return symbol(r, attr)
	}
	t := targets[0]
	return source.NewString(b.attribute(t, def), r.pos, source.Origin{What: t.r.address, Pos: t.r.pos})
}

// list is an attribute that takes texts, or one. An item that is not known is
// Null. Nil: not set.
func (b *builder) list(r *resource, attr, def string) *source.Node {
	v := known(r.values.Get(attr))
	switch {
	case v != nil && v.Kind == source.Seq:
		return b.filled(r, attr, def, v)
	case v != nil:
		return &source.Node{Kind: source.Seq, Pos: v.Pos, Items: []*source.Node{v}}
	case !r.open(attr):
		return nil
	}
	out := &source.Node{Kind: source.Seq, Pos: r.pos}
	targets, ok := r.scope.follow(b.plan, r.written.Get(attr), r.index, 0)
	for _, t := range targets {
		out.Items = append(out.Items, source.NewString(b.attribute(t, def), r.pos, source.Origin{What: t.r.address, Pos: t.r.pos}))
	}
	if !ok {
		out.Items = append(out.Items, &source.Node{Kind: source.Null, Pos: r.pos})
	}
	return out
}

// filled puts what an expression refers to into the places of a list that the
// plan does not know, where it is clear what belongs there.
func (b *builder) filled(r *resource, attr, def string, v *source.Node) *source.Node {
	var at []int
	for i := range v.Items {
		if u := item(r.unknown.Get(attr), i); u != nil && u.Kind == source.Bool && u.Text == "true" {
			at = append(at, i)
		}
	}
	if len(at) == 0 {
		return v
	}
	targets, ok := r.scope.follow(b.plan, r.written.Get(attr), r.index, 0)
	if targets = open(targets); !ok || len(targets) != len(at) {
		return v
	}
	out := *v
	out.Items = slices.Clone(v.Items)
	for i, t := range targets {
		out.Items[at[i]] = source.NewString(b.attribute(t, def), r.pos, source.Origin{What: t.r.address, Pos: t.r.pos})
	}
	return &out
}

// policy is an attribute that holds a policy document as text.
func (b *builder) policy(r *resource, attr string) *source.Node {
	if v := known(r.values.Get(attr)); v != nil {
		return v
	}
	if !r.open(attr) {
		return nil
	}
	return b.document(r, r.written.Get(attr), attr)
}

// settings are the setting blocks as option settings.
func (b *builder) settings(r *resource) *source.Node {
	blocks := r.values.Get("setting")
	if blocks == nil || blocks.Kind != source.Seq {
		if u := r.unknown.Get("setting"); u != nil && u.Kind == source.Bool && u.Text == "true" {
			return symbol(r, "setting")
		}
		return nil
	}
	written := map[[2]string]*source.Node{}
	if w := r.written.Get("setting"); w != nil {
		for _, it := range w.Items {
			k := [2]string{it.At("namespace", "constant_value").TextOr(""), it.At("name", "constant_value").TextOr("")}
			written[k] = it.Get("value")
		}
	}
	out := &source.Node{Kind: source.Seq, Pos: blocks.Pos, End: blocks.End}
	for _, it := range blocks.Items {
		ns, name, v := known(it.Get("namespace")), known(it.Get("name")), known(it.Get("value"))
		if ns == nil || name == nil {
			b.stack.Notes = append(b.stack.Notes, &source.Problem{Pos: r.pos, What: "which option a setting of " + r.address + " sets is known after apply only"})
			continue
		}
		if v == nil {
			v = b.setting(r, ns.Text, name.Text, written[[2]string{ns.Text, name.Text}])
		} else if r.hides(ns.Text, name.Text) {
			v = source.NewString(fact.Symbol(name.Text+" of "+r.address), v.Pos)
		}
		if len(v.From) == 0 {
			c := *v
			c.From = []source.Origin{{What: r.address, Pos: r.pos}}
			v = &c
		}
		out.Items = append(out.Items, mapping(it.Pos, "Namespace", ns, "OptionName", name, "Value", v))
	}
	return out
}

// setting is an option's value that is known after apply. Only an option that
// names a role or profile is taken for what it refers to.
func (b *builder) setting(r *resource, ns, name string, expression *source.Node) *source.Node {
	what := "setting " + ns + " " + name
	if name != "IamInstanceProfile" && name != "ServiceRole" {
		return symbol(r, what)
	}
	return b.referred(r, expression, what, "name")
}

// hides: the value may be a secret. Terraform marks all settings when one of
// them is sensitive; names of things in AWS are shown all the same.
func (r *resource) hides(ns, name string) bool {
	secret := r.secret.Get("setting")
	if secret == nil || secret.Kind == source.Seq && !strings.Contains(string(secret.JSON()), "true") {
		return false
	}
	return ns == "aws:elasticbeanstalk:application:environment" || strings.Contains(strings.ToLower(name), "password") ||
		strings.HasPrefix(ns, "aws:elasticbeanstalk:customoption") || strings.HasPrefix(ns, "aws:rds:")
}
