package agent

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	"beanpole/internal/lazyregexp"
)

var signalOptions = append(append([]option{
	helpOption,
	{'s', "success", "true|false", `what to signal (default "true")`},
	{'e', "exit-code", "NUMBER", "signal success for 0, failure for anything else"},
	{'i', "id", "ID", "who signals (default: the instance's ID)"},
	{'r', "reason", "TEXT", "why, for a wait condition"},
	{'d', "data", "TEXT", "data for a wait condition"},
}, accessOptions...), []option{
	{0, "stack", "NAME", "stack that holds the resource"},
	{0, "resource", "ID", "resource that is signaled"},
	{0, "url", "URL", "where CloudFormation answers; must fit the region"},
	{0, "region", "REGION", `the stack's region (default "us-east-1")`},
}...)

const signalUsage = `Usage: cfn-signal [options] URL             (of a wait condition's handle)
  or:  cfn-signal [options] --stack STACK --resource RESOURCE
`

var webAddress = lazyregexp.New(`^https?://`)

// Signal is cfn-signal: it tells CloudFormation that this instance is ready,
// or that it failed [cb:bin/cfn-signal].
func Signal(ctx context.Context, c *Call) int {
	l, err := parse(signalOptions, c.Args)
	var good bool
	if err == nil {
		good, err = outcome(l)
	}
	handle := ""
	if err == nil && len(l.rest) > 0 {
		handle = l.rest[0]
	}
	_, resource := l.given("resource")
	switch {
	case err != nil:
		return c.refuse(signalUsage, err)
	case l.is("help"):
		return c.help(signalUsage, signalOptions)
	case handle != "" && resource:
		return c.say(message("Error: Cannot specify both a WaitConditionHandle URL and a logical resource id"))
	case handle == "" && !resource:
		return c.complain("No WaitConditionHandle URL or logical resource id specified", signalUsage, signalOptions)
	case resource && !l.is("stack"):
		return c.complain("You must specify a stack name when signaling a resource", signalUsage, signalOptions)
	}
	defer c.openLogs("cfn-init.log", "cfn-wire.log", "cfn-init-cmd.log")()
	status := "SUCCESS"
	if !good {
		status = "FAILURE"
	}
	if handle != "" {
		return c.signalHandle(ctx, l, handle, status)
	}
	return c.signalResource(ctx, l, status)
}

// outcome is what the options say is to be signaled.
func outcome(l *line) (good bool, err error) {
	if text, ok := l.given("exit-code"); ok {
		code, err := strconv.Atoi(text)
		if err != nil {
			return false, &usageFault{"option -e: invalid integer value: '" + text + "'"}
		}
		if code != 0 {
			return false, nil
		}
	}
	switch text, ok := l.given("success"); {
	case !ok || text == "true":
		return true, nil
	case text == "false":
		return false, nil
	default:
		return false, &usageFault{"option -s: invalid choice: '" + text + "' (choose from 'true', 'false')"}
	}
}

// sender is who signals.
func (c *Call) sender(ctx context.Context, l *line) string {
	if id, ok := l.given("id"); ok {
		return id
	}
	if id := c.Runner.InstanceID(ctx); id != "" {
		return id
	}
	name, err := os.Hostname()
	if err != nil {
		return "localhost"
	}
	return name
}

func (c *Call) signalResource(ctx context.Context, l *line, status string) int {
	access, err := c.stackAccess(l)
	if err != nil {
		return c.say(err)
	}
	r, err := c.toCloudFormation(l)
	if err != nil {
		return c.say(err)
	}
	if err := r.SignalResource(ctx, access, l.values["stack"], l.values["resource"], c.sender(ctx, l), status); err != nil {
		return c.say(c.failure(err))
	}
	return 0
}

// signalHandle puts the signal to the address of a wait condition's handle,
// which may be written in base64.
func (c *Call) signalHandle(ctx context.Context, l *line, handle, status string) int {
	url := handle
	if !webAddress.MatchString(url) {
		plain, err := base64.StdEncoding.DecodeString(strings.TrimSpace(url))
		if url = string(plain); err != nil || !webAddress.MatchString(url) {
			return c.say(message("Error: Invalid WaitConditionHandle URL specified: " + handle))
		}
	}
	reason := l.values["reason"]
	if reason == "" && status == "FAILURE" {
		reason = "Configuration failed."
	}
	var body bytes.Buffer
	e := json.NewEncoder(&body)
	e.SetEscapeHTML(false)
	if err := e.Encode(map[string]string{"Status": status, "Reason": reason, "Data": l.values["data"], "UniqueId": c.sender(ctx, l)}); err != nil {
		return c.say(c.failure(err))
	}
	r, err := c.toCloudFormation(l)
	if err != nil {
		return c.say(err)
	}
	if err := r.Put(ctx, url, bytes.TrimSpace(body.Bytes())); err != nil {
		return c.say(message("Error signaling CloudFormation: " + err.Error()))
	}
	fmt.Fprintf(c.Out, "CloudFormation signaled successfully with %s.\n", status)
	return 0
}
