package cfninit

import (
	"slices"
	"sort"
	"strings"

	"beanpole/internal/access"
	"beanpole/internal/aws"
	"beanpole/internal/fact"
	"beanpole/internal/source"
)

const (
	initKey = "AWS::CloudFormation::Init"
	authKey = "AWS::CloudFormation::Authentication"
)

// sections in the order in which a config is built [cb:construction.py].
var sections = []string{"packages", "groups", "users", "sources", "files", "commands", "services"}

// taken are the sections that the plan takes apart.
var taken = []string{"packages", "sources", "files", "commands", "services"}

// NewPlan reads a resource's Metadata and says what cfn-init would do for the
// named configSets; nil means the set "default". The error is a *BuildError
// with AWS's text. A plan comes back together with an error when some sets
// run before the build ends (Plan.Ends).
func NewPlan(metadata *source.Node, sets []string) (*Plan, error) {
	return newPlan(metadata, sets, false)
}

// newPlan is NewPlan; of an agent in Python 2 the error about configSets that
// refer to each other names them in the order of its dict.
func newPlan(metadata *source.Node, sets []string, dict bool) (*Plan, error) {
	if metadata != nil && metadata.Kind < source.String && truthy(metadata) {
		return nil, &BuildError{Text: "argument of type '" + typeName(metadata) + "' is not iterable", Early: true}
	}
	init := metadata.Get(initKey)
	if !truthy(init) {
		return nil, &BuildError{Text: "Could not find '" + initKey + "' key in metadata", NoInit: true}
	}
	if init.Kind != source.Map {
		if listed, err := contains(init, "configSets"); err != nil {
			return nil, err
		} else if listed {
			_, err := index(init, "configSets", "str")
			return nil, err
		}
		return nil, &BuildError{Text: "'" + typeName(init) + "' object has no attribute 'get'"}
	}
	p := &Plan{}
	all, fault := readSets(init, dict)
	if fault != nil {
		return nil, fault
	}
	if has(metadata, authKey) {
		if fault := p.readAuthentication(metadata.Get(authKey)); fault != nil {
			return nil, fault
		}
	}
	if sets == nil {
		sets = []string{"default"}
	}
	for _, name := range sets {
		configs, ok := all[name]
		if !ok || dict && notASCII(name) != "" { // a name from the command line is bytes, and no text equals them

			p.Ends = &BuildError{Text: "Error: no ConfigSet named " + name + " exists", Foreseen: true}
			return p, p.Ends
		}
		set := Set{Name: name}
		for _, c := range configs {
			set.Configs = append(set.Configs, p.config(c))
		}
		p.Sets = append(p.Sets, set)
	}
	return p, nil
}

// config turns one config into steps.
func (p *Plan) config(c configRef) *Config {
	out := &Config{Name: c.name, node: c.node}
	for _, section := range sections {
		n := c.node.Get(section)
		switch {
		case !truthy(n):
		case !slices.Contains(taken, section) || n.Kind == source.String && !fact.Known(n.Text):
			out.Steps = append(out.Steps, Step{Other: &Other{Section: section, Node: n}})
		case section == "packages":
			out.Steps = append(out.Steps, packages(n, c.name)...)
		case section == "services":
			out.Steps = append(out.Steps, services(n, c.name)...)
		case section == "sources":
			out.Steps = append(out.Steps, p.sources(n, c.name)...)
		case n.Kind != source.Map:
			out.Steps = append(out.Steps, Step{Fault: &BuildError{Text: "'" + typeName(n) + "' object has no attribute 'keys'", Config: c.name,
				Pos: n.Pos, Means: section + " holds no map: each entry has its name as a key"}})
		case section == "files":
			for _, f := range sorted(n) {
				out.Steps = append(out.Steps, Step{File: p.file(f)})
			}
		default:
			for _, f := range sorted(n) {
				out.Steps = append(out.Steps, Step{Command: &Command{Name: f.Key.Text, Entry: f.Value, Pos: f.Key.Pos}})
			}
		}
	}
	return out
}

// sorted are a map's entries in the order of their keys' code points, in which
// cfn-init goes through files and commands.
func sorted(n *source.Node) []*source.Field {
	fs := append([]*source.Field(nil), fields(n)...)
	sort.SliceStable(fs, func(i, j int) bool { return fs[i].Key.Text < fs[j].Key.Text })
	return fs
}

// file is one entry of `files`; a content that is not empty wins over a source
// [cb:file_tool.py].
func (p *Plan) file(f *source.Field) *File {
	out := &File{Path: f.Key.Text, Entry: f.Value, Pos: f.Key.Pos}
	src := evaluated(f.Value.Get("source"))
	if f.Value == nil || f.Value.Kind != source.Map || truthy(f.Value.Get("content")) || !truthy(src) || isLink(f.Value.Get("mode")) {
		return out
	}
	out.Fetch = p.fetch("files", out.Path, src, evaluated(f.Value.Get("authentication")))
	return out
}

// fetch is the fetch of what a value names; asked is the name of an
// authentication, nil when none is asked for.
func (p *Plan) fetch(section, target string, from, asked *source.Node) *access.Fetch {
	url := format(from)
	fetch := &access.Fetch{Section: section, Target: target, URL: url, URLAt: from.Pos, From: from.From}
	sent := url
	if fact.Known(url) {
		if prepared, fail := prepareURL(url); fail == nil {
			sent = prepared
		}
	}
	fetch.Address = aws.AgentS3(sent)
	fetch.Signer = p.signer(sent, fetch.Address, asked)
	return fetch
}

// isLink reports whether a mode says "symbolic link" (120xxx).
func isLink(mode *source.Node) bool {
	m, err := parseMode(mode)
	return err == nil && m&0o170000 == 0o120000
}

// evaluated is the value as the agent will see it: CloudFormation evaluates
// functions on the way, so one that still stands there has a value that is
// not known here.
func evaluated(n *source.Node) *source.Node {
	if n == nil {
		return nil
	}
	name := strings.TrimPrefix(n.Tag, "!")
	if n.Kind == source.Map && len(n.Fields) == 1 {
		if key := n.Fields[0].Key.Text; key == "Ref" || strings.HasPrefix(key, "Fn::") {
			name = key
		}
	}
	if name == "" {
		return n
	}
	return source.NewString(fact.Symbol("value of "+name), n.Pos, n.From...)
}
