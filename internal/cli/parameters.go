package cli

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"beanpole/internal/cfn"
	"beanpole/internal/fact"
	"beanpole/internal/source"
)

// parameters are the values given with --parameters, and over them those given
// with --parameter. One that the template does not have is refused, and one
// that its declaration does not take; one without a value is not missed here.
func (f *inputFlags) parameters(t *cfn.Template) (map[string]string, error) {
	if len(f.params) > 0 && t == nil {
		return nil, usageError("--parameter needs the template that it is for; give --template FILE")
	}
	if f.paramFile != "" && t == nil {
		return nil, usageError("--parameters needs the template that they are for; give --template FILE")
	}
	out := map[string]string{}
	if f.paramFile != "" {
		if err := f.readParameters(t, out); err != nil {
			return nil, err
		}
	}
	for _, p := range f.params {
		k, v, ok := strings.Cut(p, "=")
		if !ok || k == "" {
			return nil, usageError("--parameter %q is not NAME=VALUE", p)
		}
		if names := parameterNames(t); !slices.Contains(names, k) {
			return nil, usageError("%s has no parameter %q; its parameters: %s", f.template, k, strings.Join(append(names, "none")[:max(1, len(names))], ", "))
		}
		out[k] = fact.Clean(v)
	}
	if t == nil {
		return out, nil
	}
	return out, t.CheckGiven(out)
}

// readParameters reads a file of parameters in one of the forms that AWS's
// tools take: the AWS CLI's list of ParameterKey and ParameterValue
// (create-stack --parameters file://…) or of "Name=Value"
// (deploy --parameter-overrides file://…), CodePipeline's template
// configuration with a map under Parameters, or a map alone.
func (f *inputFlags) readParameters(t *cfn.Template, out map[string]string) error {
	file := strings.TrimPrefix(f.paramFile, "file://")
	data, err := os.ReadFile(file)
	if err != nil {
		return usageError("cannot read the parameters: %v", err)
	}
	root, err := source.Parse(file, data)
	if err != nil {
		return err
	}
	if inner := root.Get("Parameters"); inner != nil {
		root = inner
	}
	set := func(name, value string, at source.Pos) error {
		if names := parameterNames(t); !slices.Contains(names, name) {
			return &source.Problem{Pos: at, What: fmt.Sprintf("Parameters: [%s] do not exist in the template", name),
				Remedy: "its parameters: " + strings.Join(append(names, "none")[:max(1, len(names))], ", ")}
		}
		out[name] = value
		return nil
	}
	switch {
	case root == nil:
		return nil
	case root.Kind == source.Map:
		for _, e := range root.Entries() {
			if err := set(e.Key.Text, parameterText(e.Value), e.Key.Pos); err != nil {
				return err
			}
		}
		return nil
	case root.Kind == source.Seq:
		for _, item := range root.Items {
			if err := listedParameter(item, set); err != nil {
				return err
			}
		}
		return nil
	}
	return &source.Problem{Pos: root.Pos, What: "this is no file of parameters", Remedy: parameterForms}
}

const parameterForms = `write [{"ParameterKey": NAME, "ParameterValue": VALUE}], ["NAME=VALUE"] or {"Parameters": {NAME: VALUE}}`

// listedParameter is one item of the AWS CLI's lists.
func listedParameter(item *source.Node, set func(name, value string, at source.Pos) error) error {
	if text, ok := item.Str(); ok {
		if k, v, ok := strings.Cut(text, "="); ok && k != "" {
			return set(k, v, item.Pos)
		}
	}
	key, ok := item.Get("ParameterKey").Str()
	if !ok {
		return &source.Problem{Pos: item.Pos, What: "this parameter has no ParameterKey", Remedy: parameterForms}
	}
	if previous, _ := item.Get("UsePreviousValue").Truth(); previous {
		return set(key, fact.Symbol("previous value of parameter "+key), item.Pos)
	}
	value := item.Get("ParameterValue")
	if value == nil {
		return &source.Problem{Pos: item.Pos, What: fmt.Sprintf("parameter %s has no ParameterValue", key), Remedy: parameterForms}
	}
	return set(key, parameterText(value), item.Pos)
}

// parameterText is a value as CloudFormation gets it: every one is a text, a
// list is joined with commas.
func parameterText(n *source.Node) string {
	if n == nil {
		return ""
	}
	if n.Kind == source.Seq {
		var parts []string
		for _, it := range n.Items {
			parts = append(parts, parameterText(it))
		}
		return strings.Join(parts, ",")
	}
	if n.IsScalar() && n.Kind != source.Null {
		return n.Value()
	}
	return ""
}

func parameterNames(t *cfn.Template) (names []string) {
	for _, p := range t.Parameters {
		names = append(names, p.Name)
	}
	return names
}
