package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"beanpole/internal/instance"
)

// applet carries out one call of one of the Applets. Each exists where it
// exists on AWS: systemctl on Amazon Linux 2 and later, initctl on Amazon Linux
// 1, service and chkconfig on all.
func (e *engine) applet(args []string, root bool) appletAnswer {
	e.mu.Lock()
	defer e.mu.Unlock()
	c := &controlCall{e: e, root: root}
	name, args := args[0], args[1:]
	switch {
	case name == "get-config":
		c.getConfig(args)
	case name == "cfn-elect-cmd-leader":
		c.electLeader()
	case name == "service" && e.al1:
		c.sysv(args)
	case name == "service":
		c.redirected(args)
	case name == "chkconfig":
		c.chkconfig(args)
	case name == "systemctl" && !e.al1:
		c.systemctl(args)
	case name == "initctl" && e.al1:
		c.upstart(name, args)
	case (name == "start" || name == "stop" || name == "restart") && e.al1: // upstart's short forms
		c.upstart(name, append([]string{name}, args...))
	default:
		c.fail(127, "%s: command not found", name)
	}
	return appletAnswer{Status: c.status, Out: c.out.String(), Errors: c.errs.String()}
}

// controlCall is a call in the works. The engine's mu is held.
type controlCall struct {
	e         *engine
	root      bool // the caller is
	status    int
	out, errs strings.Builder
}

func (c *controlCall) say(format string, args ...any) { fmt.Fprintf(&c.out, format+"\n", args...) }

func (c *controlCall) fail(status int, format string, args ...any) {
	c.status = status
	fmt.Fprintf(&c.errs, format+"\n", args...)
}

// Exit statuses of systemctl. [systemctl(1); LSB init script actions]
const (
	exitFailure      = 1
	exitNotRunning   = 3
	exitNoSuchStatus = 4 // of status: there is no such unit
	exitNotInstalled = 5
)

// silentOptions are options of systemctl that change nothing here.
var silentOptions = []string{"--no-pager", "--no-block", "--full", "-l", "--force", "-f", "--system", "--no-ask-password", "--no-legend", "--plain", "--no-reload"}

// systemctl is systemd's. [systemctl(1); texts of systemd 252]
func (c *controlCall) systemctl(args []string) {
	var words []string
	quiet, now := false, false
	for _, a := range args {
		switch {
		case a == "-q" || a == "--quiet":
			quiet = true
		case a == "--now":
			now = true
		case slices.Contains(silentOptions, a):
		case strings.HasPrefix(a, "-"):
			c.fail(exitFailure, "beanpole: systemctl does not know the option %s yet", a)
			return
		default:
			words = append(words, a)
		}
	}
	if len(words) == 0 {
		c.fail(exitFailure, "beanpole: systemctl does not list units yet")
		return
	}
	verb, units := words[0], words[1:]
	switch verb {
	case "daemon-reload", "daemon-reexec", "reset-failed":
		return
	}
	do, known := systemctlVerbs[verb]
	if slices.Contains(verbsNotYet, verb) {
		c.fail(exitFailure, "beanpole: systemctl does not carry out %s yet", verb)
		return
	}
	if !known {
		c.fail(exitFailure, "Unknown command verb %s.", verb)
		return
	}
	if len(units) == 0 {
		c.fail(exitFailure, "Too few arguments.")
		return
	}
	if do.changes && !c.root {
		c.fail(exitFailure, "Failed to %s %s: Interactive authentication required.", verb, unitName(units[0]))
		return
	}
	for _, u := range units {
		do.run(c, verb, u)
		if now && (verb == "enable" || verb == "disable") && c.status == 0 {
			c.change(map[string]string{"enable": "start", "disable": "stop"}[verb], u)
		}
	}
	if quiet {
		c.out.Reset()
	}
}

// systemctlVerb is one verb: run is called for each unit.
type systemctlVerb struct {
	changes bool
	run     func(c *controlCall, verb, unit string)
}

