package agent

import (
	"context"
	"os"
	"strings"
)

var leaderOptions = append(append([]option{
	helpOption,
	{'s', "stack", "NAME", "stack of the command (default: $STACK_NAME)"},
	{'c', "command-name", "NAME", "the command (default: $CMD_NAME)"},
	{'i', "invocation-id", "ID", "one call of it (default: $INVOCATION_ID)"},
	{'l', "listener-id", "ID", "who asks (default: $LISTENER_ID)"},
	verboseOption,
}, stackOptions[2:]...), accessOptions...)

const (
	leaderUsage = "Usage: cfn-elect-cmd-leader [options]\n"
	notLeader   = 5 // exit status
)

// ElectLeader is cfn-elect-cmd-leader: CloudFormation says which of several
// instances carries out a command; status 0 is for that one, 5 for the others
// [cb:bin/cfn-elect-cmd-leader].
func ElectLeader(ctx context.Context, c *Call) int {
	l, err := parse(leaderOptions, c.Args)
	switch {
	case err != nil:
		return c.refuse(leaderUsage, err)
	case l.is("help"):
		return c.help(leaderUsage, leaderOptions)
	}
	for _, o := range [][3]string{
		{"stack", "STACK_NAME", "StackName"}, {"command-name", "CMD_NAME", "CommandName"},
		{"invocation-id", "INVOCATION_ID", "InvocationId"}, {"listener-id", "LISTENER_ID", "ListenerId"},
	} {
		if _, given := l.given(o[0]); !given {
			l.values[o[0]] = c.variable(o[1])
		}
		if !l.is(o[0]) {
			return c.complain("You must specify "+o[2], leaderUsage, leaderOptions)
		}
	}
	c.Runner.Verbose = c.Runner.Verbose || l.is("verbose")
	defer c.openLogs("cfn-init.log", "cfn-wire.log", "cfn-init-cmd.log")()
	access, err := c.stackAccess(l)
	if err != nil {
		return c.say(err)
	}
	r, err := c.toCloudFormation(l)
	if err != nil {
		return c.say(err)
	}
	me := l.values["listener-id"]
	leader, err := r.ElectCommandLeader(ctx, access, l.values["stack"], l.values["command-name"], l.values["invocation-id"], me)
	switch {
	case err != nil:
		return c.say(c.failure(err))
	case leader != me:
		return notLeader
	}
	return 0
}

// variable is a variable of the program's environment, "" for none.
func (c *Call) variable(name string) string {
	if c.Runner.Env == nil {
		return os.Getenv(name)
	}
	for _, v := range c.Runner.Env {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value
		}
	}
	return ""
}
