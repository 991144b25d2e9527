package agent

import (
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"os"
	"strings"

	"beanpole/internal/cfninit"
	"beanpole/internal/lazyregexp"
	"beanpole/internal/source"
)

var signalOptions = append(append([]option{
	helpOption,
	{'s', "success", "true|false", `what to signal (default "true")`},
	{'e', "exit-code", number, "signal success for 0, failure for anything else"},
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
	c.Runner.Verbose = true
	defer c.openLogs("cfn-init.log", "cfn-wire.log", "cfn-init-cmd.log")()
	status := "SUCCESS"
	if !outcome(l) {
		status = "FAILURE"
	}
	if handle != "" {
		return c.signalHandle(ctx, l, handle, status)
	}
	return c.signalResource(ctx, l, status)
}

// outcome is what the options say is to be signaled.
func outcome(l *line) (good bool) {
	if text, ok := l.given("exit-code"); ok {
		if code, err := wholeNumber(text); err != nil || code.Sign() != 0 {
			return false
		}
	}
	return l.values["success"] != "false"
}

// sender is who signals.
func (c *Call) sender(ctx context.Context, l *line) string {
	if id, ok := l.given("id"); ok {
		return id
	}
	if id := c.Runner.InstanceID(ctx); id != "" {
		return id
	}
	return fullHostname(ctx)
}

// fullHostname is this machine's name, the first one with a domain if it has
// any, as Python's getfqdn gives it.
func fullHostname(ctx context.Context) string {
	name, err := os.Hostname()
	if err != nil {
		return "localhost"
	}
	addresses, err := net.DefaultResolver.LookupHost(ctx, name)
	if err != nil {
		return name
	}
	for _, address := range addresses {
		names, err := net.DefaultResolver.LookupAddr(ctx, address)
		for _, full := range names {
			full = strings.TrimSuffix(full, ".")
			if err == nil && strings.Contains(full, ".") {
				return full
			}
		}
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
		plain, err := looseBase64(url)
		if url = string(plain); err != nil || !webAddress.MatchString(url) {
			return c.say(message("Error: Invalid WaitConditionHandle URL specified: " + handle))
		}
	}
	reason := l.values["reason"]
	if reason == "" && status == "FAILURE" {
		reason = "Configuration failed."
	}
	body := source.NewMap(source.Pos{})
	for _, f := range [][2]string{{"Status", status}, {"Reason", reason}, {"UniqueId", c.sender(ctx, l)}, {"Data", l.values["data"]}} {
		body.Set(f[0], source.NewString(f[1], source.Pos{}))
	}
	r, err := c.toCloudFormation(l)
	if err != nil {
		return c.say(err)
	}
	if err := r.Put(ctx, url, []byte(cfninit.OneLineJSON(body))); err != nil {
		return c.say(message("Error signaling CloudFormation: " + err.Error()))
	}
	fmt.Fprintf(c.Out, "CloudFormation signaled successfully with %s.\n", status)
	return 0
}

// looseBase64 reads base64 as Python 2 does: what is no letter of it is left
// out, and so is what follows the padding.
func looseBase64(text string) ([]byte, error) {
	plain := strings.Map(func(r rune) rune {
		if r < 0x80 && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("+/=", r)) {
			return r
		}
		return -1
	}, text)
	if i := strings.IndexByte(plain, '='); i >= 0 {
		plain = plain[:min(len(plain), (i+3)/4*4)]
	}
	return base64.StdEncoding.DecodeString(plain)
}
