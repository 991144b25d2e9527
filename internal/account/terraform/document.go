package terraform

import (
	"strings"

	"beanpole/internal/fact"
	"beanpole/internal/source"
)

// document is the policy that an expression refers to: a data source
// aws_iam_policy_document which is read during apply is put together here
// from its statements. Any other text is not known.
func (b *builder) document(r *resource, expression *source.Node, attr string) *source.Node {
	targets, ok := r.scope.follow(b.plan, expression, r.index, 0)
	if ok && len(targets) == 1 && targets[0].r.kind == "aws_iam_policy_document" && b.plan.documents[targets[0].r.address] != nil {
		if d := targets[0].r.statements(); d != nil {
			return d
		}
	}
	return symbol(r, attr)
}

// statements is the policy of a deferred document, nil when it is not known
// how many statements it has. [provider: data aws_iam_policy_document]
func (d *resource) statements() *source.Node {
	list := known(d.values.Get("statement"))
	for _, more := range []string{"source_policy_documents", "override_policy_documents", "source_json", "override_json"} {
		if known(d.values.Get(more)) != nil || d.unknown.Get(more) != nil {
			return nil
		}
	}
	if list == nil || list.Kind != source.Seq {
		return nil
	}
	open := d.unknown.Get("statement")
	out := &source.Node{Kind: source.Seq, Pos: list.Pos, End: list.End}
	for i, s := range list.Items {
		var u *source.Node
		if open != nil && i < len(open.Items) {
			u = open.Items[i]
		}
		out.Items = append(out.Items, d.statement(s, u))
	}
	version := known(d.values.Get("version"))
	if version == nil {
		version = source.NewString("2012-10-17", d.pos)
	}
	return mapping(d.pos, "Version", version, "Statement", out)
}

func (d *resource) statement(s, open *source.Node) *source.Node {
	effect := known(s.Get("effect"))
	if effect == nil {
		effect = source.NewString("Allow", s.Pos)
	}
	m := mapping(s.Pos, "Sid", known(s.Get("sid")), "Effect", effect)
	for _, k := range [][2]string{{"actions", "Action"}, {"not_actions", "NotAction"}, {"resources", "Resource"}, {"not_resources", "NotResource"}} {
		if v := d.texts(s.Get(k[0]), open.Get(k[0]), k[0]); v != nil {
			m.Set(k[1], v)
		}
	}
	for _, k := range [][2]string{{"principals", "Principal"}, {"not_principals", "NotPrincipal"}} {
		if v := d.principals(s.Get(k[0]), open.Get(k[0])); v != nil {
			m.Set(k[1], v)
		}
	}
	if v := d.conditions(s.Get("condition"), open.Get("condition")); v != nil {
		m.Set("Condition", v)
	}
	return m
}

// texts is a list of texts, in which what is known after apply is unknown. The
// data source writes IAM's variables as &{…}.
func (d *resource) texts(list, open *source.Node, what string) *source.Node {
	unknown := func(at source.Pos) *source.Node {
		return source.NewString(fact.Symbol(what+" of "+d.address), at)
	}
	if open != nil && open.Kind == source.Bool && open.Text == "true" {
		return unknown(d.pos)
	}
	if list = known(list); list == nil || len(list.Items) == 0 {
		return nil
	}
	out := &source.Node{Kind: source.Seq, Pos: list.Pos, End: list.End}
	for _, it := range list.Items {
		if s, ok := it.Str(); !ok {
			it = unknown(it.Pos)
		} else if strings.Contains(s, "&{") {
			c := source.NewString(strings.ReplaceAll(s, "&{", "${"), it.Pos)
			c.End = it.End
			it = c
		}
		out.Items = append(out.Items, it)
	}
	return out
}

// item is the i-th of a list of blocks, or what is unknown of all.
func item(open *source.Node, i int) *source.Node {
	if open == nil || i >= len(open.Items) {
		return nil
	}
	return open.Items[i]
}

func (d *resource) principals(blocks, open *source.Node) *source.Node {
	if blocks = known(blocks); blocks == nil || len(blocks.Items) == 0 {
		return nil
	}
	out := source.NewMap(blocks.Pos)
	for i, p := range blocks.Items {
		kind := p.Get("type").TextOr("AWS")
		v := d.texts(p.Get("identifiers"), item(open, i).Get("identifiers"), "principals")
		if v == nil {
			continue
		}
		if kind == "*" {
			return source.NewString("*", p.Pos)
		}
		if old := out.Get(kind); old != nil && old.Kind == source.Seq && v.Kind == source.Seq {
			both := *old
			both.Items = append(old.Items[:len(old.Items):len(old.Items)], v.Items...)
			v = &both
		}
		out.Set(kind, v)
	}
	return out
}

func (d *resource) conditions(blocks, open *source.Node) *source.Node {
	if blocks = known(blocks); blocks == nil || len(blocks.Items) == 0 {
		return nil
	}
	out := source.NewMap(blocks.Pos)
	for i, c := range blocks.Items {
		v := d.texts(c.Get("values"), item(open, i).Get("values"), "condition values")
		test := c.Get("test").TextOr("")
		if v == nil || test == "" {
			continue
		}
		op := out.Get(test)
		if op == nil {
			op = source.NewMap(c.Pos)
			out.Set(test, op)
		}
		op.Set(c.Get("variable").TextOr(""), v)
	}
	return out
}
