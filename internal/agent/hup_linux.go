package agent

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
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

// fatal is an error in the configuration that ends the program.
type fatal struct{ message }

// Hup is cfn-hup: it looks for changes of a stack's resources and runs hooks
// for them [cb:bin/cfn-hup, cb:update_hooks.py].
func Hup(ctx context.Context, c *Call) int {
	l, err := parse(hupOptions, c.Args)
	dir, given := l.given("config")
	switch {
	case err != nil:
		return c.refuse(hupUsage, err)
	case l.is("help"):
		return c.help(hupUsage, hupOptions)
	case given && dir == "":
		return c.complain("A configuration path must be specified", hupUsage, hupOptions)
	case !given:
		dir = "/etc/cfn"
	}
	if !l.is("no-daemon") && !l.is("foreground") {
		return c.detach()
	}
	defer c.openLogs("cfn-hup.log")()
	if !c.Runner.IsFolder(dir) {
		return c.hupFault("Could not find configuration at " + dir)
	}
	h, err := c.readHup(dir)
	if err != nil {
		return c.hupFault(err.Error())
	}
	c.Runner.Verbose = c.Runner.Verbose || l.is("verbose") || h.verbose
	for _, w := range h.warnings {
		c.Runner.Logf("ERROR", "%s", w)
	}
	if !l.is("no-daemon") {
		return c.goOn(ctx, h)
	}
	if err := c.look(ctx, h); err != nil {
		return c.hupFault(err.Error())
	}
	return 0
}

// goOn is the daemon: it looks again and again. Only a fatal error ends it,
// with status 0 as AWS's.
func (c *Call) goOn(ctx context.Context, h *hupConfig) int {
	minutes, err := h.minutes()
	mask := 0
	if err == nil {
		mask, err = h.mask()
	}
	if err == nil {
		err = c.takePIDFile()
	}
	if err != nil {
		c.Runner.Logf("ERROR", "%v", err)
		return c.say(err)
	}
	defer c.Runner.RemoveFile(hupPID)
	syscall.Umask(mask)
	told := time.Now()
	for {
		if time.Since(told) > 5*time.Minute {
			told = time.Now()
			c.Runner.Logf("INFO", "cfn-hup processing is alive.")
		}
		err := c.look(ctx, h)
		var end *fatal
		switch {
		case errors.As(err, &end):
			c.Runner.Logf("ERROR", "Fatal exception: %v", err)
			return 0
		case err != nil:
			c.Runner.Logf("ERROR", "Unhandled exception: %v", err)
		}
		select {
		case <-ctx.Done():
			c.Runner.Logf("INFO", "Shutting down cfn-hup")
			return 0
		case <-time.After(time.Duration(minutes) * time.Minute):
		}
	}
}

// takePIDFile writes the file that init scripts read; a second daemon is
// refused.
func (c *Call) takePIDFile() error {
	if data, err := c.Runner.ReadFile(hupPID, 64); err == nil {
		pid := strings.TrimSpace(string(data))
		if _, err := strconv.Atoi(pid); err == nil && pid != strconv.Itoa(os.Getpid()) {
			line, _ := os.ReadFile("/proc/" + pid + "/cmdline")
			name, _, _ := strings.Cut(string(line), "\x00")
			if filepath.Base(name) == "cfn-hup" {
				return message("cfn-hup runs already: process " + pid + " (" + hupPID + ")")
			}
		}
	}
	if err := c.Runner.WriteFile(hupPID, fmt.Appendln(nil, os.Getpid()), 0o644); err != nil {
		c.Runner.Logf("WARNING", "could not write %s: %v", hupPID, err)
	}
	return nil
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
	cmd := exec.Command(self, append([]string{"--foreground"}, c.Args...)...)
	cmd.Args[0] = "cfn-hup"
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return c.say(c.failure(err))
	}
	return 0
}

// look goes through the hooks once. What failed is tried again next time; the
// error is a *fatal, or what was seen could not be kept.
func (c *Call) look(ctx context.Context, h *hupConfig) (err error) {
	seen := map[string]json.RawMessage{}
	if data, err := c.Runner.ReadFile(hupState, largestMetadata); err == nil {
		if err := json.Unmarshal(data, &seen); err != nil {
			c.Runner.Logf("ERROR", "%s is damaged, all is taken for new: %v", hupState, err)
			seen = map[string]json.RawMessage{}
		}
	}
	defer func() {
		data, fault := json.Marshal(seen)
		if fault == nil {
			fault = c.Runner.WriteFile(hupState, data, 0o600)
		}
		if fault != nil {
			err = cmp.Or(err, fmt.Errorf("keep what was seen in %s: %w", hupState, fault))
		}
	}()
	resources := map[string]*cfninit.StackResource{}
	for _, k := range h.hooks {
		err := c.lookAt(ctx, h, k, resources, seen)
		var end *fatal
		if errors.As(err, &end) {
			return err
		}
		if err != nil {
			c.Runner.Logf("ERROR", "Exception caught while running hook %s: %v", k.name, err)
		}
	}
	return nil
}

