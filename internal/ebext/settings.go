package ebext

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"beanpole/internal/source"
)

// Namespaces that this package looks into.
const (
	nsLaunch      = "aws:autoscaling:launchconfiguration"
	nsASG         = "aws:autoscaling:asg"
	nsVPC         = "aws:ec2:vpc"
	nsEnvironment = "aws:elasticbeanstalk:environment"
	nsProperties  = "aws:elasticbeanstalk:application:environment"
	nsApplication = "aws:elasticbeanstalk:application"
	nsCustom      = "aws:elasticbeanstalk:customoption"
	nsListener    = "aws:elb:listener"
	nsHealth      = "aws:elb:healthcheck"
	nsELB         = "aws:elb:loadbalancer"

	profileOption = "IamInstanceProfile"
)

// readSettings reads an `option_settings` section, in its list form or in its
// map form [EB:ebextensions-optionsettings].
func (x *Extensions) readSettings(n *source.Node) {
	if n == nil || n.Kind == source.Null {
		return
	}
	switch n.Kind {
	case source.Seq:
		for _, item := range n.Items {
			x.readListed(item)
		}
	case source.Map:
		for _, f := range n.Fields {
			x.readNamespace(f)
		}
	default:
		x.note(n.Pos, "option_settings is neither a list nor a mapping of namespaces")
	}
}

// readListed reads one item of the list form. Without a namespace the option
// is an environment property.
func (x *Extensions) readListed(item *source.Node) {
	namespace, option := item.Get("namespace"), item.Get("option_name")
	if _, ok := option.Str(); !ok {
		x.note(item.Pos, "this option setting has no option_name")
		return
	}
	if _, ok := namespace.Str(); !ok {
		namespace = source.NewString(nsProperties, source.Pos{})
	}
	x.setting(namespace, option, item.Get("value"), item.Pos)
}

func (x *Extensions) readNamespace(f *source.Field) {
	if f.Value.Kind != source.Map {
		if f.Value.Kind != source.Null {
			x.note(f.Key.Pos, fmt.Sprintf("namespace %q holds no options", f.Key.Text))
		}
		return
	}
	for _, o := range f.Value.Fields {
		x.setting(f.Key, o.Key, o.Value, o.Key.Pos)
	}
}

func (x *Extensions) setting(namespace, option, v *source.Node, at source.Pos) {
	if v == nil || v.Kind == source.Null {
		return // no value: the option keeps what a lower level says
	}
	set := Setting{Namespace: namespace.Text, Option: option.Text, Level: Extension, Pos: at, NamespaceNode: namespace, OptionNode: option}
	switch v.Kind {
	case source.Map:
		set.Value = v
		x.Structured = append(x.Structured, set)
		return
	case source.Seq:
		set.Value = joined(v)
	default:
		set.Value = asText(v)
	}
	x.Settings = append(x.Settings, set)
}

// joined is a list as the API gets it: "a comma-separated string or array", as
// its own message says [gh:awsdocs/elastic-beanstalk-samples#175].
func joined(v *source.Node) *source.Node {
	out := source.NewString(strings.Join(texts(v), ","), v.Pos)
	out.End = v.End
	return out
}

func (x *Extensions) note(at source.Pos, what string) {
	x.Notes = append(x.Notes, &source.Problem{Pos: at, What: what})
}

// asText is a scalar as the API gets it: every option value is a text there,
// so YAML's `yes` arrives as "true" and 0644 as "420".
func asText(v *source.Node) *source.Node {
	if v.Kind == source.String {
		return v
	}
	c := v.Clone()
	c.Text = v.Value()
	c.Kind = source.String
	return c
}

// Get is the setting of an option that is in force: the highest level wins,
// and within a level the one read last [EB:command-options].
func (s Settings) Get(namespace, option string) (*Setting, bool) {
	best := -1
	for i := range s {
		if s[i].Namespace == namespace && s[i].Option == option && (best < 0 || s[i].Level >= s[best].Level) {
			best = i
		}
	}
	if best < 0 {
		return nil, false
	}
	return &s[best], true
}

// text is the value in force, or "".
func (s Settings) text(namespace, option string) string {
	if set, ok := s.Get(namespace, option); ok {
		return set.Value.TextOr("")
	}
	return ""
}

// InForce are the settings in force, one per option, sorted by namespace and
// option name.
func (s Settings) InForce() Settings {
	at := make(map[[2]string]int, len(s))
	out := make(Settings, 0, len(s))
	for i := range s {
		k := [2]string{s[i].Namespace, s[i].Option}
		j, seen := at[k]
		switch {
		case !seen:
			at[k] = len(out)
			out = append(out, s[i])
		case s[i].Level >= out[j].Level:
			out[j] = s[i]
		}
	}
	slices.SortFunc(out, func(a, b Setting) int {
		return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Option, b.Option))
	})
	return out
}

// Origin is where a setting's value comes from, for people.
func (s *Setting) Origin() source.Origin {
	what := "option " + s.Namespace + " " + s.Option
	if s.Level == Default {
		what = "default of " + what
	}
	at := s.Value.Place()
	if !at.IsValid() {
		at = s.Pos
	}
	return source.Origin{What: what, Pos: at}
}

// ParseOptionJSON reads option settings as the AWS CLI takes them with
// --option-settings file://…: a list of Namespace, OptionName and Value.
func ParseOptionJSON(file string, data []byte) (Settings, error) {
	root, err := source.Parse(file, data)
	if err != nil {
		return nil, err
	}
	return ParseOptions(root, file)
}

// ParseOptions reads the list form of the Elastic Beanstalk API, which the
// OptionSettings of a CloudFormation template use as well. Values are taken
// as they stand, with where they came from.
func ParseOptions(root *source.Node, file string) (Settings, error) {
	if root == nil || root.Kind != source.Seq {
		at := root.Place()
		if at.File == "" {
			at.File = file
		}
		return nil, &source.Problem{Pos: at, What: "option settings are no list",
			Remedy: "write a list of entries with Namespace, OptionName and Value"}
	}
	var out Settings
	for _, item := range root.Items {
		ns, nsOK := item.Get("Namespace").Str()
		option, ok := item.Get("OptionName").Str()
		v := item.Get("Value")
		if !nsOK || !ok {
			return nil, &source.Problem{Pos: item.Pos, What: "this option setting lacks Namespace or OptionName"}
		}
		if v.IsScalar() && v.Kind != source.Null {
			out = append(out, Setting{Namespace: ns, Option: option, Value: asText(v), Level: Direct, Pos: item.Pos,
				NamespaceNode: item.Get("Namespace"), OptionNode: item.Get("OptionName")})
		}
	}
	return out, nil
}
