package engine

import (
	"errors"
	"strings"
)

const serviceUsage = "Usage: service < option > | --status-all | [ service_name [ command | --full-restart ] ]"

// redirected is `service` on Amazon Linux 2 and later, which hands on to
// systemctl. [initscripts: /usr/sbin/service]
func (c *controlCall) redirected(args []string) {
	if len(args) < 2 || strings.HasPrefix(args[0], "-") {
		c.fail(exitFailure, "%s", serviceUsage)
		return
	}
	c.fail(0, "Redirecting to /bin/systemctl %s %s", args[1], unitName(args[0]))
	c.systemctl([]string{args[1], unitName(args[0])})
}

// sysv is `service` on Amazon Linux 1, with init scripts' words.
func (c *controlCall) sysv(args []string) {
	if len(args) < 2 || strings.HasPrefix(args[0], "-") {
		c.fail(exitFailure, "%s", serviceUsage)
		return
	}
	name, verb := args[0], args[1]
	s, ok := c.e.service(name)
	if !ok {
		if !c.initScript(name, args[1:]) && !c.skip("service "+name+" "+verb, name) {
			c.fail(exitFailure, "%s: unrecognized service", name)
		}
		return
	}
	if verb == "status" {
		if pid := s.pid(); pid != 0 {
			c.say("%s (pid  %d) is running...", name, pid)
			return
		}
		c.say("%s is stopped", name)
		c.status = exitNotRunning
		return
	}
	steps, known := sysvSteps[verb]
	switch {
	case !known:
		c.say("Usage: %s {start|stop|restart|condrestart|try-restart|force-reload|reload|status}", name)
		c.status = 2
		return
	case !c.root:
		c.fail(exitNoSuchStatus, "%s: only root may %s it", name, verb)
		return
	case (verb == "condrestart" || verb == "try-restart") && s.pid() == 0:
		return
	}
	c.status = 0
	for _, step := range steps {
		c.sysvStep(step, name, s)
	}
}

// sysvSteps are what an init script does for a verb, in order.
var sysvSteps = map[string][]string{
	"start": {"start"}, "stop": {"stop"}, "reload": {"reload"}, "restart": {"stop", "start"}, "condrestart": {"stop", "start"},
	"try-restart": {"stop", "start"}, "force-reload": {"stop", "start"},
}

var sysvTitles = map[string]string{"start": "Starting", "stop": "Stopping", "reload": "Reloading"}

// sysvStep carries a step out. That there was nothing to stop does not keep a
// restart from starting; the status is the last step's.
func (c *controlCall) sysvStep(step, name string, s service) {
	idle := step == "stop" && s.pid() == 0
	err := c.e.change(step, s)
	title, result := sysvTitles[step]+" "+name+": ", "[  OK  ]"
	c.status = 0
	if err != nil || idle {
		result = "[FAILED]"
	}
	if err != nil {
		c.status = exitFailure
		if !errors.Is(err, errNotActive) {
			c.fail(exitFailure, "%v", err)
		}
	}
	c.say("%s%s", title, result)
}

// upstart is initctl on Amazon Linux 1.
// program is initctl, or one of its short forms.
func (c *controlCall) upstart(program string, args []string) {
	if len(args) == 1 && args[0] == "reload-configuration" {
		return // jobs are read when they start
	}
	if len(args) < 2 {
		c.fail(exitFailure, "beanpole: initctl carries out start, stop, restart, reload and status of one job")
		return
	}
	verb, name := args[0], args[1]
	s, ok := c.e.service(name)
	if !ok {
		if !c.skip("initctl "+verb+" "+name, name) {
			c.fail(exitFailure, "%s: Unknown job: %s", program, name)
		}
		return
	}
	if verb != "status" {
		if _, known := sysvTitles[verb]; !known && verb != "restart" {
			c.fail(exitFailure, "beanpole: initctl does not carry out %s yet", verb)
			return
		}
		if !c.root {
			c.fail(exitFailure, "%s: Rejected send message", program)
			return
		}
		if err := c.e.change(verb, s); err != nil {
			c.fail(exitFailure, "%s: Job failed to %s: %v", program, verb, err)
			return
		}
	}
	if pid := s.pid(); pid != 0 {
		c.say("%s start/running, process %d", name, pid)
		return
	}
	c.say("%s stop/waiting", name)
}

// chkconfig enables and disables what starts with the machine: on Amazon Linux
// 2 and later it hands on to systemctl. [chkconfig(8)]
func (c *controlCall) chkconfig(args []string) {
	for len(args) > 0 && (args[0] == "--level" || args[0] == "--levels") && len(args) > 1 {
		args = args[2:]
	}
	if len(args) == 0 || len(args) > 2 || strings.HasPrefix(args[0], "-") {
		c.fail(exitFailure, "beanpole: chkconfig takes a service, and on or off")
		return
	}
	name := args[0]
	s, ok := c.e.service(name)
	switch {
	case len(args) == 1:
		if !ok || !c.e.enabled(s) {
			c.status = exitFailure
		}
	case args[1] != "on" && args[1] != "off":
		c.fail(exitFailure, "Usage:   chkconfig <name> [on|off]")
	case !c.root:
		c.fail(exitFailure, "You do not have enough privileges to perform this operation.")
	case !c.e.al1:
		verb := map[string]string{"on": "enable", "off": "disable"}[args[1]]
		c.fail(0, "Note: Forwarding request to 'systemctl %s %s'.", verb, unitName(name))
		c.enable(verb, name)
	case ok:
		c.e.switchTo(s, args[1] == "on")
	case !c.skip("chkconfig "+name+" "+args[1], name):
		c.fail(exitFailure, "error reading information on service %s: No such file or directory", name)
	}
}
