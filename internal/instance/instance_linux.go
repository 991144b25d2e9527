package instance

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/vishvananda/netns"

	"beanpole/internal/source"
)

const (
	readyTimeout = 30 * time.Second // from runc's start to PID 1's first line
	stopTimeout  = 10 * time.Second // for PID 1 to end its processes
)

// Instance is a running instance.
type Instance struct {
	id       string
	place    *place
	address  netip.Addr
	hostname string
	servers  *listeners
	network  netns.NsHandle
	runc     *exec.Cmd
	control  *control
	users    *users        // nil: those of this machine
	docker   *dockerd      // nil: it runs no containers of its own
	common   *commonLayer  // nil: its upper layer has all
	ended    chan struct{} // closed when the container is gone

	stop sync.Mutex
	gone bool
}

// Start makes an instance and waits until its PID 1 is ready. When it fails,
// nothing is left.
func Start(ctx context.Context, s *Spec) (i *Instance, err error) {
	spec, err := complete(s)
	if err != nil {
		return nil, err
	}
	token := make([]byte, 5)
	rand.Read(token)
	p, err := newPlace(spec.Dir, record{ID: spec.ID, Token: hex.EncodeToString(token)})
	if err != nil {
		return nil, err
	}
	i = &Instance{id: spec.ID, place: p, network: netns.None(), ended: make(chan struct{})}
	defer func() {
		if err != nil {
			err = errors.Join(err, i.Stop(context.WithoutCancel(ctx)))
			i = nil
		}
	}()
	return i, i.start(ctx, spec)
}

// complete checks the spec and fills in what was left out.
func complete(s *Spec) (*Spec, error) {
	c := *s
	var err error
	if c.Dir, err = filepath.Abs(c.Dir); err != nil {
		return nil, err
	}
	if c.ID == "" || c.ID != filepath.Base(c.ID) || c.ID[0] == '.' {
		return nil, fmt.Errorf("start instance: %q cannot be an instance ID", c.ID)
	}
	if c.Root == "" {
		c.Root = "/"
	}
	if c.Root, err = filepath.Abs(c.Root); err != nil {
		return nil, err
	}
	if c.Binary == "" {
		if c.Binary, err = os.Executable(); err != nil {
			return nil, fmt.Errorf("find this program's file: %w", err)
		}
	}
	if c.Root != "/" && !static(c.Binary) {
		return nil, &source.Problem{What: fmt.Sprintf("%s is linked dynamically, and does not run on another root", c.Binary), Remedy: "build it with CGO_ENABLED=0, as make build does"}
	}
	if c.Cache != "" {
		if c.Cache, err = filepath.Abs(c.Cache); err != nil {
			return nil, err
		}
		if err := os.MkdirAll(c.Cache, 0o700); err != nil {
			return nil, fmt.Errorf("make cache folder: %w", err)
		}
	}
	if c.Log == nil {
		c.Log = io.Discard
	}
	if c.Notice == nil {
		c.Notice = func(string) {}
	}
	c.Hide = append([]string{c.Dir}, c.Hide...)
	return &c, nil
}

func (i *Instance) start(ctx context.Context, s *Spec) error {
	if err := addFirewall(i.place.Token); err != nil {
		return err
	}
	m := mountpointsOf(i.place.Token)
	if err := m.make(); err != nil {
		return err
	}
	lower, err := i.makeUsers(s, m)
	if err != nil {
		return err
	}
	root := make(chan rootLayer, 1)
	go func() { root <- i.makeLayer(s) }() // while the kernel makes the network
	n, err := newNetwork(i.place.Token, i.users)
	layer := <-root // nothing goes on behind a failure
	i.common = layer.common
	if err != nil {
		return err
	}
	// Our sockets hold the one namespace. The other is held besides by the
	// container: when that dies, the address stays ours until Stop, and refuses
	// connections. Gone, they would leave by this machine's default route.
	i.network = n.instance
	defer n.services.Close()
	i.address, i.hostname = n.private, s.Hostname
	if i.hostname == "" {
		i.hostname = hostnameOf(n.private)
	}
	if i.servers, err = listen(n, s, i.hostname); err != nil {
		return err
	}
	if err := i.makeRoot(layer, lower, n); err != nil {
		return err
	}
	if err := i.startDockerd(s); err != nil {
		return err
	}
	o, err := i.ociSpec(s)
	if err != nil {
		return err
	}
	if err := writeBundle(i.place.dir, o); err != nil {
		return err
	}
	if err := i.run(ctx, s.Log); err != nil {
		return err
	}
	go i.watchLimits(s)
	return nil
}

func (i *Instance) root() string { return mountpointsOf(i.place.Token).root() }

// makeUsers gives the instance users of its own, and the path at which its
// lower layer shows as theirs. Where the kernel cannot do it with this root,
// it says so, and the instance has the machine's users.
func (i *Instance) makeUsers(s *Spec, m mountpoints) (lower string, err error) {
	u, err := newUsers(i.place.Token)
	if err == nil {
		err = u.show(s.Root, m.lower())
	}
	if err == nil && s.Cache != "" {
		err = u.show(s.Cache, m.cache())
	}
	if err != nil {
		u.close()
		for _, p := range m.all() {
			if err := unmount(p); err != nil {
				return "", err
			}
		}
		s.Notice(fmt.Sprintf("root on the instance has root's user ID on this machine too, within the limits of its container: %v", err))
		return s.Root, nil
	}
	i.users = u
	if s.Cache != "" {
		s.Cache = m.cache()
	}
	return m.lower(), os.Chown(m.dir, int(u.base), int(u.base))
}

