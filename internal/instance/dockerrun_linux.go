package instance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"beanpole/internal/docker"
)

// run runs a container until it or the request ends.
func (d *dockerd) run(w http.ResponseWriter, r *http.Request) {
	var in docker.Run
	if err := json.NewDecoder(io.LimitReader(r.Body, largestAsk)).Decode(&in); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	d.runs.Add(1)
	defer d.runs.Done()
	f := newFrames(w)
	code, err := d.runContainer(r.Context(), in, f)
	f.end(code, err)
}

func (d *dockerd) runContainer(ctx context.Context, in docker.Run, f *frames) (int, error) {
	c, err := d.named(ctx, in)
	if err != nil {
		return 0, err
	}
	defer d.forget(c)
	if err := limitGroup(dockerGroup(d.i.place.Token), resources(d.spec)); err != nil {
		return 0, err
	}
	h, at, err := d.connect()
	if err != nil {
		return 0, err
	}
	defer h.Close()
	d.mu.Lock()
	c.about.Address, c.about.Started = at.String(), time.Now()
	about := c.about
	d.mu.Unlock()
	bundle := filepath.Join(d.i.place.dir, "docker-"+c.about.ID[:16])
	if err := os.Mkdir(bundle, 0o711); err != nil {
		return 0, err
	}
	defer os.RemoveAll(bundle)
	o, err := d.specOf(c, in, bundle, uintptr(h))
	if err != nil {
		return 0, err
	}
	if err := writeBundle(bundle, o); err != nil {
		return 0, err
	}
	defer d.clear(c)
	cmd := c.runc.command(context.Background(), "run", "--bundle", bundle, c.runc.name)
	cmd.Stdout = &outputOf{f, &c.said, false}
	problem := &tail{to: io.Discard}
	cmd.Stderr = io.MultiWriter(&outputOf{f, &c.said, true}, problem)
	cmd.SysProcAttr.Pdeathsig = syscall.SIGTERM // runc passes it on
	f.send(docker.Frame{Started: &about})
	return finish(ctx, cmd, func() { c.runc.kill("KILL") })
}

// finish waits for runc, on a thread that lives as long as it: only so is a
// signal at its parent's death one.
func finish(ctx context.Context, cmd *exec.Cmd, kill func()) (int, error) {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		done <- cmd.Run()
	}()
	var err error
	select {
	case err = <-done:
	case <-ctx.Done():
		for waiting := true; waiting; { // it may not have begun yet
			kill()
			select {
			case err = <-done:
				waiting = false
			case <-time.After(50 * time.Millisecond):
			}
		}
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode(), nil
	}
	return 0, err
}

// kill sends a signal; a container that is gone needs none.
func (c container) kill(signal string) {
	c.command(context.Background(), "kill", c.name, signal).Run()
}

// clear removes what runc and the kernel have of a container.
func (d *dockerd) clear(c *dockerContainer) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := errors.Join(c.runc.delete(ctx), removeCgroups(dockerGroup(d.i.place.Token)+"/"+c.runc.name)); err != nil {
		fmt.Fprintf(d.spec.Log, "beanpole: %v\n", err)
	}
}

// dockerGroup is the control group of an instance's containers.
func dockerGroup(token string) string { return "beanpole-" + token + "-docker" }

// specOf is the container for runc: confined as the instance is.
func (d *dockerd) specOf(c *dockerContainer, in docker.Run, bundle string, network uintptr) (*specs.Spec, error) {
	if len(in.Args) == 0 {
		return nil, errors.New("the image names no command, and none was given")
	}
	user, home, err := userIn(c.layer.merged, in.User)
	if err != nil {
		return nil, err
	}
	o := &specs.Spec{
		Version:  "1.0.2",
		Hostname: docker.Short(c.about.ID),
		Root:     &specs.Root{Path: c.layer.merged},
		Process: &specs.Process{Cwd: "/", Args: in.Args, User: user,
			Env: withDefaults(in.Env, searchPath, "HOME="+home, "HOSTNAME="+docker.Short(c.about.ID))},
		Mounts: dockerMounts(),
		Linux: &specs.Linux{
			CgroupsPath: "/" + dockerGroup(d.i.place.Token) + "/" + c.runc.name,
			Resources:   resources(d.spec),
		},
	}
	if in.Dir != "" {
		o.Process.Cwd = filepath.Clean("/" + in.Dir)
	}
	if err := d.i.confine(o, ourFile(network)); err != nil {
		return nil, err
	}
	if err := d.names(c, in, bundle, o); err != nil {
		return nil, err
	}
	for _, m := range in.Mounts {
		if err := d.share(c, m, o); err != nil {
			return nil, err
		}
	}
	return o, d.trust(c.layer)
}