var systemctlVerbs = map[string]systemctlVerb{
	"start": {true, (*controlCall).change}, "stop": {true, (*controlCall).change}, "restart": {true, (*controlCall).change},
	"reload": {true, (*controlCall).change}, "try-restart": {true, (*controlCall).change}, "condrestart": {true, (*controlCall).change},
	"reload-or-restart": {true, (*controlCall).change}, "force-reload": {true, (*controlCall).change},
	"enable": {true, (*controlCall).enable}, "disable": {true, (*controlCall).enable},
	"status": {false, (*controlCall).describe}, "is-active": {false, (*controlCall).isActive}, "is-enabled": {false, (*controlCall).isEnabled},
	"is-failed": {false, (*controlCall).isFailed},
}

// verbsNotYet are verbs that systemd knows. [systemctl(1)]
var verbsNotYet = []string{
	"list-units", "list-unit-files", "list-sockets", "list-timers", "list-dependencies", "list-jobs", "show", "show-environment", "cat", "help", "kill",
	"mask", "unmask", "preset", "reenable", "link", "edit", "revert", "isolate", "is-system-running", "get-default", "set-default", "set-property",
	"set-environment", "unset-environment", "import-environment", "poweroff", "reboot", "halt", "rescue", "emergency", "default", "suspend", "hibernate",
	"try-reload-or-restart", "clean", "freeze", "thaw", "add-wants", "add-requires", "cancel", "log-level", "service-log-level",
}

// unitName completes a name as systemctl does.
func unitName(name string) string {
	if strings.Contains(name, ".") {
		return name
	}
	return name + ".service"
}

// elsewhere are units of AWS's platforms that these instances do not have.
// [log: units of an Amazon Linux 2 platform]
var elsewhere = []string{
	"amazon-cloudwatch-agent", "amazon-ssm-agent", "atd", "auditd", "awslogsd", "cfn-hup", "chronyd", "crond", "healthd", "network", "postfix",
	"rsyslog", "sshd", "sqsd", "systemd-journald", "systemd-networkd", "systemd-resolved", "xray",
}

// skip notes a call for a unit that is on AWS but not here, so that the
// deployment goes on as it would on AWS, and the user is told.
func (c *controlCall) skip(call, name string) bool {
	if !slices.Contains(elsewhere, strings.TrimSuffix(name, ".service")) {
		return false
	}
	c.fail(c.status, "beanpole: %s is not on this instance, so `%s` does nothing here", unitName(name), call)
	c.e.skipped = append(c.e.skipped, instance.Skipped{What: call})
	return true
}

// change starts, stops, restarts or reloads a unit.
func (c *controlCall) change(verb, name string) {
	s, ok := c.e.service(name)
	if !ok {
		if !c.skip("systemctl "+verb+" "+name, name) {
			c.fail(exitNotInstalled, "Failed to %s %s: Unit %s not found.", verb, unitName(name), unitName(name))
		}
		return
	}
	err := c.e.change(verb, s)
	switch {
	case err == nil:
	case errors.Is(err, errNotActive):
		c.fail(exitFailure, "%s is not active, cannot reload.", s.unit())
	case errors.Is(err, errNoReload):
		c.fail(exitFailure, "Failed to %s %s: Job type reload is not applicable for unit %s.", verb, s.unit(), s.unit())
	default:
		// systemd leaves what the program said to its journal, which is not here.
		c.fail(exitFailure, "Job for %s failed because the control process exited with error code.\nSee \"systemctl status %s\" and \"journalctl -xeu %s\" for details.\n%v", s.unit(), s.unit(), s.unit(), err)
	}
}

var errNotActive = errors.New("not active")

// change carries one verb out on a service and keeps how that ended. The
// caller holds mu.
func (e *engine) change(verb string, s service) error {
	switch verb {
	case "try-restart", "condrestart":
		if s.pid() == 0 {
			return nil
		}
		verb = "restart"
	case "reload-or-restart", "force-reload":
		verb = "restart"
		if _, nginx := s.(proxy); nginx && s.pid() != 0 {
			verb = "reload"
		}
	}
	var err error
	switch verb {
	case "reload":
		if s.pid() == 0 {
			return errNotActive
		}
		return s.reload()
	case "stop":
		err = s.stop()
	case "restart":
		err = s.stop()
		fallthrough
	case "start":
		if err == nil {
			err = s.start(context.Background())
		}
	}
	e.fail(s, err)
	return err
}

