package cfninit

import (
	"context"
	"strings"

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
	switch {
	case s.Manager == "sysvinit":
		manager = sysvinit{b}
	case s.Manager == "systemd" && !b.python2():
		manager = systemd{b}
	case s.Manager != "windows":
		b.log("WARNING", "Unsupported service manager: %s", s.Manager)
		return nil
	}
	fs, err := b.keyed(s.Asked)
	if err != nil || len(fs) == 0 {
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
	}
	if restart {
		return m.restart(ctx, name)
	}
	wanted, given, err := property(properties, "ensureRunning")
	if err != nil || !given {
		return err
	}
	running, err := m.running(ctx, name)
	switch {
	case err != nil:
		return err
	case wanted && !running:
		return m.start(ctx, name)
	case !wanted && running:
		return m.stop(ctx, name)
	}
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
type sysvinit struct{ b *build }

func (s sysvinit) ready() error { return nil }

// enable calls chkconfig, or update-rc.d where there is none.
func (s sysvinit) enable(ctx context.Context, service string, on bool) error {
	verb, args := "disable", []string{"/sbin/chkconfig", service, "off"}
	if on {
		verb, args[2] = "enable", "on"
	}
	if !s.b.root.exists(args[0]) {
		args[0], args[2] = "/usr/sbin/update-rc.d", verb
		if !s.b.root.exists(args[0]) {
			s.b.log("ERROR", "Could not enable %s, as chkconfig and update-rc.d were not available", service)
			return nil
		}
	}
	code, out, err := s.b.tool(ctx, args...)
	if err != nil {
		return err
	}
	if code != 0 {
		s.b.log("ERROR", "%s failed with error %d. Output: %s", args[0][strings.LastIndexByte(args[0], '/')+1:], code, out)
		return toolCode(code, "Could not "+verb+" service "+service)
	}
	s.b.info("%sd service %s", verb, service)
	return nil
}

// call runs a service's script, through `service` where there is one.
func (s sysvinit) call(ctx context.Context, service, verb string) (int, error) {
	args := []string{"/etc/init.d/" + service, verb}
	for _, runner := range []string{"/sbin/service", "/usr/sbin/service"} {
		if s.b.root.exists(runner) {
			args = []string{runner, service, verb}
			break
		}
	}
	code, _, err := s.b.tool(ctx, args...)
	return code, err
}

func (s sysvinit) running(ctx context.Context, service string) (bool, error) {
	code, err := s.call(ctx, service, "status")
	return code == 0, err
}

func (s sysvinit) change(ctx context.Context, service, verb, done string) error {
	code, err := s.call(ctx, service, verb)
	if err != nil {
		return err
	}
	return s.b.serviceDone(service, verb, done, code)
}

func (s sysvinit) start(ctx context.Context, service string) error {
	return s.change(ctx, service, "start", "Started")
}

func (s sysvinit) stop(ctx context.Context, service string) error {
	return s.change(ctx, service, "stop", "Stopped")
}

func (s sysvinit) restart(ctx context.Context, service string) error {
	return s.change(ctx, service, "restart", "Restarted")
}

// serviceDone logs how a change of a service ended.
func (b *build) serviceDone(service, verb, done string, code int) error {
	if code != 0 {
		b.log("ERROR", "Could not %s service %s; return code was %d", verb, service, code)
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
	code, err := s.b.plain(ctx, program(systemctl, "start", service))
	if err != nil {
		return err
	}
	return s.b.serviceDone(service, "start", "Started", code)
}

func (s systemd) stop(ctx context.Context, service string) error {
	code, err := s.b.plain(ctx, program(systemctl, "stop", service))
	if err != nil {
		return err
	}
	return s.b.serviceDone(service, "stop", "Stopped", code)
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
