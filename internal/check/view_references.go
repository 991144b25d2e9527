package check

import (
	"strings"

	"beanpole/internal/lazyregexp"
	"beanpole/internal/source"
)

// reference is a place in a configuration file that names a resource.
type reference struct {
	logicalID string
	by        string // "Ref", "Fn::GetAtt", "Fn::Sub", "DependsOn"; "" for the entry under Resources itself
	at        *source.Node
	attribute string // of Fn::GetAtt
}

// references are those of all files that count, in the order of the files.
func (r *run) references() (out []reference) {
	for _, f := range r.x.Files {
		if f.Root == nil || f.Skipped != nil {
			continue
		}
		for _, e := range f.Root.Fields {
			out = referencesIn(e.Value, out)
		}
		resources := f.Root.Get("Resources")
		if resources == nil {
			continue
		}
		for _, e := range resources.Fields {
			if e.Value.Get("Type") == nil {
				out = append(out, reference{logicalID: e.Key.Text, at: e.Key})
			}
		}
	}
	return out
}

// referencesIn adds the references below a node. A function inside a text is in
// backticks.
func referencesIn(n *source.Node, out []reference) []reference {
	if n == nil {
		return out
	}
	if n.Kind == source.String && strings.Contains(n.Text, "AWSEB") {
		for _, m := range textReference.FindAllStringSubmatch(n.Text, -1) {
			ref := reference{logicalID: m[2], by: "Fn::GetAtt", at: n}
			if m[1] == "Ref" {
				ref.by = "Ref"
			}
			out = append(out, ref)
		}
	}
	for _, it := range n.Items {
		out = referencesIn(it, out)
	}
	for _, f := range n.Fields {
		switch f.Key.Text {
		case "Ref":
			if name, ok := f.Value.Str(); ok {
				out = append(out, reference{logicalID: name, by: "Ref", at: f.Value})
			}
			continue
		case "DependsOn":
			for _, it := range append([]*source.Node{f.Value}, f.Value.Items...) {
				if name, ok := it.Str(); ok {
					out = append(out, reference{logicalID: name, by: "DependsOn", at: it})
				}
			}
			continue
		case "Fn::GetAtt":
			if ref, ok := getAtt(f.Value); ok {
				out = append(out, ref)
			}
			continue
		}
		out = referencesIn(f.Value, out)
	}
	return out
}

// textReference finds functions in the text between backticks.
var textReference = lazyregexp.New("\"(Ref|Fn::GetAtt)\"\\s*:\\s*(?:\\[\\s*)?\"(AWSEB[A-Za-z0-9]+)\"")

// getAtt is the resource of Fn::GetAtt's argument, a list or a text with a dot.
func getAtt(n *source.Node) (reference, bool) {
	if text, ok := n.Str(); ok {
		logical, attribute, _ := strings.Cut(text, ".")
		return reference{logicalID: logical, by: "Fn::GetAtt", at: n, attribute: attribute}, true
	}
	if n == nil || len(n.Items) < 2 {
		return reference{}, false
	}
	logical, ok := n.Items[0].Str()
	return reference{logicalID: logical, by: "Fn::GetAtt", at: n.Items[0], attribute: n.Items[1].TextOr("")}, ok
}