// withDefaults adds what env does not set.
func withDefaults(env []string, defaults ...string) []string {
	out := append([]string{}, env...)
	for _, e := range defaults {
		name, _, _ := strings.Cut(e, "=")
		set := false
		for _, have := range env {
			set = set || strings.HasPrefix(have, name+"=")
		}
		if !set {
			out = append(out, e)
		}
	}
	return out
}

// dockerMounts are those of every container.
func dockerMounts() []specs.Mount {
	var out []specs.Mount
	for _, m := range mounts(&Spec{}) {
		if m.Destination != "/run" && m.Destination != programPath {
			out = append(out, m)
		}
	}
	return out
}

// names writes the files that say who the container is and whom it asks.
func (d *dockerd) names(c *dockerContainer, in docker.Run, bundle string, o *specs.Spec) error {
	id := docker.Short(c.about.ID)
	hosts := fmt.Sprintf("127.0.0.1\tlocalhost\n::1\tlocalhost\n%s\t%s\n", c.about.Address, id)
	var others []string
	for name := range in.Hosts {
		others = append(others, name)
	}
	sort.Strings(others)
	for _, name := range others {
		hosts += in.Hosts[name] + "\t" + name + "\n"
	}
	for p, text := range map[string]string{"/etc/hostname": id + "\n", "/etc/hosts": hosts, "/etc/resolv.conf": "nameserver " + dnsAddress.String() + "\n"} {
		at := filepath.Join(bundle, filepath.Base(p))
		if err := os.WriteFile(at, []byte(text), 0o644); err != nil {
			return err
		}
		if err := os.Chown(at, d.i.base(), d.i.base()); err != nil {
			return err
		}
		o.Mounts = append(o.Mounts, specs.Mount{Destination: p, Type: "bind", Source: at, Options: []string{"bind", "rw", "nosuid", "nodev", "noexec", "private"}})
	}
	return nil
}

// share lets the container see a file or folder of the instance's disk, which
// is made when it is not there. What lies in its memory, as /run, is out of
// reach.
func (d *dockerd) share(c *dockerContainer, m docker.Mount, o *specs.Spec) error {
	if !filepath.IsAbs(m.Source) || !filepath.IsAbs(m.Target) || filepath.Clean(m.Target) == "/" {
		return fmt.Errorf("volume %s:%s: both have to be absolute paths", m.Source, m.Target)
	}
	fd, err := inRoot(d.i.root(), m.Source, unix.O_PATH)
	if errors.Is(err, unix.ENOENT) {
		var root int
		if root, err = unix.Open(d.i.root(), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err == nil {
			fd, err = d.makeFolders(root, filepath.Clean(m.Source))
			unix.Close(root)
		}
	}
	if err != nil {
		return fmt.Errorf("volume %s: %w", m.Source, err)
	}
	defer unix.Close(fd)
	at, err := d.hold(fd)
	if err != nil {
		return fmt.Errorf("volume %s: %w", m.Source, err)
	}
	c.held = append(c.held, at)
	how := "rw"
	if m.ReadOnly {
		how = "ro"
	}
	o.Mounts = append(o.Mounts, specs.Mount{Destination: filepath.Clean(m.Target), Type: "bind", Source: at,
		Options: []string{"bind", how, "nosuid", "nodev", "private"}})
	return nil
}

// hold mounts what fd is open on where runc finds it: between a look at a path
// and its mount the instance could put a link there.
func (d *dockerd) hold(fd int) (string, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return "", err
	}
	at := filepath.Join(d.at, newID()[:16])
	var err error
	if st.Mode&unix.S_IFMT == unix.S_IFDIR {
		err = os.Mkdir(at, 0o755)
	} else {
		err = os.WriteFile(at, nil, 0o644)
	}
	if err != nil {
		return "", err
	}
	tree, err := unix.OpenTree(fd, "", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_EMPTY_PATH)
	if err != nil {
		return "", err
	}
	defer unix.Close(tree)
	return at, unix.MoveMount(tree, "", unix.AT_FDCWD, at, unix.MOVE_MOUNT_F_EMPTY_PATH)
}

