package ebext

import (
	"fmt"
	"strings"
	"sync"

	"beanpole/internal/source"
)

// Keys of the group's metadata.
const (
	metadataInit = "AWS::CloudFormation::Init"
	metadataExt  = "AWS::ElasticBeanstalk::Ext"
	filePaths    = "_EBExtensionFilePaths" // config name to file, for error events [hm]
)

// leaderTest is the test that a `leader_only` command gets: the platform sets
// the variable on the one instance that was elected [log: eb-commandprocessor].
const leaderTest = `test "$EB_IS_COMMAND_LEADER" = "true"`

// addConfigs turns the files' instance keys into cfn-init configs, one a
// file: keys of different files are never merged.
func addConfigs(root *source.Node, x *Extensions, s Settings, application string) {
	init, paths := source.NewMap(source.Pos{}), source.NewMap(source.Pos{})
	pre, post := list(), list()
	for _, f := range x.Files {
		if !f.counts() {
			continue
		}
		if c := preBuild(f); len(c.Fields) > 0 {
			name, _ := f.ConfigNames(application)
			init.Set(name, c)
			paths.Set(name, text(f.Name))
			pre.Items = append(pre.Items, text(name))
		}
		if cc := f.Root.Get("container_commands"); cc != nil && cc.Kind == source.Map {
			_, name := f.ConfigNames(application)
			init.Set(name, source.NewMap(cc.Pos, &source.Field{Key: text("commands"), Value: containerCommands(cc, s)}))
			paths.Set(name, text(f.Name))
			post.Items = append(post.Items, text(name))
		}
	}
	init.Set("configSets", fields(PreBuild, pre, PostBuild, post))
	group := root.At("Resources", Group)
	if group == nil {
		return // the user removed it
	}
	metadata := group.Get("Metadata")
	if metadata == nil || metadata.Kind != source.Map {
		metadata = source.NewMap(source.Pos{})
		group.Set("Metadata", metadata)
	}
	if own := metadata.Get(metadataInit); own != nil && own.Kind == source.Map {
		merge(own, init)
	} else {
		metadata.Set(metadataInit, init)
	}
	metadata.Set(metadataExt, fields(filePaths, paths))
}

// ConfigNames are the names of the cfn-init configs that the file becomes: one
// for its instance keys, one for its container_commands.
func (f *File) ConfigNames(application string) (pre, post string) {
	suffix := fmt.Sprintf("_%d_%s", f.Index, configSuffix(application))
	return "prebuild" + suffix, "postbuild" + suffix
}

// configSuffix is the application's name as it stands in a config's name.
func configSuffix(application string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, application)
}

func preBuild(f *File) *source.Node {
	c := source.NewMap(f.Root.Pos)
	for _, key := range instanceKeys {
		if v := f.Root.Get(key); v != nil && v.Kind != source.Null {
			c.Set(key, v)
		}
	}
	return c
}

// containerCommands are a file's container_commands as cfn-init commands:
// `leader_only` becomes a test (it wins over the command's own), and `env` is
// completed, since it overrides single variables here while cfn-init's
// replaces all [EB:customize-containers-ec2].
func containerCommands(cc *source.Node, s Settings) *source.Node {
	out := source.NewMap(cc.Pos)
	out.End = cc.End
	inForce := sync.OnceValue(s.InForce)
	for _, f := range cc.Fields {
		out.Fields = append(out.Fields, &source.Field{Key: f.Key, Value: containerCommand(f.Value, inForce)})
	}
	return out
}

func containerCommand(c *source.Node, inForce func() Settings) *source.Node {
	if c.Kind != source.Map {
		return c
	}
	out := c.Clone()
	if leader := out.Get("leader_only"); leader != nil {
		drop(out, "leader_only")
		if isTrue(leader) {
			drop(out, "test")
			out.Fields = append(out.Fields, &source.Field{Key: source.NewString("test", leader.Pos), Value: source.NewString(leaderTest, leader.Pos)})
		}
	}
	if env := out.Get("env"); env != nil && env.Kind == source.Map && len(env.Fields) > 0 {
		for _, set := range inForce() {
			if set.Namespace == nsProperties && env.Get(set.Option) == nil {
				env.Set(set.Option, set.Value)
			}
		}
	}
	return out
}

func isTrue(n *source.Node) bool {
	switch strings.ToLower(strings.TrimSpace(n.TextOr(""))) {
	case "true", "yes", "y", "1", "on":
		return true
	}
	return false
}
