package engine

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"beanpole/internal/lazyregexp"
)

// procLine is what a line of a Procfile or Buildfile has to look like.
// [EB:platforms-linux-extend]
var procLine = lazyregexp.New(`^([A-Za-z0-9_-]+):\s*([^\s].*)$`)

// entry is one line of a Procfile or Buildfile.
type entry struct{ name, command string }

// parseProcfile reads a Procfile or Buildfile; comments and empty lines count
// for nothing.
func parseProcfile(text string) ([]entry, error) {
	var out []entry
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		m := procLine.FindStringSubmatch(line)
		if m == nil {
			return nil, fmt.Errorf("line %d is not of the form \"name: command\": %q", i+1, line)
		}
		out = append(out, entry{m[1], m[2]})
	}
	return out, nil
}

// How a process that ends is started again: at once, then later and later.
const (
	firstPause   = 200 * time.Millisecond
	longestPause = 10 * time.Second
	steady       = 10 * time.Second // a run this long makes the next pause the first again
	stopGrace    = 5 * time.Second  // between asking and killing
)

// supervise keeps a command running until it is stopped. As on AWS the command
// is a line for the shell. pidFile, unless "", holds its process ID meanwhile.
func supervise(start func() (*exec.Cmd, error), note func(string), pidFile string) *process {
	return superviseWhile(start, note, pidFile, func(error) bool { return true })
}

// superviseWhile is supervise for a command that is started again only when
// again says so of how it ended. It returns when the first start was tried.
func superviseWhile(start func() (*exec.Cmd, error), note func(string), pidFile string, again func(error) bool) *process {
	p := &process{stop: make(chan struct{}), done: make(chan struct{}), pidFile: pidFile}
	began := make(chan struct{})
	p.began = sync.OnceFunc(func() { close(began) })
	defer func() { <-began }()
	go func() {
		defer close(p.done)
		pause := firstPause
		for {
			from := time.Now()
			c, err := start()
			if err == nil {
				err = p.wait(c)
			}
			p.began()
			if time.Since(from) > steady {
				pause = firstPause
			}
			select {
			case <-p.stop:
				return
			default:
			}
			if !again(err) {
				note(fmt.Sprintf("ended (%v)", err))
				return
			}
			note(fmt.Sprintf("ended (%v), starts again in %s", err, pause))
			select {
			case <-p.stop:
				return
			case <-time.After(pause):
			}
			pause = min(2*pause, longestPause)
		}
	}()
	return p
}

// over tells whether it has ended and is not started again.
func (p *process) over() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// wait waits for the end, and brings it about when the process has to stop.
func (p *process) wait(c *exec.Cmd) error {
	p.pid.Store(int64(c.Process.Pid))
	if p.pidFile != "" && writeIn(p.pidFile, strconv.Itoa(c.Process.Pid)+"\n") == nil {
		defer os.Remove(p.pidFile)
	}
	defer p.pid.Store(0)
	p.began()
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	select {
	case err := <-ended:
		syscall.Kill(-c.Process.Pid, syscall.SIGKILL) // what it left of its group
		return err
	case <-p.stop:
	}
	syscall.Kill(-c.Process.Pid, syscall.SIGTERM)
	select {
	case <-ended:
	case <-time.After(stopGrace):
	}
	syscall.Kill(-c.Process.Pid, syscall.SIGKILL)
	return nil
}

// shellCommand is a line for the shell as a user, in a group of its own.
func shellCommand(line, dir, owner string, env []string, stdout, stderr io.Writer) (*exec.Cmd, error) {
	c := exec.Command("/bin/sh", "-c", line)
	c.Dir, c.Env, c.Stdout, c.Stderr = dir, env, stdout, stderr
	c.WaitDelay = time.Second // for output that a grandchild holds open
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if owner == "" {
		return c, nil
	}
	uid, gid, err := ids(owner)
	if err != nil {
		return nil, err
	}
	c.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return c, nil
}

func ids(name string) (uid, gid int, err error) {
	u, err := user.Lookup(name)
	if err != nil {
		return 0, 0, err
	}
	uid, e1 := strconv.Atoi(u.Uid)
	gid, e2 := strconv.Atoi(u.Gid)
	return uid, gid, errors.Join(e1, e2)
}

// appUser runs the application since Amazon Linux 2.
// [EB:custom-platforms-scripts]
const appUser = "webapp"
