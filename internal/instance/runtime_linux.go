package instance

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
	"sync"
	"syscall"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// container is one container under runc, with a state folder of its own: no
// other list of containers shows ours, and none of theirs is touched.
type container struct {
	state string // folder
	name  string // of the container
}

func containerOf(dir string, r record) container {
	return container{state: filepath.Join(dir, "runc"), name: "beanpole-" + r.Token}
}

func (c container) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "runc", append([]string{"--root", c.state}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a terminal's Ctrl-C is for us
	return cmd
}

// run starts the container. runc stays as its parent: when beanpole is killed,
// PID 1's input ends, PID 1 with it, and runc tidies up its own.
func (c container) run(bundle string, log io.Writer) (*exec.Cmd, *control, *tail, error) {
	cmd := c.command(context.Background(), "run", "--bundle", bundle, c.name)
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, nil, err
	}
	last := &tail{to: log}
	cmd.Stderr = last
	if err := cmd.Start(); err != nil {
		return nil, nil, nil, fmt.Errorf("start runc: %w", err)
	}
	ctl := newControl(in)
	go func() {
		defer close(ctl.drained)
		ctl.read(out)
		// After nonsense PID 1 is no use any more. runc copies its output, and
		// does not end while nobody takes it.
		ctl.hangUp()
		io.Copy(io.Discard, out)
	}()
	return cmd, ctl, last, nil
}

// delete ends the container and removes what runc knows of it.
func (c container) delete(ctx context.Context) error {
	if _, err := os.Stat(filepath.Join(c.state, c.name)); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	out, err := c.command(ctx, "delete", "--force", c.name).CombinedOutput()
	if err != nil {
		return fmt.Errorf("delete container %s: %w: %s", c.name, err, bytes.TrimSpace(out))
	}
	return nil
}

// deleteBeside ends and removes the containers that stand beside an instance's.
func (c container) deleteBeside(ctx context.Context) error {
	found, err := filepath.Glob(filepath.Join(c.state, c.name+"-*"))
	if err != nil {
		return err
	}
	var errs []error
	for _, p := range found {
		errs = append(errs, container{c.state, filepath.Base(p)}.delete(ctx))
	}
	return errors.Join(errs...)
}

// exec runs a program in the container; with a terminal as its input it gets
// one of its own.
func (c container) exec(ctx context.Context, argv []string, stdin io.Reader, stdout, stderr io.Writer) error {
	args := []string{"exec", "--cwd", "/"}
	if f, ok := stdin.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		args = append(args, "--tty", "--env", "TERM="+os.Getenv("TERM"))
	}
	args = append(append(args, c.name), argv...)
	cmd := c.command(ctx, args...)
	if len(args) > 3 && args[3] == "--tty" {
		cmd.SysProcAttr = nil // it has to be in the terminal's foreground
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, stdout, stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(unix.SIGTERM) } // runc passes it on
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("run %s on the instance: %w", argv[0], err)
	}
	return nil
}

// end kills what of runc works on the container for a beanpole that was killed:
// it goes on by itself, and would make anew what is cleared away.
func (c container) end() error {
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return err
	}
	for _, p := range all {
		if !c.runs(p) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(p)))
		if err != nil {
			continue
		}
		// What FindProcess has found stays the same process.
		process, err := os.FindProcess(pid)
		if err != nil || !c.runs(p) {
			continue
		}
		for try := 0; c.runs(p); try++ { // a process that is dead has no arguments
			if err := process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
				return fmt.Errorf("end runc: %w", err)
			}
			if try == 250 {
				return fmt.Errorf("end runc: process %d does not end", pid)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	return nil
}

// runs says whether a process, by the file of its arguments, is a runc that
// works on the container.
func (c container) runs(cmdline string) bool {
	data, err := os.ReadFile(cmdline)
	args := strings.Split(string(data), "\x00")
	return err == nil && len(args) > 2 && filepath.Base(args[0]) == "runc" && args[1] == "--root" && args[2] == c.state
}

// killMembers kills the processes of a control group.
func killMembers(group string) {
	data, err := os.ReadFile(filepath.Join(group, "cgroup.procs"))
	if err != nil {
		return // it is gone
	}
	for _, f := range strings.Fields(string(data)) {
		if pid, err := strconv.Atoi(f); err == nil && pid > 1 {
			unix.Kill(pid, unix.SIGKILL)
		}
	}
}