// rootLayer is what an instance's root has over the lower layer, before the mount.
type rootLayer struct {
	*layer
	common *commonLayer
	work   string
	err    error
}

// makeLayer prepares all of the root that does not depend on the network.
func (i *Instance) makeLayer(s *Spec) (r rootLayer) {
	if r.err = makeDisk(i.place.dir, s.Volume, s.Notice); r.err != nil {
		return r
	}
	disk := diskIn(i.place.dir)
	r.layer, r.work = newLayer(s.Root, filepath.Join(disk, "upper")), filepath.Join(disk, "work")
	for _, d := range []string{r.upper, r.work} {
		if r.err = os.Mkdir(d, 0o755); r.err != nil {
			return r
		}
	}
	if s.Root != "/" {
		if lack := r.lacks(); lack != "" {
			s.Notice(lack)
		}
	}
	if r.common, r.err = takeCommon(s); r.err == nil && r.common == nil {
		r.err = buildCommon(r.layer, s)
	}
	if r.err == nil {
		r.layer.hidden, r.layer.gone = map[string]bool{}, map[string]bool{} // of this layer, nothing yet
		r.err = buildOwn(r.layer)
	}
	return r
}

func (i *Instance) makeRoot(l rootLayer, lower string, n *network) error {
	err := l.err
	if err == nil {
		err = writeNames(l.layer, i.hostname, n)
	}
	if err == nil && i.users != nil {
		err = i.users.own(l.upper)
	}
	if err != nil {
		return fmt.Errorf("prepare the instance's root: %w", err)
	}
	lowers := []string{lower}
	if l.common != nil {
		at := l.common.dir
		if i.users != nil {
			at = mountpointsOf(i.place.Token).common()
			if err := i.users.show(l.common.dir, at); err != nil {
				return err
			}
		}
		lowers = []string{at, lower}
	}
	if err := mountOverlay(lowers, l.upper, l.work, i.root()); err != nil {
		return err
	}
	if i.users == nil {
		return nil
	}
	for _, p := range lowers {
		if err := unmount(p); err != nil { // the overlay has its own
			return err
		}
	}
	return nil
}

// run starts the container and waits for PID 1's first line.
func (i *Instance) run(ctx context.Context, log io.Writer) error {
	c, ctl, last, err := containerOf(i.place.dir, i.place.record).run(i.place.dir, log)
	if err != nil {
		return err
	}
	i.runc, i.control = c, ctl
	go func() {
		<-ctl.drained
		c.Wait()
		close(i.ended)
	}()
	late := time.NewTimer(readyTimeout)
	defer late.Stop()
	select {
	case <-ctl.ready:
		return nil
	case <-ctl.done:
		return fmt.Errorf("start the instance's PID 1: it ended: %s", last)
	case <-late.C:
		return fmt.Errorf("start the instance's PID 1: not ready after %s: %s", readyTimeout, last)
	case <-ctx.Done():
		return fmt.Errorf("start the instance's PID 1: %w", ctx.Err())
	}
}

// ID is the instance ID.
func (i *Instance) ID() string { return i.id }

// Address is the private address, which this machine alone reaches.
func (i *Instance) Address() netip.Addr { return i.address }

// Hostname is the private DNS name.
func (i *Instance) Hostname() string { return i.hostname }

// Done is closed when the instance has ended, for whatever reason.
func (i *Instance) Done() <-chan struct{} { return i.ended }

// Do gives PID 1 a command and waits for its result. When ctx ends first, the
// command goes on, as on EC2.
func (i *Instance) Do(ctx context.Context, c *Command) (*Result, error) { return i.control.do(ctx, c) }

// Exec runs a program as root on the instance. The error wraps *exec.ExitError
// when the program failed.
func (i *Instance) Exec(ctx context.Context, argv []string, stdin io.Reader, stdout, stderr io.Writer) error {
	if len(argv) == 0 {
		return errors.New("run a program on the instance: none is named")
	}
	return containerOf(i.place.dir, i.place.record).exec(ctx, argv, stdin, stdout, stderr)
}

// ReadFile reads a plain file of the instance's disk (not of /run, which is
// memory). Links lead where they lead on the instance, never outside it.
func (i *Instance) ReadFile(path string) ([]byte, error) { return readIn(i.root(), path) }

// ReadEnd is ReadFile for at most the last bytes of a file.
func (i *Instance) ReadEnd(path string, most int64) ([]byte, error) {
	return readEndIn(i.root(), path, most)
}

// Stop ends the instance and removes everything that it was made of. PID 1 is
// asked first and killed after 10 s or when ctx ends. It may be called again.
func (i *Instance) Stop(ctx context.Context) error {
	i.stop.Lock()
	defer i.stop.Unlock()
	if i.gone {
		return nil
	}
	if i.runc != nil {
		i.control.hangUp()
		late := time.NewTimer(stopTimeout)
		select {
		case <-i.ended:
		case <-late.C:
		case <-ctx.Done():
		}
		late.Stop()
	}
	// What is left has to go even when the caller has no more time.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	i.docker.close()
	err := i.place.clear(ctx)
	if err == nil {
		err, i.common = i.common.leave(ctx), nil
	}
	if i.runc != nil {
		select {
		case <-i.ended:
		case <-ctx.Done():
			err = errors.Join(err, errors.New("end the instance: its container does not end"))
		}
	} else {
		select {
		case <-i.ended:
		default:
			close(i.ended)
		}
	}
	if i.servers != nil {
		i.servers.close()
	}
	if i.network.IsOpen() {
		i.network.Close()
	}
	i.users.close()
	i.users = nil
	if err == nil {
		i.gone = true
		i.place.lock.Close()
	}
	return err
}
