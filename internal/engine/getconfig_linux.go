package engine

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"beanpole/internal/instance"
)

// tools are the platform's own programs that this program stands for, besides
// instance.Applets: they lie in the platform's folders, not in PATH.
var tools = map[string]string{
	"get-config":           "/opt/elasticbeanstalk/bin/get-config",
	"cfn-elect-cmd-leader": "/opt/aws/bin/cfn-elect-cmd-leader",
}

// agentPrograms are the agent's programs; beanpole is each of them by name,
// with or without an engine.
var agentPrograms = []string{"cfn-init", "cfn-signal", "cfn-get-metadata", "cfn-hup"}

// leaderTests are where the platform keeps the script that tells commands and
// hooks whether theirs is the leader, by the variable that they have: on Amazon
// Linux 2 and later as LeaderTestScript of the stack's mapping AWSEBOptions says,
// before in bin [log: Packer of a custom platform].
var leaderTests = []string{
	"/opt/elasticbeanstalk/config/private/containercommandsupport/leader-test.sh",
	"/opt/elasticbeanstalk/bin/leader-test.sh",
}

const leaderTest = "#!/bin/sh\n[ \"$EB_IS_COMMAND_LEADER\" = true ]\n"

// linkTools puts tools and the agent's programs where the platform has them,
// unless something is there.
func (e *engine) linkTools() error {
	self, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return err
	}
	places := slices.Collect(maps.Values(tools))
	for _, name := range agentPrograms {
		places = append(places, "/opt/aws/bin/"+name)
	}
	for _, at := range places {
		if err := os.MkdirAll(filepath.Dir(e.root+at), 0o755); err != nil {
			return err
		}
		if err := os.Symlink(self, e.root+at); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	for _, at := range leaderTests {
		if err := os.MkdirAll(filepath.Dir(e.root+at), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(e.root+at, []byte(leaderTest), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// isTool tells whether a program's name is one that an applet stands for.
func isTool(name string) bool {
	_, tool := tools[name]
	return tool || slices.Contains(instance.Applets, name)
}

const getConfigUsage = "Usage: get-config [--output JSON|YAML] {optionsettings [-n NAMESPACE] [-o OPTION] | environment [-k KEY] | container [-k KEY] | platformconfig [-k KEY] | addons [-a ADDON] [-k KEY] | meta [-k KEY]}"

// getConfig is get-config. [EB:custom-platforms-scripts]
func (c *controlCall) getConfig(args []string) {
	if !c.root {
		c.fail(exitFailure, "get-config: Permission denied: only root may read the environment's configuration")
		return
	}
	if c.e.facts.command == nil {
		c.fail(exitFailure, "get-config: nothing was deployed to this instance yet")
		return
	}
	words, flags, bad := splitFlags(args)
	if bad != "" || len(words) != 1 {
		c.fail(exitFailure, "%s", getConfigUsage)
		return
	}
	f, key := &c.e.facts, flags["k"]
	var all map[string]string
	switch words[0] {
	case "optionsettings":
		c.optionSettings(flags)
		return
	case "environment":
		all = f.command.Env
	case "container":
		all = f.container
	case "platformconfig":
		all = f.platformConfig()
	case "meta":
		all = f.meta()
	case "addons":
		all = map[string]string{}
	default:
		c.fail(exitFailure, "%s", getConfigUsage)
		return
	}
	if key == "" {
		c.print(all, flags["output"])
		return
	}
	value, ok := all[key]
	if !ok {
		c.fail(exitFailure, "The key '%s' is not found.", key) // (general)
		return
	}
	c.say("%s", value)
}

// optionSettings prints all options, those of a namespace, or one's value.
func (c *controlCall) optionSettings(flags map[string]string) {
	all := c.e.facts.command.Options
	n, o := flags["n"], flags["o"]
	if n == "" {
		c.print(all, flags["output"])
		return
	}
	of, ok := all[n]
	if !ok {
		c.fail(exitFailure, "The namespace '%s' is not found.", n) // (general)
		return
	}
	if o == "" {
		c.print(of, flags["output"])
		return
	}
	value, ok := of[o]
	if !ok {
		c.fail(exitFailure, "The option '%s' is not found.", o) // (general)
		return
	}
	c.say("%s", value)
}

// print prints an object as JSON, unless YAML is asked for.
func (c *controlCall) print(value any, form string) {
	var data []byte
	var err error
	if strings.EqualFold(form, "YAML") {
		data, err = yaml.Marshal(value)
	} else {
		data, err = json.Marshal(value)
	}
	if err != nil {
		c.fail(exitFailure, "get-config: %v", err)
		return
	}
	c.say("%s", strings.TrimRight(string(data), "\n"))
}

// flagNames are get-config's flags, by each of their spellings.
var flagNames = map[string]string{
	"-k": "k", "--key": "k", "-n": "n", "--namespace": "n", "-o": "o", "--option-name": "o", "-a": "a", "--add-on": "a", "--output": "output",
}

// splitFlags splits arguments into words and flags with their values; bad is
// the first that is neither.
func splitFlags(args []string) (words []string, flags map[string]string, bad string) {
	flags = map[string]string{}
	for i := 0; i < len(args); i++ {
		name, value, given := strings.Cut(args[i], "=")
		flag, known := flagNames[name]
		switch {
		case !strings.HasPrefix(args[i], "-"):
			words = append(words, args[i])
		case !known:
			return nil, nil, args[i]
		case given:
			flags[flag] = value
		case i+1 < len(args):
			i++
			flags[flag] = args[i]
		default:
			return nil, nil, args[i]
		}
	}
	return words, flags, ""
}

// electLeader is cfn-elect-cmd-leader: exit 0 on the leader, 5 elsewhere.
// [cb:bin/cfn-elect-cmd-leader]
func (c *controlCall) electLeader() {
	if c.e.facts.command == nil || !c.e.facts.command.Leader {
		c.fail(5, "This node is not the leader")
	}
}
