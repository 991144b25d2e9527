package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"beanpole/internal/cfninit"
	"beanpole/internal/source"
)

var hupOptions = []option{
	helpOption,
	{'c', "config", "FOLDER", `folder of cfn-hup.conf and hooks (default "/etc/cfn")`},
	{0, "no-daemon", "", "look once, and end"},
	{0, "foreground", "", "go on looking, but stay in the foreground"},
	verboseOption,
}

const (
	hupUsage = "Usage: cfn-hup [options]\n"
	hupState = "/var/lib/cfn-hup/data/metadata_db.json"
	hupPID   = "/var/run/cfn-hup.pid"
)

// Hup is cfn-hup: it looks for changes of a stack's resources and runs hooks
// for them [cb:bin/cfn-hup, cb:update_hooks.py].
func Hup(ctx context.Context, c *Call) int {
	l, err := parse(hupOptions, c.Args)
	switch {
	case err != nil:
		return c.refuse(hupUsage, err)
	case l.is("help"):
		return c.help(hupUsage, hupOptions)
	}
	if !l.is("no-daemon") && !l.is("foreground") {
		return c.detach()
	}
	defer c.openLogs("cfn-hup.log")()
	dir := l.values["config"]
	if dir == "" {
		dir = "/etc/cfn"
	}
	if !c.Runner.IsFolder(dir) {
		return c.hupFault("Could not find configuration at " + dir)
	}
	h, err := c.readHup(dir)
	if err != nil {
		return c.hupFault(err.Error())
	}
	for _, w := range h.warnings {
		c.Runner.Logf("ERROR", "%s", w)
	}
	if l.is("no-daemon") {
		return c.look(ctx, h)
	}
	if err := c.Runner.WriteFile(hupPID, fmt.Appendln(nil, os.Getpid()), 0o644); err != nil {
		c.Runner.Logf("WARNING", "could not write %s: %v", hupPID, err)
	}
	for {
		if code := c.look(ctx, h); code != 0 {
			return code
		}
		select {
		case <-ctx.Done():
			c.Runner.Logf("INFO", "Shutting down cfn-hup")
			return 0
		case <-time.After(time.Duration(h.minutes) * time.Minute):
		}
	}
}

func (c *Call) hupFault(why string) int {
	c.Runner.Logf("ERROR", "Error: %s", why)
	fmt.Fprintf(c.Errors, "Error: %s\n", why)
	return 1
}

// detach starts the program again, in a session of its own.
func (c *Call) detach() int {
	self, err := os.Executable()
	if err != nil {
		return c.say(c.failure(err))
	}
	cmd := exec.Command(self, append(slices.Clone(c.Args), "--foreground")...)
	cmd.Args[0] = "cfn-hup"
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return c.say(c.failure(err))
	}
	return 0
}

// look goes through the hooks once. What failed is tried again next time.
func (c *Call) look(ctx context.Context, h *hupConfig) int {
	seen := map[string]json.RawMessage{}
	if data, err := c.Runner.ReadFile(hupState, largestMetadata); err == nil {
		if err := json.Unmarshal(data, &seen); err != nil {
			c.Runner.Logf("ERROR", "%s is damaged, all is taken for new: %v", hupState, err)
			seen = map[string]json.RawMessage{}
		}
	}
	resources := map[string]*cfninit.StackResource{}
	for _, k := range h.hooks {
		if err := c.lookAt(ctx, h, k, resources, seen); err != nil {
			c.Runner.Logf("ERROR", "Exception caught while running hook %s: %v", k.name, err)
		}
	}
	data, err := json.Marshal(seen)
	if err == nil {
		err = c.Runner.WriteFile(hupState, data, 0o600)
	}
	if err != nil {
		return c.hupFault(fmt.Sprintf("keep what was seen in %s: %v", hupState, err))
	}
	return 0
}

