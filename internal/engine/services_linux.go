package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// service is something on the instance that systemctl and service can start
// and stop.
type service interface {
	unit() string // name as systemd has it, "nginx.service"
	about() string
	pid() int // 0 when it does not run
	start(context.Context) error
	stop() error
	reload() error
}

// application is one process of the application, by its name in the Procfile.
type application struct {
	name string
	run  func() *process
	now  *process // nil when it is stopped

	falls atomic.Int64 // how often it ended by itself
	fall  atomic.Value // how it did last, a string
}

func (a *application) unit() string  { return a.name + ".service" }
func (a *application) about() string { return "This is " + a.name + " daemon" }

func (a *application) pid() int {
	if a.now == nil {
		return 0
	}
	return int(a.now.pid.Load())
}

func (a *application) start(context.Context) error {
	if a.now == nil || a.now.over() {
		a.now = a.run()
	}
	return nil
}

func (a *application) stop() error {
	stopTogether([]*application{a})
	return nil
}

func (a *application) reload() error { return errNoReload }

// errNoReload is what systemd says of a unit without a way to reload.
//
//lint:ignore ST1005 these are systemd's own words
var errNoReload = errors.New("Job type reload is not applicable for unit")

// stopTogether ends several processes at the same time.
func stopTogether(all []*application) {
	for _, a := range all {
		if a.now != nil {
			close(a.now.stop)
		}
	}
	for _, a := range all {
		if a.now != nil {
			<-a.now.done
			a.now = nil
		}
	}
}

// target is eb-app.target: all of the application's processes.
type target []*application

func (t target) unit() string  { return "eb-app.target" }
func (t target) about() string { return "Elastic Beanstalk Application Target" }

func (t target) pid() int {
	for _, a := range t {
		if p := a.pid(); p != 0 {
			return p
		}
	}
	return 0
}

func (t target) start(ctx context.Context) error {
	for _, a := range t {
		if err := a.start(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (t target) stop() error {
	stopTogether(t)
	return nil
}

func (t target) reload() error { return errNoReload }

// proxy is nginx or httpd, with its configuration as it is.
type proxy struct{ s *webServer }

func (p proxy) unit() string  { return p.s.name + ".service" }
func (p proxy) about() string { return p.s.title }

func (p proxy) pid() int {
	if pid, running := p.s.process(); running {
		return pid
	}
	return 0
}

func (p proxy) start(ctx context.Context) error {
	if p.pid() != 0 {
		return nil
	}
	return p.s.run(ctx)
}

func (p proxy) stop() error { return p.s.stop() }

// reload: both read their files anew at the same signal.
func (p proxy) reload() error { return syscall.Kill(p.pid(), syscall.SIGHUP) }

// service finds a service by its name, with or without ".service". The caller
// holds mu.
func (e *engine) service(name string) (service, bool) {
	for _, s := range webServers {
		if name != s.name && name != s.name+".service" {
			continue
		}
		if _, err := s.find(); s == nginxServer || err == nil {
			return proxy{s}, true
		}
	}
	for _, a := range e.applications {
		if name == a.name || name == a.unit() {
			return a, true
		}
	}
	if t := target(e.applications); name == t.unit() && len(t) > 0 {
		return t, true
	}
	if short := strings.TrimSuffix(name, ".service"); short != "crond" && slices.Contains(elsewhere, short) {
		return nil, false
	}
	return e.unitService(name)
}

// stopAll ends the application's processes and forgets them.
func (e *engine) stopAll() {
	e.mu.Lock()
	defer e.mu.Unlock()
	stopTogether(e.applications)
	e.applications = nil
}

// run runs one of the platform's own programs; its output is the error.
func run(ctx context.Context, argv ...string) error {
	c := exec.CommandContext(ctx, argv[0], argv[1:]...)
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	c.WaitDelay = time.Second // a daemon may keep standard error open
	if err := c.Run(); err != nil && !errors.Is(err, exec.ErrWaitDelay) {
		return fmt.Errorf("%s failed: %w: %s", strings.Join(argv, " "), err, strings.TrimSpace(out.String()))
	}
	return nil
}

// process is one process of the application under supervision.
type process struct {
	stop, done chan struct{}
	pid        atomic.Int64 // of the shell that runs it; 0 between two starts
	pidFile    string
	began      func() // called when the first start was tried
}
