package cfninit

import (
	"context"
	"path"

	"beanpole/internal/source"
)

// serviceTool talks to one service manager.
type serviceTool interface {
	ready() error // called once, when there are services
	enable(ctx context.Context, service string, on bool) error
	running(ctx context.Context, service string) (bool, error)
	start(ctx context.Context, service string) error
	stop(ctx context.Context, service string) error
	restart(ctx context.Context, service string) error
}

// services carries out what one service manager is asked for
// [cb:construction.py, cb:service_tools.py, cb-run].
func (b *build) services(ctx context.Context, s *Services) error {
	var manager serviceTool
	none := "No Windows services specified"
	switch {
	case s.Manager == "sysvinit":
		manager, none = &sysvinit{b: b}, "No System V init scripts specified"
	case s.Manager == "systemd" && !b.python2():
		manager, none = systemd{b}, "No SystemD scripts specified"
	case s.Manager != "windows":
		b.log("WARNING", "Unsupported service manager: %s", s.Manager)
		return nil
	}
	fs, err := b.some(s.Asked, none)
	if err != nil || fs == nil {
		return err
	}
	if manager == nil {
		return tool("Cannot modify windows services without pywin32")
	}
	if err := manager.ready(); err != nil {
		return err
	}
	for _, f := range fs {
		if err := b.service(ctx, manager, f.Key.Text, f.Value); err != nil {
			return err
		}
	}
	return nil
}

// service brings one service into the state asked for. A restart because
// something changed comes before ensureRunning, also when that is false.
func (b *build) service(ctx context.Context, m serviceTool, name string, properties *source.Node) error {
	restart, err := b.changes.restarts(properties)
	if err != nil {
		return err
	}
	if on, given, err := property(properties, "enabled"); err != nil {
		return err
	} else if given {
		if err := m.enable(ctx, name, on); err != nil {
			return err
		}
	} else {
		b.debug("Not modifying enabled state of service %s", name)
	}
	if restart {
		b.debug("Restarting %s due to change detected in dependency", name)
		return m.restart(ctx, name)
	}
	wanted, given, err := property(properties, "ensureRunning")
	if err == nil && !given {
		b.debug("Not modifying running state of service %s", name)
	}
	if err != nil || !given {
		return err
	}
	running, err := m.running(ctx, name)
	switch {
	case err != nil:
		return err
	case wanted && !running:
		b.debug("Starting service %s as it is not running", name)
		return m.start(ctx, name)
	case !wanted && running:
		b.debug("Stopping service %s as it is running", name)
		return m.stop(ctx, name)
	}
	b.debug("No need to modify running state of service %s", name)
	return nil
}

// property reads one that is true or false.
func property(properties *source.Node, name string) (on, given bool, err error) {
	if given, err = contains(properties, name); err != nil || !given {
		return false, false, err
	}
	v, err := index(properties, name, "str")
	if err == nil {
		on, err = boolean(v)
	}
	return on, true, err
}

// sysvinit drives init scripts.
type sysvinit struct {
	b *build
	// modifier is what enables services, runner what starts them; both are
	// looked for once, when they are needed, and "" when they are not there.
	modifier, runner *string
}

func (s *sysvinit) ready() error { return nil }

// first is the first of the programs that is there, "" for none.
func (s *sysvinit) first(programs ...string) *string {
	for _, p := range programs {
		if s.b.root.exists(p) {
			return &p
		}
	}
	return new(string)
}

const chkconfig = "/sbin/chkconfig"

// enable calls chkconfig, or update-rc.d where there is none.
func (s *sysvinit) enable(ctx context.Context, service string, on bool) error {
	if s.modifier == nil {
		s.modifier = s.first(chkconfig, "/usr/sbin/update-rc.d")
		shown := *s.modifier
		if shown == "" {
			shown = "None"
		}
		s.b.debug("Using service modifier: %s", shown)
	}
	verb := "disable"
	if on {
		verb = "enable"
	}
	args := []string{*s.modifier, service, verb}
	switch {
	case args[0] == "":
		s.b.log("ERROR", "Could not enable %s, as chkconfig and update-rc.d were not available", service)
		return nil
	case args[0] == chkconfig && on:
		args[2] = "on"
	case args[0] == chkconfig:
		args[2] = "off"
	}
	s.b.debug("Setting service %s to %sd", service, verb)
	code, out, err := s.b.tool(ctx, args...)
	if err != nil {
		return err
	}
	if code != 0 {
		s.b.log("ERROR", "%s failed with error %d. Output: %s", path.Base(args[0]), code, out)
		return toolCode(code, "Could not "+verb+" service "+service)
	}
	s.b.info("%sd service %s", verb, service)
	return nil
}

