package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"beanpole/internal/platform"
)

// defaultProcfile writes the Procfile that the platform makes up for a bundle
// without one, so that container commands and hooks find it.
func (d *deployment) defaultProcfile() error {
	files := staged(d.staging())
	if files.Has("Procfile") {
		return nil
	}
	start := d.at.Start(files, d.option)
	for _, n := range start.Notes {
		if !d.al1 {
			d.tell(n.Severity, "%s", n.Text)
		}
	}
	switch {
	case start.Fault != "":
		return errors.New(start.Fault)
	case start.Command == "":
		return nil
	}
	d.note("creating Procfile: web: %s", start.Command)
	return os.WriteFile(filepath.Join(d.staging(), "Procfile"), []byte("web: "+start.Command+"\n"), 0o644)
}

// procfile are the application's processes, and those of the platform that
// serve it, which a Procfile's run beside. (inferred for Tomcat, whose page says
// nothing of a Procfile)
func (d *deployment) procfile() ([]entry, error) {
	entries, err := readEntries(d.staging(), "Procfile")
	if err != nil {
		return nil, err
	}
	switch d.at.Language {
	case platform.PHP:
		return append([]entry{{phpProcess, ""}}, entries...), nil
	case platform.Tomcat:
		return append([]entry{{tomcatProcess, ""}}, entries...), nil
	}
	if len(entries) == 0 {
		return nil, errors.New("there is no Procfile")
	}
	return entries, nil
}

// startApplication starts every process of the Procfile. The first is the one
// behind the proxy; the others' ports follow in hundreds. [EB platform pages]
func (d *deployment) startApplication(entries []entry) error {
	var all []*application
	for i, p := range entries {
		a, err := d.application(i, p)
		if err != nil {
			stopTogether(all)
			return err
		}
		d.note("Registering the proc: %s", p.name)
		a.now = a.run()
		all = append(all, a)
	}
	d.engine.mu.Lock()
	defer d.engine.mu.Unlock()
	d.engine.applications = all
	return nil
}

// application is one process, not started yet.
func (d *deployment) application(i int, p entry) (*application, error) {
	stdout, stderr, err := d.processLogs(i, p.name)
	if err != nil {
		return nil, err
	}
	command, owner, again := p.command, d.user(), true
	switch {
	case i == 0 && d.at.Language == platform.PHP:
		command, err = d.phpServer()
		owner = "" // its children are the user's
	case i == 0 && d.at.Language == platform.Tomcat:
		command, err = d.tomcatServer()
		again = d.al1 // monit did [gh:aws/elastic-beanstalk-roadmap#263]
	}
	if err != nil {
		return nil, err
	}
	env, dir := d.environment(d.port()+100*i, "/home/"+d.user()), d.current()
	start := func() (*exec.Cmd, error) {
		c, err := shellCommand(command, dir, owner, env, stdout, stderr)
		if err != nil {
			return nil, err
		}
		return c, c.Start()
	}
	a := &application{name: p.name}
	pidFile := d.path("/var/pids/" + p.name + ".pid")
	a.run = func() *process {
		return superviseWhile(start, a.ended(stderr, p.name), pidFile, func(error) bool { return again })
	}
	return a, nil
}

// ended notes the end of a process where its user looks, and for those who ask.
func (a *application) ended(log io.Writer, name string) func(string) {
	return func(s string) {
		a.falls.Add(1)
		a.fall.Store(s)
		fmt.Fprintf(log, "beanpole: process %s %s\n", name, s)
	}
}

// processLogs are where a process writes: one file in rsyslog's form on Amazon
// Linux 2 and later, two plain ones on Amazon Linux 1.
func (d *deployment) processLogs(i int, name string) (stdout, stderr io.Writer, err error) {
	if i == 0 && d.at.Log != "" {
		f, err := openLog(d.path(d.at.Log))
		return f, f, err
	}
	if d.al1 {
		out, err := openLog(d.path(fmt.Sprintf("/var/log/%s-%d.log", name, i+1)))
		if err != nil {
			return nil, nil, err
		}
		errs, err := openLog(d.path(fmt.Sprintf("/var/log/%s-%d.error.log", name, i+1)))
		return out, errs, err
	}
	f, err := openLog(d.path("/var/log/" + name + ".stdout.log"))
	if err != nil {
		return nil, nil, err
	}
	host, _ := os.Hostname()
	host, _, _ = strings.Cut(host, ".")
	w := &lineWriter{each: func(line string) {
		fmt.Fprintf(f, "%s %s %s: %s\n", time.Now().UTC().Format(time.Stamp), host, name, line)
	}}
	return w, w, nil
}

