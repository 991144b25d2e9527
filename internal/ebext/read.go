package ebext

import (
	"path"
	"slices"
	"sort"
	"strings"

	"beanpole/internal/source"
)

// folder is the one folder that configuration files are read from, at the
// root of the source bundle [EB:ebextensions].
const folder = ".ebextensions"

// instanceKeys are the keys that become one cfn-init config per file, in the
// order in which cfn-init carries them out [EB:customize-containers-ec2].
var instanceKeys = []string{"packages", "groups", "users", "sources", "files", "commands", "services"}

// templateKeys are merged into the environment's CloudFormation template
// [EB:ebextensions-otherkeys].
var templateKeys = []string{"Parameters", "Mappings", "Conditions", "Resources", "Outputs"}

// knownKeys are all keys that may stand at the top of a configuration file.
// One that is not here makes AWS skip the file.
var knownKeys = slices.Concat(instanceKeys, []string{"container_commands", "option_settings"}, templateKeys)

// KnownKeys lists the keys that may stand at the top of a configuration file.
func KnownKeys() []string { return slices.Clone(knownKeys) }

// Read reads all configuration files of a bundle, in Elastic Beanstalk's
// order: alphabetical by file name.
func Read(b *source.Bundle) *Extensions {
	return read(b.Names(), b.Read)
}

func read(names []string, content func(string) ([]byte, error)) *Extensions {
	x := &Extensions{}
	for i, name := range configFiles(names) {
		data, err := content(name)
		if err != nil {
			x.Problems = append(x.Problems, asProblem(name, err))
			continue
		}
		root, err := source.ParseConfig(name, data)
		if err != nil {
			x.Problems = append(x.Problems, asProblem(name, err))
			continue
		}
		x.add(&File{Name: name, Root: root, Index: i})
	}
	return x
}

// configFiles are the files that AWS takes for configuration files.
func configFiles(names []string) []string {
	var out []string
	for _, n := range names {
		if path.Dir(n) == folder && strings.HasSuffix(n, ".config") {
			out = append(out, n)
		}
	}
	sort.Strings(out)
	return out
}

// add takes a parsed file in, and its settings if the file counts.
func (x *Extensions) add(f *File) {
	if f.Root != nil && f.Root.Kind != source.Map {
		if f.Root.Kind != source.Null {
			x.Problems = append(x.Problems, &source.Problem{
				Pos:    f.Root.Pos,
				What:   "the file is no mapping of keys",
				Remedy: "begin it with one of " + strings.Join(knownKeys, ", "),
			})
			return
		}
		f.Root = nil
	}
	x.Files = append(x.Files, f)
	if f.Root == nil {
		return
	}
	for _, field := range f.Root.Fields {
		if !slices.Contains(knownKeys, field.Key.Text) {
			f.Skipped = field.Key
			return
		}
	}
	x.readSettings(f.Root.Get("option_settings"))
}

// asProblem is err as the user's mistake: a bundle is the user's, so whatever
// keeps a file of it from being read is a Problem with a place.
func asProblem(name string, err error) *source.Problem {
	if p, ok := err.(*source.Problem); ok {
		return p
	}
	return &source.Problem{Pos: source.Pos{File: name}, What: err.Error()}
}

// counts reports whether anything of the file takes effect.
func (f *File) counts() bool { return f.Root != nil && f.Skipped == nil }
