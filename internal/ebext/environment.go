package ebext

import (
	"fmt"
	"slices"
	"strings"

	"beanpole/internal/cfn"
	"beanpole/internal/source"
)

// The configSets that the platform runs: PreBuild before the application is
// unpacked, PostBuild (`container_commands`) before it goes live.
const (
	PreBuild  = "Infra-EmbeddedPreBuild"
	PostBuild = "Infra-EmbeddedPostBuild"
)

// ParameterEnvironmentName is the parameter that the template declares when
// something in it refers to AWSEBEnvironmentName; who evaluates or creates
// the stack gives it the environment's name.
const ParameterEnvironmentName = environmentName

// remove as a property's value takes away what Elastic Beanstalk has there
// [samples:securitygroup-disable-auto-use-existing.config].
const remove = "CmpFn::Remove"

// insert holds values that are added to the list that stands there
// [seen in public bundles that follow AWS's CloudWatch Logs samples].
const insert = "CmpFn::Insert"

// Environment is the environment's CloudFormation template: Elastic
// Beanstalk's own resources by settings, one cfn-init config a file, and the
// users' template entries merged in. s are the settings besides those of x
// itself, for instance the ones given directly; it may repeat x's.
func Environment(x *Extensions, s Settings, application string) (*cfn.Template, error) {
	root, _ := environment(x, s, application, true)
	return cfn.FromNode("", root)
}

// LeftOut are the entries under Resources that name a resource of Elastic
// Beanstalk which beanpole does not make, so that they change nothing in
// Environment's template.
func LeftOut(x *Extensions, s Settings) []*source.Problem {
	_, out := environment(x, s, "", true)
	return out
}

// environment is the template as a tree: to be run, together with what was
// left out of it, or to be read only.
func environment(x *Extensions, s Settings, application string, running bool) (root *source.Node, left []*source.Problem) {
	all := append(append(Defaults(Platform{}), x.Settings...), s...)
	root = fields(
		"AWSTemplateFormatVersion", "2010-09-09",
		"Description", "AWS Elastic Beanstalk environment",
		"Resources", ownResources(all),
	)
	for _, f := range x.Files {
		if f.counts() {
			mergeFile(root, f)
		}
	}
	if running {
		left = dropStrangers(root.Get("Resources"))
	}
	addConfigs(root, x, all, application)
	e := &expander{settings: all, within: map[[2]string]bool{}, running: running}
	root = e.expand(root)
	e.addFunctions(root)
	if running {
		addHandles(root)
	}
	declareName(root)
	return root, left
}

// mergeFile merges a file's template entries into the template.
func mergeFile(root *source.Node, f *File) {
	for _, key := range templateKeys {
		section := f.Root.Get(key)
		if section == nil || section.Kind != source.Map {
			continue
		}
		if root.Get(key) == nil {
			root.Set(key, source.NewMap(section.Pos))
		}
		merge(root.Get(key), section)
	}
}

// merge puts the entries of from into into: maps are merged all the way down,
// anything else is replaced by what is read later.
func merge(into, from *source.Node) {
	for _, f := range from.Fields {
		old := into.Get(f.Key.Text)
		switch {
		case isRemove(f.Value):
			drop(into, f.Key.Text)
		case f.Value.Get(insert) != nil:
			put(into, f.Key, inserted(old, f.Value.At(insert, "values")))
		case old != nil && old.Kind == source.Map && f.Value.Kind == source.Map && !isCall(old) && !isCall(f.Value):
			merge(old, f.Value)
		default:
			v := f.Value
			if v.Kind == source.Map && !isCall(v) {
				// merged into nothing: a later file may merge into it in turn
				v = source.NewMap(v.Pos)
				v.End = f.Value.End
				merge(v, f.Value)
			}
			put(into, f.Key, v)
		}
	}
}

// inserted is a list with more values behind those that it has.
func inserted(old, values *source.Node) *source.Node {
	out := &source.Node{Kind: source.Seq, Pos: values.Place()}
	if old != nil && old.Kind == source.Seq {
		out.Items = append(out.Items, old.Items...)
	}
	if values != nil {
		out.Items = append(out.Items, values.Items...)
	}
	return out
}

func isRemove(n *source.Node) bool { return n.Kind == source.Map && n.Get(remove) != nil }

// isCall reports whether n is a call of a function, which is one value and
// never merged with another.
func isCall(n *source.Node) bool { return n.Tag != "" || isFunction(n) }

// put sets a key with the place of the user's own key.
func put(m, key, v *source.Node) {
	for _, f := range m.Fields {
		if f.Key.Text == key.Text {
			f.Value = v
			return
		}
	}
	m.Fields = append(m.Fields, &source.Field{Key: key, Value: v})
}

func drop(m *source.Node, key string) {
	kept := m.Fields[:0:0]
	for _, f := range m.Fields {
		if f.Key.Text != key {
			kept = append(kept, f)
		}
	}
	m.Fields = kept
}

// dropStrangers takes out entries for resources of Elastic Beanstalk that
// are not made here: without a Type they are no resources of their own.
func dropStrangers(resources *source.Node) []*source.Problem {
	var out []*source.Problem
	for _, f := range append([]*source.Field(nil), resources.Fields...) {
		if strings.HasPrefix(f.Key.Text, "AWSEB") && f.Value.Get("Type") == nil {
			drop(resources, f.Key.Text)
			out = append(out, &source.Problem{
				Pos:  f.Key.Pos,
				What: fmt.Sprintf("beanpole makes no %s with these settings; what is written here is left out", f.Key.Text),
			})
		}
	}
	return out
}

// declareName declares the parameter behind AWSEBEnvironmentName if the
// template refers to it.
func declareName(root *source.Node) {
	if !slices.Contains(references(root, nil), environmentName) || root.At("Parameters", environmentName) != nil || root.At("Resources", environmentName) != nil {
		return
	}
	if root.Get("Parameters") == nil {
		root.Set("Parameters", source.NewMap(source.Pos{}))
	}
	root.Get("Parameters").Set(environmentName, fields("Type", "String", "Description", "Name of the environment"))
}
