package agent

import (
	"context"
	"fmt"
	"strings"

	"beanpole/internal/cfninit"
	"beanpole/internal/source"
)

var metadataOptions = append(append([]option{
	helpOption,
	{'k', "key", "KEY", "only the value there: parent.child.leaf; a point in a name is written \\."},
	verboseOption,
}, stackOptions...), accessOptions...)

const metadataUsage = "Usage: cfn-get-metadata [options] -s STACK -r RESOURCE\n"

// GetMetadata is cfn-get-metadata: it prints a resource's metadata
// [cb:bin/cfn-get-metadata].
func GetMetadata(ctx context.Context, c *Call) int {
	l, err := parse(metadataOptions, c.Args)
	switch {
	case err != nil:
		return c.refuse(metadataUsage, err)
	case l.is("help"):
		return c.help(metadataUsage, metadataOptions)
	case !l.is("stack") || !l.is("resource"):
		return c.complain("You must specify both a stack name and logical resource id", metadataUsage, metadataOptions)
	}
	c.Runner.Verbose = c.Runner.Verbose || l.is("verbose")
	defer c.openLogs("cfn-init.log", "cfn-wire.log", "cfn-init-cmd.log")()
	n, err := c.stackMetadata(ctx, l)
	if err != nil {
		return c.say(c.failure(err))
	}
	if key := l.values["key"]; key != "" {
		if n = valueAt(n, key); !cfninit.Truthy(n) {
			return c.say(message("Error: " + key + " is not present in the metadata for " + l.values["resource"]))
		}
	}
	if n.Kind == source.String {
		fmt.Fprintln(c.Out, n.Text)
		return 0
	}
	fmt.Fprintln(c.Out, cfninit.IndentedJSON(n))
	return 0
}

// valueAt is the value at a path of names joined with points, nil for none
// [cb:util.py].
func valueAt(n *source.Node, path string) *source.Node {
	const point = "\x00"
	for _, name := range strings.Split(strings.ReplaceAll(path, `\.`, point), ".") {
		if n == nil || n.Kind != source.Map {
			return nil
		}
		n = n.Get(strings.ReplaceAll(name, point, "."))
	}
	return n
}