// call runs a service's script, through `service` where there is one.
func (s *sysvinit) call(ctx context.Context, service, verb string) (code int, out string, err error) {
	if s.runner == nil {
		if s.runner = s.first("/sbin/service", "/usr/sbin/service"); *s.runner == "" {
			s.b.debug("Running init scripts directly")
		} else {
			s.b.debug("Using service runner: %s", *s.runner)
		}
	}
	if *s.runner == "" {
		return s.b.tool(ctx, "/etc/init.d/"+service, verb)
	}
	return s.b.tool(ctx, *s.runner, service, verb)
}

func (s *sysvinit) running(ctx context.Context, service string) (bool, error) {
	code, _, err := s.call(ctx, service, "status")
	return code == 0, err
}

func (s *sysvinit) change(ctx context.Context, service, verb, done string) error {
	code, out, err := s.call(ctx, service, verb)
	if err != nil {
		return err
	}
	return s.b.serviceDone(service, verb, done, code, out)
}

func (s *sysvinit) start(ctx context.Context, service string) error {
	return s.change(ctx, service, "start", "Started")
}

func (s *sysvinit) stop(ctx context.Context, service string) error {
	return s.change(ctx, service, "stop", "Stopped")
}

func (s *sysvinit) restart(ctx context.Context, service string) error {
	return s.change(ctx, service, "restart", "Restarted")
}

// serviceDone logs how a change of a service ended.
func (b *build) serviceDone(service, verb, done string, code int, out string) error {
	if code != 0 {
		b.log("ERROR", "Could not %s service %s; return code was %d", verb, service, code)
		b.debug("Service output: %s", out)
		return tool("Could not %s %s", verb, service)
	}
	b.info("%s %s successfully", done, service)
	return nil
}

// systemd is known since 2.0-10 [cb 2.0: systemd_tool.py].
type systemd struct{ b *build }

const systemctl = "/usr/bin/systemctl"

func (s systemd) ready() error {
	if s.b.root.exists(systemctl) {
		return nil
	}
	s.b.log("ERROR", "systemctl is not available")
	return tool("SystemD is not available on the instance")
}

func (s systemd) enable(ctx context.Context, service string, on bool) error {
	verb := "disable"
	if on {
		verb = "enable"
	}
	p := program(systemctl, verb, service)
	code, err := s.b.plain(ctx, p)
	if err != nil {
		return err
	}
	if code != 0 {
		s.b.log("ERROR", "SystemD failed with error %d. Output: %s", code, p.stdout.String())
		return tool("Could not %s service %s", verb, service)
	}
	s.b.info("%s service %s", verb, service)
	return nil
}

func (s systemd) running(ctx context.Context, service string) (bool, error) {
	code, err := s.b.plain(ctx, program(systemctl, "is-active", service))
	return code == 0, err
}

func (s systemd) start(ctx context.Context, service string) error {
	return s.change(ctx, service, "start", "Started")
}

func (s systemd) stop(ctx context.Context, service string) error {
	return s.change(ctx, service, "stop", "Stopped")
}

func (s systemd) change(ctx context.Context, service, verb, done string) error {
	p := program(systemctl, verb, service)
	code, err := s.b.plain(ctx, p)
	if err != nil {
		return err
	}
	return s.b.serviceDone(service, verb, done, code, p.stdout.String())
}

// restart has the manager read its units again first. The error's spelling is
// the agent's.
func (s systemd) restart(ctx context.Context, service string) error {
	code, err := s.b.plain(ctx, program(systemctl, "daemon-reload"))
	if err != nil {
		return err
	}
	if code != 0 {
		s.b.log("ERROR", "SystemD failed to reload configuration for service %s", service)
		return toolCode(code, "Could not relaod configuration for "+service)
	}
	code, err = s.b.plain(ctx, program(systemctl, "reload-or-restart", service))
	if err != nil || code == 0 {
		return err
	}
	s.b.log("ERROR", "SystemD failed to reload or restart service %s", service)
	return toolCode(code, "Could not reload or restart service "+service)
}