// fail keeps how a service's last start or stop ended; nil is well. The caller
// holds mu.
func (e *engine) fail(s service, err error) {
	if e.failed == nil {
		e.failed = map[string]error{}
	}
	e.failed[s.unit()] = err
}

// state is a service's in systemd's words.
func (e *engine) state(s service) string {
	if r, ok := s.(interface{ remains() bool }); ok && r.remains() {
		return "active"
	}
	switch {
	case s.pid() != 0:
		return "active"
	case e.failed[s.unit()] != nil:
		return "failed"
	}
	return "inactive"
}

func (c *controlCall) isActive(_, name string) {
	state := "inactive"
	if s, ok := c.e.service(name); ok {
		state = c.e.state(s)
	}
	c.say("%s", state)
	if state != "active" {
		c.status = exitNotRunning
	}
}

func (c *controlCall) isFailed(_, name string) {
	state := "inactive"
	if s, ok := c.e.service(name); ok {
		state = c.e.state(s)
	}
	c.say("%s", state)
	if state != "failed" {
		c.status = exitFailure
	}
}

// enable records what is to start with the machine, which happens never here.
func (c *controlCall) enable(verb, name string) {
	s, ok := c.e.service(name)
	if !ok {
		if !c.skip("systemctl "+verb+" "+name, name) {
			c.fail(exitFailure, "Failed to %s unit: Unit file %s does not exist.", verb, unitName(name))
		}
		return
	}
	if c.e.enabled(s) == (verb == "enable") {
		return
	}
	if u, ok := s.(*unit); ok {
		c.enableUnit(verb, u)
		return
	}
	c.e.switchTo(s, verb == "enable")
	link := "/etc/systemd/system/multi-user.target.wants/" + s.unit()
	if verb == "enable" {
		fmt.Fprintf(&c.errs, "Created symlink %s → /usr/lib/systemd/system/%s.\n", link, s.unit())
		return
	}
	fmt.Fprintf(&c.errs, "Removed %q.\n", link)
}

// switchTo keeps whether a service is to start with the machine. The caller
// holds mu.
func (e *engine) switchTo(s service, on bool) {
	if e.switched == nil {
		e.switched = map[string]bool{}
	}
	e.switched[s.unit()] = on
}

// enabled tells whether a service is to start with the machine: the platform
// enables the application and its proxy.
func (e *engine) enabled(s service) bool {
	if u, ok := s.(*unit); ok {
		return len(u.links()) > 0
	}
	on, told := e.switched[s.unit()]
	return on || !told
}

func (c *controlCall) isEnabled(_, name string) {
	s, ok := c.e.service(name)
	switch {
	case !ok:
		c.fail(exitFailure, "Failed to get unit file state for %s: No such file or directory", unitName(name))
	case c.e.enabled(s):
		c.say("enabled")
	default:
		c.say("disabled")
		c.status = exitFailure
	}
}

var activeTexts = map[string]string{"active": "active (running)", "inactive": "inactive (dead)", "failed": "failed (Result: exit-code)"}

// describe is `systemctl status`.
func (c *controlCall) describe(_, name string) {
	s, ok := c.e.service(name)
	if !ok {
		c.fail(exitNoSuchStatus, "Unit %s could not be found.", unitName(name))
		return
	}
	state, enabled := c.e.state(s), "disabled"
	if c.e.enabled(s) {
		enabled = "enabled"
	}
	mark := map[string]string{"active": "●", "inactive": "○", "failed": "×"}[state]
	c.say("%s %s - %s\n     Loaded: loaded (%s; %s; preset: disabled)\n     Active: %s", mark, s.unit(), s.about(), pathOf(s), enabled, activeTexts[state])
	if pid := s.pid(); pid != 0 {
		c.say("   Main PID: %d (%s)", pid, strings.TrimSuffix(s.unit(), ".service"))
	}
	if state == "active" {
		return
	}
	c.status = exitNotRunning
	if err := c.e.failed[s.unit()]; err != nil {
		c.say("\n%v", err)
	}
}
