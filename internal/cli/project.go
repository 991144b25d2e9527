package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// stateName is the folder in which a project's local AWS lives.
const stateName = ".beanpole"

// project is the place of a local AWS: its state folder and who serves it.
type project struct {
	dir string // absolute path of .beanpole
}

// findProject is the state folder that a command works on: the one given, or
// the nearest .beanpole from here upwards, as git finds its own, or a new one
// here.
func findProject(given string) (*project, error) {
	if given != "" {
		dir, err := filepath.Abs(given)
		if err != nil {
			return nil, fmt.Errorf("find the state folder: %w", err)
		}
		p := &project{dir}
		return p, p.check()
	}
	here, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("find the working directory: %w", err)
	}
	for dir := here; ; dir = filepath.Dir(dir) {
		candidate := filepath.Join(dir, stateName)
		if _, err := os.Lstat(candidate); err == nil {
			p := &project{candidate}
			return p, p.check()
		}
		if dir == filepath.Dir(dir) {
			return &project{filepath.Join(here, stateName)}, nil
		}
	}
}

func (p *project) path(name ...string) string {
	return filepath.Join(append([]string{p.dir}, name...)...)
}

// serving is what a running `serve` tells about itself, in serve.json.
type serving struct {
	PID     int      `json:"pid"`
	Address string   `json:"address"` // host:port on loopback
	Region  string   `json:"region"`
	Account string   `json:"account"`
	Token   string   `json:"token"`            // opens beanpole's own doors; never printed
	Listen  []string `json:"listen,omitempty"` // as given with --listen
	Root    string   `json:"root,omitempty"`   // as given with --image or --root
	Images  []string `json:"images,omitempty"` // as given with --docker-image
}

func (s *serving) url() string { return "http://" + s.Address }

// portFor is the local port of a load balancer's listener.
func (s *serving) portFor(listener int) int {
	ports, err := (&serveFlags{ports: s.Listen}).portFor()
	if err != nil {
		return listener // it was checked before it was written
	}
	return ports(listener)
}

// serving reads who serves this project now; nil when nobody does. A lock that
// dies with its holder tells, so a killed server is never taken for alive.
func (p *project) serving() (*serving, error) {
	free, err := p.lockFree()
	if err != nil || free {
		return nil, err
	}
	data, err := os.ReadFile(p.path("serve.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // another one is just starting
	}
	if errors.Is(err, fs.ErrPermission) {
		return nil, usageError("the local AWS of %s belongs to another user; run this command with sudo", p.dir)
	}
	if err != nil {
		return nil, fmt.Errorf("read who serves this project: %w", err)
	}
	var s serving
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, fmt.Errorf("read %s: %w", p.path("serve.json"), err)
	}
	return &s, nil
}

func (p *project) lockFree() (bool, error) {
	f, err := os.Open(p.path("serve.lock"))
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if errors.Is(err, fs.ErrPermission) {
		return false, usageError("the local AWS of %s belongs to another user; run this command with sudo", p.dir)
	}
	if err != nil {
		return false, fmt.Errorf("open the project's lock: %w", err)
	}
	defer f.Close()
	err = unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB)
	return err == nil, nil
}

func (p *project) inUse() error {
	return usageError("a local AWS already runs in %s; use it, or end it with: beanpole down", p.dir)
}

// usable refuses a state folder in which another local AWS runs, or which is
// not beanpole's.
func (p *project) usable() error {
	if err := p.own(); err != nil {
		return err
	}
	free, err := p.lockFree()
	if err == nil && !free {
		err = p.inUse()
	}
	return err
}

// lock takes the project for this process until it ends. The error is the
// user's when another process holds it.
func (p *project) lock() (*os.File, error) {
	if err := p.make(); err != nil {
		return nil, err
	}
	f, err := p.openOwn("serve.lock", os.O_CREATE|os.O_RDWR)
	if err != nil {
		return nil, fmt.Errorf("open the project's lock: %w", err)
	}
	for range 10 { // whoever looks at the lock holds it for a moment
		if err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err == nil {
			return f, nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	f.Close()
	return nil, p.inUse()
}

// turn is this project taken for one `up`; it ends with the process at the
// latest.
type turn struct {
	project *project
	lock    *os.File
	fresh   bool // the folder was made for it
}

// takeTurn makes the state folder where there is none. Two `up` at once would
// remove each other's stacks: the second is the user's mistake.
func (p *project) takeTurn() (*turn, error) {
	_, before := os.Stat(p.dir)
	if err := p.make(); err != nil {
		return nil, err
	}
	f, err := os.Open(p.dir)
	if err != nil {
		return nil, fmt.Errorf("open the state folder: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, usageError("another beanpole up is at work in %s; wait until it has ended", p.dir)
	}
	return &turn{p, f, errors.Is(before, fs.ErrNotExist)}, nil
}

// Close ends the turn. A folder that was made for nothing goes away again.
func (t *turn) Close() {
	if t.fresh {
		os.Remove(t.project.dir) // it stays when there is something in it
	}
	t.lock.Close()
}

// write puts serve.json in place in one step, readable by its owner alone.
func (p *project) write(s *serving) error {
	data, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("write serve.json: %w", err)
	}
	tmp := p.path("serve.json.new")
	if err := os.WriteFile(tmp, data, 0o600); err != nil {
		return fmt.Errorf("write serve.json: %w", err)
	}
	return os.Rename(tmp, p.path("serve.json"))
}

// alive reports whether a process exists.
func alive(pid int) bool {
	return pid > 0 && syscall.Kill(pid, 0) == nil
}
