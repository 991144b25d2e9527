package reading

import (
	"bytes"
	"encoding/json"

	"beanpole/internal/ebext"
	"beanpole/internal/fact"
	"beanpole/internal/source"
)

// Place is what the environment's settings are called as a file.
func (e *Environment) Place() string { return "environment " + e.Name }

// InForce are the option settings of the environment, with bundle those that
// the bundle's own files make: where the two differ nobody can tell from the
// API whether the environment's value was set directly, and hides the
// bundle's, or came with an earlier bundle. Such a value is unknown.
func (e *Environment) InForce(bundle ebext.Settings, deployed bool) (out ebext.Settings) {
	for _, s := range e.Settings {
		if s.Value == nil && !s.Withheld {
			continue
		}
		at := source.Pos{File: e.Place()}
		value := ""
		if s.Value != nil {
			value = fact.Clean(*s.Value)
		}
		what := "option " + s.Namespace + " " + s.Name
		if s.Withheld {
			value = fact.Symbol("value of " + what + ", left out of the saved account")
		}
		level := ebext.Direct
		if s.From == "default" {
			level = ebext.Default
		}
		if own, ok := bundle.Get(s.Namespace, s.Name); ok && level == ebext.Direct {
			if fact.Equal(own.Value.TextOr(""), value) == fact.Holds {
				continue // the same either way
			}
			if !deployed {
				value = fact.Symbol("whether the environment's own value of " + what + " hides that of .ebextensions")
			}
		}
		out = append(out, ebext.Setting{Namespace: s.Namespace, Option: s.Name, Level: level, Pos: at, Value: source.NewString(value, at)})
	}
	return out
}

// Setting is the value of an option in force, "" without one.
func (e *Environment) Setting(namespace, name string) string {
	for _, s := range e.Settings {
		if s.Namespace == namespace && s.Name == name && s.Value != nil {
			return *s.Value
		}
	}
	return ""
}

// EventText is the events as `aws elasticbeanstalk describe-events` prints them.
func (e *Environment) EventText() []byte { return pretty(map[string]any{"Events": e.Events}) }

// EventText is the events as `aws cloudformation describe-stack-events` prints
// them.
func (s *Stack) EventText() []byte { return pretty(map[string]any{"StackEvents": s.Events}) }

func pretty(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetIndent("", "    ")
	enc.SetEscapeHTML(false)
	if enc.Encode(v) != nil {
		return nil // made of texts and times alone
	}
	return b.Bytes()
}

// MetadataPlace is what a resource's metadata is called as a file.
func (s *Stack) MetadataPlace(logicalID string) string { return s.Name + "/" + logicalID + ".json" }

// MetadataText is a resource's metadata as it is shown, in lines.
func (s *Stack) MetadataText(logicalID string) []byte {
	raw, ok := s.Metadata[logicalID]
	if !ok {
		return nil
	}
	var b bytes.Buffer
	if json.Indent(&b, raw, "", "  ") != nil {
		return nil
	}
	return b.Bytes()
}

// MetadataNode is a resource's metadata with its places, nil when there is none.
func (s *Stack) MetadataNode(logicalID string) (*source.Node, error) {
	text := s.MetadataText(logicalID)
	if text == nil {
		return nil, nil
	}
	return source.ParseJSON(s.MetadataPlace(logicalID), text)
}