// lookAt compares what a hook looks at with what it was, and runs the action.
func (c *Call) lookAt(ctx context.Context, h *hupConfig, k *hook, resources map[string]*cfninit.StackResource, seen map[string]json.RawMessage) error {
	now, ok, err := c.value(ctx, h, k, resources)
	if err != nil || !ok {
		return err
	}
	key := k.name + "|" + k.path
	before := seen[key]
	wanted := func(trigger string) bool { return slices.Contains(k.triggers, trigger) }
	why := ""
	switch {
	case before == nil && now != nil && wanted("post.add"):
		why = "Previous state not found; action for " + k.name + " will be run"
	case before != nil && now == nil && wanted("post.remove"):
		why = "Path " + k.path + " was removed; action for " + k.name + " will be run"
	case before != nil && now != nil && wanted("post.update") && !sameValue(before, now):
		why = "Data has changed from previous state; action for " + k.name + " will be run"
	}
	if why == "" {
		c.debug("No change in path %s for hook %s", k.path, k.name)
	} else {
		c.Runner.Logf("INFO", "%s", why)
		c.Runner.Logf("INFO", "Running action for %s", k.name)
		code, output, err := c.act(ctx, k, before, now)
		if err != nil {
			return err
		}
		if code != 0 {
			c.Runner.Logf("WARNING", "Action for %s exited with %d; will retry on next iteration", k.name, code)
		}
		c.debug("Action for %s output: %s", k.name, cmp.Or(output, "<None>"))
		if code != 0 {
			return nil
		}
	}
	if now == nil {
		delete(seen, key)
	} else {
		seen[key] = now
	}
	return nil
}

func (c *Call) debug(format string, args ...any) {
	if c.Runner.Verbose {
		c.Runner.Logf("DEBUG", format, args...)
	}
}

// sameValue compares values whose keys may come in any order.
func sameValue(a, b json.RawMessage) bool {
	var values [2]any
	for i, data := range []json.RawMessage{a, b} {
		d := json.NewDecoder(bytes.NewReader(data))
		d.UseNumber()
		if d.Decode(&values[i]) != nil {
			return bytes.Equal(a, b)
		}
	}
	return reflect.DeepEqual(values[0], values[1])
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
	case len(parts) < 2:
		return nil, false, &fatal{message("Unsupported path: paths must be in the form Resources.<LogicalResourceId>(.Metadata|PhysicalResourceId)(.<optional Metadata subkey>). Input: " + k.path)}
	case strings.ToLower(parts[0]) != "resources":
		return nil, false, &fatal{message("Unsupported path: only changes to Resources are supported (path: " + k.path + ")")}
	case len(parts) > 2 && part != "metadata" && part != "physicalresourceid":
		return nil, false, &fatal{message("Unsupported path: only Metadata or PhysicalResourceId can be specified after LogicalResourceId (path: " + k.path + ")")}
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
		c.debug("Skipping resource %s in %s as it is in status %s", parts[1], h.stack, d.Status)
		return nil, false, nil
	case part == "metadata":
		n := d.Metadata
		if !cfninit.Truthy(n) {
			c.Runner.Logf("WARNING", "No metadata for %s in %s", parts[1], h.stack)
		}
		if len(parts) == 4 && parts[3] != "" {
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
	if text == "" {
		return nil, true, nil
	}
	v, err = json.Marshal(text)
	return v, true, err
}

// act runs a hook's action, which finds old and new value in its environment.
func (c *Call) act(ctx context.Context, k *hook, before, now json.RawMessage) (code int, output string, err error) {
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

// asText is a value for the environment: a text as it is, else JSON in
// Python's form.
func asText(v json.RawMessage) string {
	n, err := source.ParseJSON("value", v)
	if err != nil || n == nil {
		return string(v)
	}
	if n.Kind == source.String {
		return n.Text
	}
	return cfninit.OneLineJSON(n)
}