// trust lets programs in the container trust the local AWS, as those on the
// instance do: its authority is added to the bundles that the image has.
func (d *dockerd) trust(l *dockerLayer) error {
	if len(d.spec.CA) == 0 {
		return nil
	}
	for _, p := range append([]string{"/etc/ssl/cert.pem"}, bundles...) {
		have, err := readIn(l.merged, p)
		if err != nil || strings.Contains(string(have), string(d.spec.CA)) {
			continue // the image has none
		}
		fd, err := inRoot(l.merged, p, unix.O_WRONLY|unix.O_APPEND|unix.O_NONBLOCK)
		if err != nil {
			return fmt.Errorf("add the local AWS's certificate to %s: %w", p, err)
		}
		f := os.NewFile(uintptr(fd), p)
		_, err = f.Write(append([]byte("\n"), d.spec.CA...))
		if err := errors.Join(err, f.Close()); err != nil {
			return fmt.Errorf("add the local AWS's certificate to %s: %w", p, err)
		}
	}
	return nil
}

// exec runs one more process in a container.
func (d *dockerd) exec(w http.ResponseWriter, r *http.Request) {
	var in docker.Exec
	err := json.NewDecoder(io.LimitReader(r.Body, largestAsk)).Decode(&in)
	var c *dockerContainer
	if err == nil {
		c, err = d.find(r.FormValue("id"))
	}
	if err == nil && len(in.Args) == 0 {
		err = errors.New("no program is named")
	}
	var user specs.User
	if err == nil {
		user, _, err = userIn(c.layer.merged, in.User)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	args := []string{"exec", "--user", fmt.Sprintf("%d:%d", user.UID, user.GID)}
	if in.Dir != "" {
		args = append(args, "--cwd", filepath.Clean("/"+in.Dir))
	}
	for _, e := range in.Env {
		args = append(args, "--env", e)
	}
	f := newFrames(w)
	cmd := c.runc.command(r.Context(), append(append(args, c.runc.name), in.Args...)...)
	said := &ring{}
	cmd.Stdout, cmd.Stderr = &outputOf{f, said, false}, &outputOf{f, said, true}
	code, err := finish(r.Context(), cmd, func() {})
	f.end(code, err)
}

// kill sends a signal to a container's first process.
func (d *dockerd) kill(ctx context.Context, id, signal string) error {
	c, err := d.find(id)
	if err != nil {
		return err
	}
	name := strings.TrimPrefix(strings.ToUpper(signal), "SIG")
	if unix.SignalNum("SIG"+name) == 0 {
		return fmt.Errorf("invalid signal: %s", signal)
	}
	out, err := c.runc.command(ctx, "kill", c.runc.name, name).CombinedOutput()
	if err != nil {
		return fmt.Errorf("kill container: %w: %s", err, out)
	}
	return nil
}

// frames writes what happens while a process runs.
type frames struct {
	mu   sync.Mutex
	to   *json.Encoder
	push http.Flusher
}

func newFrames(w http.ResponseWriter) *frames {
	f, _ := w.(http.Flusher)
	return &frames{to: json.NewEncoder(w), push: f}
}

func (f *frames) send(x docker.Frame) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.to.Encode(x) // who is gone is told nothing
	if f.push != nil {
		f.push.Flush()
	}
}

func (f *frames) end(code int, err error) {
	if err != nil {
		f.send(docker.Frame{Fault: err.Error()})
		return
	}
	f.send(docker.Frame{Exit: &code})
}

// outputOf passes output on and keeps the end of it.
type outputOf struct {
	to     *frames
	keep   *ring
	errors bool
}

func (o *outputOf) Write(p []byte) (int, error) {
	o.keep.write(p)
	if o.errors {
		o.to.send(docker.Frame{Err: p})
	} else {
		o.to.send(docker.Frame{Out: p})
	}
	return len(p), nil
}

// ring is the end of what a container has said.
type ring struct {
	mu  sync.Mutex
	end []byte
}

const mostSaid = 256 << 10 // bytes

func (r *ring) write(p []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.end = append(r.end, p...)
	if n := len(r.end); n > 2*mostSaid {
		r.end = append([]byte(nil), r.end[n-mostSaid:]...)
	}
}

func (r *ring) bytes() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]byte{}, r.end[max(0, len(r.end)-mostSaid):]...)
}
