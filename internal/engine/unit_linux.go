package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"beanpole/internal/instance"
)

// systemd's own limits. [systemd-system.conf(5)]
const (
	unitStartTime = 90 * time.Second       // for what a start has to wait for
	restartPause  = 100 * time.Millisecond // RestartSec
)

// unit is a service of a unit file, as systemd would run it: what files or a
// package put into /etc/systemd/system. Its output goes to /var/log/messages.
type unit struct {
	e    *engine
	file *unitFile
	now  *process // nil when it was stopped, or has ended for good
	done bool     // a oneshot that remains after its exit
	main int      // of a forking service, as its PID file says
}

func (u *unit) unit() string { return u.file.name }

func (u *unit) about() string {
	if d := u.file.get("Unit.Description"); d != "" {
		return d
	}
	return u.file.name
}

func (u *unit) pid() int {
	switch {
	case u.now != nil:
		return int(u.now.pid.Load())
	case u.main != 0 && syscall.Kill(u.main, 0) == nil:
		return u.main
	}
	return 0
}

// remains tells whether it counts as active without a process.
func (u *unit) remains() bool { return u.done }

// start runs what stands before the program, and the program. The caller holds
// the engine's mu.
func (u *unit) start(ctx context.Context) error {
	if u.pid() != 0 || u.done {
		return nil
	}
	if kind := filepath.Ext(u.file.name); kind != ".service" && !u.e.al1 {
		u.done = true
		u.e.skipped = append(u.e.skipped, instance.Skipped{What: "systemctl start " + u.file.name})
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, unitStartTime)
	defer cancel()
	log, err := u.log()
	if err != nil {
		return err
	}
	if err := u.runAll(ctx, "ExecStartPre", log); err != nil {
		return err
	}
	switch u.file.get("Service.Type") {
	case "oneshot":
		err = u.runAll(ctx, "ExecStart", log)
		u.done = err == nil && u.file.get("Service.RemainAfterExit") == "yes"
	case "forking":
		if err = u.runAll(ctx, "ExecStart", log); err == nil {
			u.main = u.forked()
		}
	default:
		err = u.supervise(log)
	}
	if err != nil {
		return err
	}
	return u.runAll(ctx, "ExecStartPost", log)
}

// log is /var/log/messages with the unit's name before each line.
func (u *unit) log() (io.Writer, error) {
	f, err := openLog(u.e.root + "/var/log/messages")
	if err != nil {
		return nil, err
	}
	host, _ := os.Hostname()
	host, _, _ = strings.Cut(host, ".")
	name := strings.TrimSuffix(u.file.name, ".service")
	return &lineWriter{each: func(line string) {
		fmt.Fprintf(f, "%s %s %s: %s\n", time.Now().UTC().Format(time.Stamp), host, name, line)
	}}, nil
}

// forked is the process that a forking service has left.
func (u *unit) forked() int {
	data, err := os.ReadFile(u.e.root + u.file.get("Service.PIDFile"))
	if err != nil {
		return 0
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil || n <= 1 {
		return 0
	}
	return n
}

// exec prepares one line of Exec….
func (u *unit) exec(line string, log io.Writer) (*exec.Cmd, execLine, error) {
	env, err := u.file.environment(u.e.root)
	if err != nil {
		return nil, execLine{}, err
	}
	env = append(env, "MAINPID="+strconv.Itoa(u.pid()))
	c, err := parseCommand(line, func(name string) (value string) {
		for _, e := range env {
			if n, v, _ := strings.Cut(e, "="); n == name {
				value = v
			}
		}
		return value
	})
	if err != nil {
		return nil, c, fmt.Errorf("%s: %w", line, err)
	}
	program := c.argv[0]
	if !filepath.IsAbs(program) {
		if program, err = findProgram(program); err != nil {
			return nil, c, err
		}
	}
	x := &exec.Cmd{Path: program, Args: c.argv, Env: env, Dir: "/", Stdout: log, Stderr: log, WaitDelay: time.Second,
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true}}
	if dir := strings.TrimPrefix(u.file.get("Service.WorkingDirectory"), "-"); dir != "" {
		x.Dir = dir
	}
	if owner := u.file.get("Service.User"); owner != "" && !c.privilege {
		uid, gid, err := ids(owner)
		if err != nil {
			return nil, c, err
		}
		x.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	return x, c, nil
}

// runAll runs all lines of a key to their end. The engine's mu, which the
// caller holds, is let go meanwhile: the programs may well call systemctl.
func (u *unit) runAll(ctx context.Context, key string, log io.Writer) error {
	u.e.mu.Unlock()
	defer u.e.mu.Lock()
	for _, line := range u.file.values["Service."+key] {
		x, c, err := u.exec(line, log)
		if err != nil {
			return err
		}
		var said bytes.Buffer
		x.Stdout, x.Stderr = io.MultiWriter(log, &said), io.MultiWriter(log, &said)
		if err := runIn(ctx, x); err != nil && !c.mayFail && !errors.Is(err, exec.ErrWaitDelay) {
			return fmt.Errorf("%s: %w: %s", line, err, strings.TrimSpace(said.String()))
		}
	}
	return nil
}

// supervise starts the program and keeps it running as Restart says.
func (u *unit) supervise(log io.Writer) error {
	line := u.file.get("Service.ExecStart")
	if line == "" {
		return errors.New("the unit has no ExecStart")
	}
	if _, _, err := u.exec(line, log); err != nil {
		return err
	}
	asRead := &unit{e: u.e, file: u.file} // which may change on disk meanwhile
	start := func() (*exec.Cmd, error) {
		x, _, err := asRead.exec(line, log)
		if err != nil {
			return nil, err
		}
		return x, x.Start()
	}
	note := func(s string) { fmt.Fprintf(log, "beanpole: %s %s\n", asRead.file.name, s) }
	again := map[string]func(error) bool{
		"always":      func(error) bool { return true },
		"on-failure":  func(err error) bool { return err != nil },
		"on-abnormal": func(err error) bool { return err != nil },
		"on-success":  func(err error) bool { return err == nil },
	}[u.file.get("Service.Restart")]
	if again == nil {
		again = func(error) bool { return false }
	}
	u.now = superviseWhile(start, note, "", again)
	return nil
}

func (u *unit) stop() error {
	u.done = false
	if u.now != nil {
		close(u.now.stop)
		<-u.now.done
		u.now = nil
	}
	log, err := u.log()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), unitStartTime)
	defer cancel()
	err = u.runAll(ctx, "ExecStop", log)
	if u.main > 1 {
		syscall.Kill(u.main, syscall.SIGTERM)
		u.main = 0
	}
	return errors.Join(err, u.runAll(ctx, "ExecStopPost", log))
}

func (u *unit) reload() error {
	if len(u.file.values["Service.ExecReload"]) == 0 {
		return errNoReload
	}
	log, err := u.log()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), unitStartTime)
	defer cancel()
	return u.runAll(ctx, "ExecReload", log)
}

// unitService is the service of a unit file, or of a job of upstart's on the
// Amazon Linux AMI; its file is read anew while it
// does not run. The caller holds mu.
func (e *engine) unitService(name string) (service, bool) {
	find := findUnit
	if e.al1 {
		find = findJob
	} else {
		name = unitName(name)
	}
	known := e.units[name]
	if known != nil && (known.pid() != 0 || known.done) {
		return known, true
	}
	file, err := find(e.root, name)
	if err != nil || file == nil {
		return nil, false
	}
	if known == nil {
		known = &unit{e: e}
		if e.units == nil {
			e.units = map[string]*unit{}
		}
		e.units[name] = known
	}
	known.file = file
	return known, true
}
