package ebext

import (
	"strings"

	"beanpole/internal/source"
)

// SavedConfiguration is a saved configuration, as `eb config save` writes it
// and `eb create --cfg` applies it: platform, tier, tags and option settings
// [EB:environment-configuration-savedconfig].
type SavedConfiguration struct {
	File     string
	Settings Settings     // at level Saved
	Platform *source.Node // solution stack name or platform ARN; nil: it names none
}

// savedKeys are the keys of a saved configuration; SolutionStack stood for
// Platform before 2017.
var savedKeys = []string{"AWSConfigurationTemplateVersion", "EnvironmentConfigurationMetadata", "EnvironmentTier", "OptionSettings", "Platform", "SolutionStack"}

// ParseSaved reads a saved configuration. The error is a *source.Problem.
func ParseSaved(file string, data []byte) (*SavedConfiguration, error) {
	root, err := source.Parse(file, data)
	if err != nil {
		return nil, err
	}
	known := false
	for _, key := range savedKeys {
		known = known || root.Get(key) != nil
	}
	if !known {
		return nil, &source.Problem{Pos: source.Pos{File: file}, What: "this is no saved configuration: it has none of the keys " + strings.Join(savedKeys, ", "),
			Remedy: "give the .cfg.yml that   eb config save   or   eb config get   writes"}
	}
	s := &SavedConfiguration{File: file, Platform: root.At("Platform", "PlatformArn")}
	for _, n := range []*source.Node{root.At("Platform", "SolutionStack"), root.Get("Platform"), root.Get("SolutionStack")} {
		if s.Platform.TextOr("") == "" {
			s.Platform = n
		}
	}
	if s.Platform.TextOr("") == "" {
		s.Platform = nil
	}
	return s, s.read(root.Get("OptionSettings"))
}

// read reads the option settings: a map of namespaces. An option of one
// resource has the resource's logical ID before the namespace.
func (s *SavedConfiguration) read(n *source.Node) error {
	if n == nil || n.Kind == source.Null {
		return nil
	}
	if n.Kind != source.Map {
		return &source.Problem{Pos: n.Pos, What: "OptionSettings is no mapping of namespaces", Remedy: "write   OptionSettings: {NAMESPACE: {OPTION: value}}"}
	}
	for _, f := range n.Fields {
		name := f.Key
		if i := strings.Index(name.Text, ".aws:"); i > 0 {
			c := *name
			c.Text = name.Text[i+1:]
			name = &c
		}
		if f.Value == nil || f.Value.Kind != source.Map {
			continue // a namespace without options
		}
		for _, o := range f.Value.Fields {
			v := o.Value
			switch {
			case v == nil || v.Kind == source.Null || v.Kind == source.Map:
				continue // not set
			case v.Kind == source.Seq:
				v = joined(v)
			default:
				v = asText(v)
			}
			s.Settings = append(s.Settings, Setting{Namespace: name.Text, Option: o.Key.Text, Value: v, Level: Saved,
				Pos: o.Key.Pos, NamespaceNode: name, OptionNode: o.Key})
		}
	}
	return nil
}

// DefaultPlatform is the platform that the EB CLI makes a new environment
// with: global.default_platform of .elasticbeanstalk/config.yml. It is nil when
// there is none, or only a family of platforms ("docker", "python-3.6"), whose
// newest member the EB CLI asks AWS for [EB:eb-cli3-configuration].
func DefaultPlatform(file string, data []byte) (*source.Node, error) {
	root, err := source.Parse(file, data)
	if err != nil {
		return nil, err
	}
	n := root.At("global", "default_platform")
	text := n.TextOr("")
	if !strings.HasPrefix(text, "arn:") && !strings.Contains(text, " running ") {
		return nil, nil
	}
	return n, nil
}
