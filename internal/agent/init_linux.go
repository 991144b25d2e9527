package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"

	"beanpole/internal/cfninit"
	"beanpole/internal/source"
)

var initOptions = append(append([]option{
	helpOption,
	{'c', "configsets", "NAMES", `configSets to run, joined with commas (default "default")`},
	verboseOption,
	{0, "resume", "", "go on with what the last run left to do, after an error or a reboot"},
	{0, "dry-run", "", "print what would be done, and do nothing"},
	{0, "role-names", "aws|resolve", "what roleName may hold: aws: the name of a role; resolve: also the name or ARN of the instance's own profile"},
}, stackOptions...), accessOptions...)

func initUsage(program string) string {
	return "Usage: " + program + " [options] -s STACK -r RESOURCE\n" +
		"  or:  " + program + " [options] FILE\n" +
		"  or:  " + program + " [options] - < FILE\n"
}

func initExamples(program string) string {
	return "\nExamples:\n  " + program + " --stack shop --resource Server --region eu-west-1\n  " + program + " --dry-run metadata.json\n"
}

// Init is cfn-init; the result is its exit status.
func Init(ctx context.Context, c *Call) int {
	usage := initUsage(c.Program)
	l, err := parse(initOptions, c.Args)
	if err != nil {
		return c.refuse(usage, err)
	}
	if l.is("help") {
		return c.help(usage+initExamples(c.Program), initOptions)
	}
	c.roleNames(l)
	c.Runner.Verbose = c.Runner.Verbose || l.is("verbose")
	if l.is("resume") {
		return c.resume(ctx)
	}
	if why := sourceFault(l); why != "" {
		return c.complain(why, usage, initOptions)
	}
	if !l.is("dry-run") {
		defer c.openLogs("cfn-init.log", "cfn-wire.log", "cfn-init-cmd.log")()
		c.Runner.KeepState = true
		c.Runner.MakeState(c.Errors)
	}
	metadata, from, err := c.metadata(ctx, l)
	if err != nil {
		return c.say(c.failure(err))
	}
	var sets []string
	if l.is("configsets") {
		sets = strings.Split(l.values["configsets"], ",")
	}
	if l.is("dry-run") {
		return c.dryRun(metadata, sets, from)
	}
	if c.Runner.ResolveRoles {
		c.Runner.Say("names of the instance's own profile stand for its role (--role-names=resolve); AWS's agent reads them as names of roles (--role-names=aws)")
	}
	_, err = c.Runner.Build(ctx, metadata, sets)
	return c.ended(err, from)
}

// resume goes on with the last run.
func (c *Call) resume(ctx context.Context) int {
	defer c.openLogs("cfn-init.log", "cfn-wire.log", "cfn-init-cmd.log")()
	c.Runner.KeepState = true
	_, err := c.Runner.Resume(ctx)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, cfninit.ErrNothingKept):
		return c.say(message("Error: " + err.Error()))
	}
	return c.say(message("Error occurred during resume: " + err.Error()))
}

// roleNames chooses how names of roles are read: as AWS does on an instance
// of the local cloud, which predicts AWS, else so that they work.
func (c *Call) roleNames(l *line) {
	switch how := l.values["role-names"]; how {
	case "":
		c.Runner.ResolveRoles = c.Runner.ResolveRoles || !c.LocalCloud
	case "aws", "resolve":
		c.Runner.ResolveRoles = how == "resolve"
	}
}

// sourceFault says what is wrong with the choice of the metadata's source.
func sourceFault(l *line) string {
	stack, resource, file := l.is("stack"), l.is("resource"), len(l.rest) > 0
	switch {
	case !stack && !resource && !file:
		return "You must specify an input source for metadata: a stack name and logical resource id, or a file"
	case (stack || resource) && file:
		return "You cannot specify more than one input source for metadata"
	case !file && stack != resource:
		return "You must specify both a stack name and logical resource id"
	}
	return ""
}

// metadata is the document, and what it came from in the words of the message
// about a missing Init key.
func (c *Call) metadata(ctx context.Context, l *line) (n *source.Node, from string, err error) {
	if l.is("stack") {
		n, err = c.stackMetadata(ctx, l)
		return n, "metadata for " + l.values["resource"], err
	}
	name, from, where := l.rest[0], l.rest[0], "file "+l.rest[0]
	var data []byte
	if name == "-" {
		from, where = "stdin input", "standard input"
		data, err = io.ReadAll(io.LimitReader(c.In, largestMetadata))
	} else {
		data, err = c.Runner.ReadFile(name, largestMetadata)
	}
	var no syscall.Errno
	if errors.As(err, &no) {
		s := no.Error()
		return nil, "", message(strings.ToUpper(s[:1]) + s[1:])
	}
	if err == nil {
		n, err = source.ParseJSON(where, data)
	}
	if err != nil || n == nil {
		return nil, "", message("Unknown error reading from " + where)
	}
	return n, from, nil
}

// stackMetadata asks CloudFormation.
func (c *Call) stackMetadata(ctx context.Context, l *line) (*source.Node, error) {
	access, err := c.stackAccess(l)
	if err != nil {
		return nil, err
	}
	r, err := c.toCloudFormation(l)
	if err != nil {
		return nil, err
	}
	d, err := r.DescribeStackResource(ctx, access, l.values["stack"], l.values["resource"])
	if err != nil {
		return nil, err
	}
	if !cfninit.Truthy(d.Metadata) {
		return nil, message("Error: " + l.values["resource"] + " does not specify any metadata")
	}
	return d.Metadata, nil
}

// largestMetadata is more than CloudFormation can hold, in bytes.
const largestMetadata = 64 << 20

// dryRun prints the plan.
func (c *Call) dryRun(metadata *source.Node, sets []string, from string) int {
	p, err := cfninit.NewPlan(metadata, sets)
	if p != nil {
		p.Describe(c.Out)
	}
	return c.ended(err, from)
}

// ended prints how a build ended.
func (c *Call) ended(err error, from string) int {
	var fault *cfninit.BuildError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &fault) && fault.NoInit:
		fmt.Fprintf(c.Errors, "%s in %s.\n", strings.TrimSuffix(fault.Text, " in metadata"), from)
		return 0
	case errors.As(err, &fault) && fault.Early:
		return c.say(fault)
	case errors.As(err, &fault):
		fmt.Fprintf(c.Errors, "Error occurred during build: %s\n", fault.Text)
		return 1
	}
	return c.say(c.failure(err))
}
