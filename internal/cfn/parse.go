package cfn

import (
	"bytes"
	"fmt"
	"strings"

	"beanpole/internal/lazyregexp"
	"beanpole/internal/source"
)

// Parse reads a template, JSON when it begins with a brace, else YAML. The
// error is a *source.Problem in CloudFormation's words.
func Parse(file string, data []byte) (*Template, error) {
	read := source.ParseYAML
	if bytes.HasPrefix(bytes.TrimLeft(data, "\ufeff \t\r\n"), []byte("{")) {
		read = source.ParseJSON
	}
	root, err := read(file, data)
	if err != nil {
		return nil, err
	}
	t, err := FromNode(file, root)
	if err != nil {
		return nil, err
	}
	return t, t.wellFormed()
}

// FromNode makes a template of a tree. It takes resources without a type,
// which the environment's template may have where beanpole does not know
// Elastic Beanstalk's own declaration.
func FromNode(file string, root *source.Node) (*Template, error) {
	if root == nil || root.Kind != source.Map {
		pos := root.Place()
		pos.File = file
		return nil, formatError(pos, "unsupported structure.")
	}
	t := &Template{File: file, Root: root}
	for _, section := range []string{"Parameters", "Resources", "Mappings", "Conditions", "Outputs"} {
		if n := root.Get(section); n != nil && n.Kind != source.Map && n.Kind != source.Null {
			return nil, formatError(n.Pos, "%s is no map.", section)
		}
	}
	for _, f := range root.Get("Parameters").Entries() {
		if f.Key.Text == transformKey {
			continue
		}
		t.Parameters = append(t.Parameters, &Parameter{
			Name: f.Key.Text, Type: f.Value.Get("Type").TextOr("String"), Default: f.Value.Get("Default"),
			NoEcho: truth(f.Value.Get("NoEcho")), Pos: f.Key.Pos, Node: f.Value,
		})
	}
	looping := t.hasTransform(languageExtensions)
	for _, f := range root.Get("Resources").Entries() {
		switch loop := strings.HasPrefix(f.Key.Text, loopPrefix); {
		case f.Key.Text == transformKey, loop && looping:
			continue // see unrolled and notCarriedOut
		case !loop && !alphanumeric.MatchString(f.Key.Text):
			return nil, formatError(f.Key.Pos, "Resource name %s is non alphanumeric.", f.Key.Text)
		case f.Value.Kind != source.Map:
			p := formatError(f.Key.Pos, "[/Resources/%s] resource definition is malformed", f.Key.Text)
			if loop {
				p.Remedy = "add   Transform: " + languageExtensions
			}
			return nil, p
		case strange.MatchString(f.Value.Get("Type").TextOr("")):
			return nil, formatError(f.Value.Get("Type").Pos, "Unrecognized resource types: [%s]", f.Value.Get("Type").TextOr(""))
		}
		t.Resources = append(t.Resources, &Declared{
			LogicalID: f.Key.Text, Type: f.Value.Get("Type").TextOr(""), Node: f.Value,
			DependsOn: texts(f.Value.Get("DependsOn")), Pos: f.Key.Pos,
		})
	}
	return t, nil
}

// maxResources is the most that a template may declare
// [CFN:cloudformation-limits].
const maxResources = 500

var alphanumeric = lazyregexp.New(`^[A-Za-z0-9]+$`)

// strange are characters that no resource type has, as the curly quotes of
// word processors.
var strange = lazyregexp.New(`[^A-Za-z0-9_@:-]`)

// wellFormed reports what CloudFormation refuses in any template.
func (t *Template) wellFormed() error {
	if len(t.Root.Get("Resources").Entries()) == 0 {
		return formatError(t.Root.Pos, "At least one Resources member must be defined.")
	}
	if n := len(t.Resources); n > maxResources {
		return formatError(t.Resources[maxResources].Pos, "Number of resources, %d, is greater than maximum allowed, %d", n, maxResources)
	}
	for _, d := range t.Resources {
		switch {
		case !alphanumeric.MatchString(d.LogicalID):
			return formatError(d.Pos, "Resource name %s is non alphanumeric.", d.LogicalID)
		case d.Type == "":
			return formatError(d.Pos, "[/Resources/%s] Every Resources object must contain a Type member.", d.LogicalID)
		}
	}
	return nil
}

// formatError is a problem in the words that CloudFormation's API uses.
func formatError(at source.Pos, format string, args ...any) *source.Problem {
	return &source.Problem{Pos: at, What: "Template format error: " + fmt.Sprintf(format, args...)}
}

// templateError likewise, for functions.
func templateError(at source.Pos, format string, args ...any) *source.Problem {
	return &source.Problem{Pos: at, What: "Template error: " + fmt.Sprintf(format, args...)}
}

func truth(n *source.Node) bool {
	v, ok := n.Truth()
	return ok && v || n.TextOr("") == "true"
}

// texts is a text, or the texts of a list.
func texts(n *source.Node) []string {
	if s, ok := n.Str(); ok {
		return []string{s}
	}
	var out []string
	if n != nil {
		for _, i := range n.Items {
			if s, ok := i.Str(); ok {
				out = append(out, s)
			}
		}
	}
	return out
}

func (t *Template) parameter(name string) *Parameter {
	for _, p := range t.Parameters {
		if p.Name == name {
			return p
		}
	}
	return nil
}