// removeCgroups removes the container's control groups where a killed runc has
// left them, with the processes that it has left there.
func removeCgroups(name string) error {
	mounts, err := cgroupMounts()
	if err != nil {
		return err
	}
	for _, mount := range mounts {
		at := filepath.Join(mount, name)
		below, err := filepath.Glob(filepath.Join(at, "beanpole-*"))
		if err != nil {
			return err
		}
		for _, p := range below {
			if err := removeCgroup(p); err != nil {
				return err
			}
		}
		if err := removeCgroup(at); err != nil {
			return err
		}
	}
	return nil
}

// limitGroup makes a control group whose members together have these limits.
func limitGroup(name string, r *specs.LinuxResources) error {
	mounts, err := cgroupMounts()
	if err != nil {
		return err
	}
	limits := map[string]int64{"memory.max": *r.Memory.Limit, "memory.limit_in_bytes": *r.Memory.Limit, "pids.max": *r.Pids.Limit}
	for _, mount := range mounts {
		at := filepath.Join(mount, name)
		unified := false
		if control := filepath.Join(mount, "cgroup.subtree_control"); exists(control) { // version 2
			unified = true
			os.WriteFile(control, []byte("+memory +pids"), 0) // they may be on, or be another's to switch on
		}
		if !unified && filepath.Base(mount) != "memory" && filepath.Base(mount) != "pids" {
			continue
		}
		if err := os.Mkdir(at, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
			return fmt.Errorf("make control group: %w", err)
		}
		for file, limit := range limits {
			if p := filepath.Join(at, file); exists(p) {
				if err := os.WriteFile(p, strconv.AppendInt(nil, limit, 10), 0); err != nil {
					return fmt.Errorf("limit containers: %w", err)
				}
			}
		}
	}
	return nil
}

func exists(p string) bool {
	_, err := os.Stat(p)
	return err == nil
}

// removeCgroup removes one control group, in which no other is.
func removeCgroup(at string) error {
	for try := 0; ; try++ { // busy until the last process is reaped
		err := unix.Rmdir(at)
		if err == nil || errors.Is(err, unix.ENOENT) {
			return nil
		}
		if !errors.Is(err, unix.EBUSY) || try == 50 {
			return fmt.Errorf("remove cgroup %s: %w", at, err)
		}
		killMembers(at)
		time.Sleep(20 * time.Millisecond)
	}
}

// cgroupMounts are where control groups of version 2 or 1 are mounted.
func cgroupMounts() ([]string, error) {
	data, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("list cgroups: %w", err)
	}
	var out []string
	for _, line := range strings.Split(string(data), "\n") {
		before, after, ok := strings.Cut(line, " - ")
		if f := strings.Fields(before); ok && len(f) > 4 && strings.HasPrefix(after, "cgroup") {
			out = append(out, f[4])
		}
	}
	return out, nil
}

// tail passes text on and keeps the end of it for an error message. Anything
// on an instance may write to PID 1's standard error: what could steer a
// terminal becomes "?", and what would fill the host's disk is left out.
type tail struct {
	to     io.Writer
	mu     sync.Mutex
	last   []byte
	passed int // bytes
}

const (
	tailSize = 2048
	mostLog  = 1 << 20 // bytes that one instance may add to the log
)

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = append(t.last, p...)
	if n := len(t.last); n > tailSize {
		t.last = append([]byte(nil), t.last[n-tailSize:]...)
	}
	n := len(p)
	if t.passed >= mostLog {
		return n, nil
	}
	keep := p[:min(n, mostLog-t.passed)]
	t.passed += len(keep)
	if _, err := t.to.Write(plain(keep)); err != nil {
		return 0, err
	}
	if t.passed == mostLog {
		_, err := fmt.Fprintf(t.to, "\nbeanpole: the instance wrote more than %d bytes; the rest is left out\n", mostLog)
		return n, err
	}
	return n, nil
}

// plain is text without what steers a terminal.
func plain(p []byte) []byte {
	return bytes.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || r != utf8.RuneError && unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, p)
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(plain(t.last)))
}