// lookAt compares what a hook looks at with what it was, and runs the action.
func (c *Call) lookAt(ctx context.Context, h *hupConfig, k *hook, resources map[string]*cfninit.StackResource, seen map[string]json.RawMessage) error {
	now, ok, err := c.value(ctx, h, k, resources)
	if err != nil || !ok {
		return err
	}
	key := k.name + "|" + k.path
	before := seen[key]
	trigger := ""
	switch {
	case before == nil && now != nil:
		trigger = "post.add"
	case before != nil && now == nil:
		trigger = "post.remove"
	case before != nil && string(before) != string(now):
		trigger = "post.update"
	}
	if slices.Contains(k.triggers, trigger) {
		c.Runner.Logf("INFO", "Running action for %s (%s)", k.name, trigger)
		if code, err := c.act(ctx, k, before, now); err != nil || code != 0 {
			c.Runner.Logf("WARNING", "Action for %s exited with %d; will retry on next iteration", k.name, code)
			return err
		}
	}
	if now == nil {
		delete(seen, key)
	} else {
		seen[key] = now
	}
	return nil
}

// value is what stands at a hook's path, as JSON, nil for nothing; ok is false
// while the resource is being changed.
func (c *Call) value(ctx context.Context, h *hupConfig, k *hook, resources map[string]*cfninit.StackResource) (v json.RawMessage, ok bool, err error) {
	parts := strings.SplitN(k.path, ".", 4)
	part := ""
	if len(parts) > 2 {
		part = strings.ToLower(parts[2])
	}
	switch {
	case len(parts) < 2 || strings.ToLower(parts[0]) != "resources":
		return nil, false, message("Unsupported path: paths are Resources.<LogicalResourceId>(.Metadata|PhysicalResourceId)(.<key>), not " + k.path)
	case part != "" && part != "metadata" && part != "physicalresourceid":
		return nil, false, message("Unsupported path: only Metadata or PhysicalResourceId can be specified after LogicalResourceId (path: " + k.path + ")")
	}
	d := resources[parts[1]]
	if d == nil {
		if d, err = c.Runner.DescribeStackResource(ctx, h.access, h.stack, parts[1]); err != nil {
			return nil, false, err
		}
		resources[parts[1]] = d
	}
	text := ""
	switch {
	case strings.HasSuffix(d.Status, "_IN_PROGRESS"):
		return nil, false, nil
	case part == "metadata":
		n := d.Metadata
		if len(parts) == 4 {
			n = valueAt(n, parts[3])
		}
		if !cfninit.Truthy(n) {
			return nil, true, nil
		}
		return n.JSON(), true, nil
	case d.Status == "DELETE_COMPLETE":
		return nil, true, nil
	case part == "physicalresourceid":
		text = d.PhysicalID
	default:
		text = d.Updated
	}
	v, err = json.Marshal(text)
	return v, true, err
}

// act runs a hook's action, which finds old and new value in its environment.
func (c *Call) act(ctx context.Context, k *hook, before, now json.RawMessage) (int, error) {
	name := "LAST_UPDATED"
	if parts := strings.SplitN(k.path, ".", 4); len(parts) > 2 {
		name = map[string]string{"metadata": "METADATA", "physicalresourceid": "PHYSICAL_RESOURCE_ID"}[strings.ToLower(parts[2])]
	}
	env := c.Runner.Env
	if env == nil {
		env = os.Environ()
	}
	env = slices.Clone(env)
	for prefix, v := range map[string]json.RawMessage{"CFN_OLD_": before, "CFN_NEW_": now} {
		if v != nil {
			env = append(env, prefix+name+"="+asText(v))
		}
	}
	args := []string{"/bin/sh", "-c", k.action}
	if k.runAs != "" {
		args = []string{"su", k.runAs, "-c", k.action}
	}
	return c.Runner.Start(ctx, args, env)
}

// asText is a value for the environment: a text as it is, else JSON.
func asText(v json.RawMessage) string {
	n, err := source.ParseJSON("value", v)
	if err == nil && n != nil && n.Kind == source.String {
		return n.Text
	}
	return string(v)
}