// How long a deployment looks at what it has started.
const (
	firstLook = 3 * time.Second
	// Tomcat answers only when it has started its applications.
	firstLookTomcat = 30 * time.Second
	lookEvery       = 10 * time.Millisecond
)

// watchStart looks whether what was started lives, until the first process
// accepts connections. On AWS nobody waits: a deployment whose application
// dies at once is green, and the proxy answers 502. Here an event says so.
func (d *deployment) watchStart(ctx context.Context) {
	look, fate := firstLook, "is started again and again"
	late := "nothing listens on %s after %s; until something does, the proxy answers 502. See /var/log/%s"
	if d.at.Language == platform.Tomcat {
		look, late = firstLookTomcat, "Tomcat on %s has not started its applications after %s; until it has, requests wait. See /var/log/%s"
		defer d.watchWebApplications()
		if !d.al1 {
			fate = "is not started again"
		}
	}
	ctx, cancel := context.WithTimeout(ctx, look)
	defer cancel()
	d.engine.mu.Lock()
	all := d.engine.applications
	d.engine.mu.Unlock()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		for _, a := range all {
			if a.falls.Load() > 0 {
				why, _ := a.fall.Load().(string)
				d.tell("WARN", "beanpole: process %s has just started and %s; on AWS too it %s, and the proxy answers 502. See /var/log/%s", a.name, why, fate, d.logName(a.name))
				return
			}
		}
		if d.accepting(ctx) && d.answering() {
			return
		}
		select {
		case <-ctx.Done():
			if ctx.Err() == context.DeadlineExceeded {
				d.tell("WARN", "beanpole: "+late, d.address(), look, d.logName(all[0].name))
			}
			return
		case <-tick.C:
		}
	}
}

// logName is the file in /var/log that a process writes to.
func (d *deployment) logName(process string) string {
	switch {
	case d.docker():
		return strings.TrimPrefix(platform.ContainerLogs, "/var/log/")
	case d.at.Log != "" && (d.al1 || process == tomcatProcess):
		return strings.TrimPrefix(d.at.Log, "/var/log/")
	case d.al1:
		return process + "-1.error.log"
	}
	return process + ".stdout.log"
}

// address is where the application listens, as nginx has it.
func (d *deployment) address() string {
	if d.docker() {
		return d.container
	}
	if d.at.Socket != "" {
		return "unix://" + d.at.Socket
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(d.port()))
}

// accepting tells whether the first process takes connections.
func (d *deployment) accepting(ctx context.Context) bool {
	network, at := "tcp4", d.address()
	if socket, ok := strings.CutPrefix(at, "unix://"); ok {
		network, at = "unix", socket
	}
	c, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, network, at)
	if err != nil {
		return false
	}
	c.Close()
	return true
}

// phpProcess is PHP's FastCGI server, a service of the platform's own.
const phpProcess = "php-fpm"

// phpServer writes the server's configuration and returns its command.
// [EB:php-platform; paths: public copies of the platform's files]
func (d *deployment) phpServer() (string, error) {
	var program string
	for _, name := range platform.PHPServers {
		if at, err := findProgram(name); err == nil {
			program = at
			break
		}
	}
	if program == "" {
		return "", errors.New("there is no php-fpm on this instance")
	}
	for at, text := range map[string]string{
		"/etc/php-fpm.conf":       "[global]\nerror_log = /var/log/php-fpm/error.log\ninclude = /etc/php-fpm.d/*.conf\n",
		"/etc/php-fpm.d/www.conf": fmt.Sprintf("[www]\nuser = %[1]s\ngroup = %[1]s\nlisten = %[2]s\nlisten.mode = 0666\npm = ondemand\npm.max_children = 10\ncatch_workers_output = yes\nclear_env = no\nphp_admin_value[error_log] = /var/log/php-fpm/www-error.log\n", d.user(), d.at.Socket),
	} {
		if err := writeIn(d.path(at), text); err != nil {
			return "", err
		}
	}
	for _, dir := range []string{"/var/log/php-fpm", filepath.Dir(d.at.Socket)} {
		if err := os.MkdirAll(d.path(dir), 0o755); err != nil {
			return "", err
		}
	}
	return "exec " + program + " --nodaemonize --fpm-config /etc/php-fpm.conf", nil
}
