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

// Call is one call of a program.
type Call struct {
	Args        []string // without the program's own name
	In          io.Reader
	Out, Errors io.Writer
	// Runner is what cfn-init works with. Its Root is where files are looked
	// for, the metadata's too.
	Runner cfninit.Runner
}

// message is an error in the words of AWS's programs, printed as it is.
type message string

func (m message) Error() string { return string(m) }

const initUsage = `Usage: cfn-init [options] -s STACK -r RESOURCE
  or:  cfn-init [options] FILE
  or:  cfn-init [options] - < FILE
`

var initOptions = append([]option{
	{'h', "help", "", "show this page and exit"},
	{'s', "stack", "NAME", "stack that holds the metadata"},
	{'r', "resource", "ID", "its resource with the metadata"},
	{'c', "configsets", "NAMES", `configSets to run, joined with commas (default "default")`},
	{'u', "url", "URL", "where CloudFormation answers; must fit the region"},
	{0, "region", "REGION", `the stack's region (default "us-east-1")`},
	{'v', "verbose", "", "log more"},
}, append(credentialOptions, proxyOptions...)...)

var credentialOptions = []option{
	{'f', "credential-file", "FILE", "file with AWSAccessKeyId and AWSSecretKey"},
	{0, "role", "ROLE", "sign with the keys of this role of the instance"},
	{0, "access-key", "KEY", "AWS access key"},
	{0, "secret-key", "KEY", "AWS secret key"},
}

var proxyOptions = []option{
	{0, "http-proxy", "URL", "proxy for http, [scheme://][user:password@]host:port"},
	{0, "https-proxy", "URL", "proxy for https"},
}

// Init is cfn-init; the result is its exit status.
func Init(ctx context.Context, c *Call) int {
	l, err := parse(initOptions, c.Args)
	if err != nil {
		return c.refuse("cfn-init", initUsage, err)
	}
	if l.is("help") {
		fmt.Fprintf(c.Out, "%s\nOptions:\n%s", initUsage, describe(initOptions))
		return 0
	}
	if why := sourceFault(l); why != "" {
		fmt.Fprintf(c.Errors, "Error: %s\n%s\nOptions:\n%s", why, initUsage, describe(initOptions))
		return 1
	}
	metadata, from, err := c.metadata(ctx, l)
	if err != nil {
		fmt.Fprintln(c.Errors, err)
		return 1
	}
	var sets []string
	if l.is("configsets") {
		sets = strings.Split(l.values["configsets"], ",")
	}
	_, err = c.Runner.Build(ctx, metadata, sets)
	return c.ended(err, from)
}

// refuse prints what is wrong with a command line as optparse does.
func (c *Call) refuse(program, usage string, err error) int {
	fmt.Fprintf(c.Errors, "%s\n%s: error: %v\n", usage, program, err)
	return 2
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
		region := l.values["region"]
		if region == "" {
			region = "us-east-1"
		}
		n, err = c.Runner.StackMetadata(ctx, l.values["stack"], l.values["resource"], region)
		return n, "metadata for " + l.values["resource"], err
	}
	name := l.rest[0]
	if name == "-" {
		data, err := io.ReadAll(io.LimitReader(c.In, largestMetadata))
		if err == nil {
			n, err = source.ParseJSON("standard input", data)
		}
		if err != nil || n == nil {
			err = message("Unknown error reading from standard input")
		}
		return n, "stdin input", err
	}
	data, err := c.Runner.ReadFile(name, largestMetadata)
	var no syscall.Errno
	if errors.As(err, &no) {
		s := no.Error()
		return nil, "", message(strings.ToUpper(s[:1]) + s[1:])
	}
	if err == nil {
		n, err = source.ParseJSON(name, data)
	}
	if err != nil || n == nil {
		err = message("Unknown error reading from file " + name)
	}
	return n, name, err
}

// largestMetadata is more than CloudFormation can hold, in bytes.
const largestMetadata = 64 << 20

// ended prints how a build ended.
func (c *Call) ended(err error, from string) int {
	var fault *cfninit.BuildError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &fault) && fault.NoInit:
		fmt.Fprintf(c.Errors, "%s in %s.\n", strings.TrimSuffix(fault.Text, " in metadata"), from)
		return 0
	case errors.As(err, &fault):
		fmt.Fprintf(c.Errors, "Error occurred during build: %s\n", fault.Text)
	default:
		fmt.Fprintf(c.Errors, "cfn-init: %v\n", err)
	}
	return 1
}
