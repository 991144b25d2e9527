package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"sync"

	"beanpole/internal/cloud"
	"beanpole/internal/cloud/elasticbeanstalk"
	"beanpole/internal/instance"
)

// launcher starts the environments' instances as containers on this machine
// and puts the local AWS into their network.
type launcher struct {
	dir      string
	realTime bool
	offline  bool
	root     string // folder; "" is this machine's
	images   *dockerImages
	log      io.Writer
	cloud    *cloud.Cloud

	mu      sync.Mutex
	checked bool // this machine can run instances
	running map[string]*instance.Instance
	noticed map[string]bool // what was told already
}

// once lets each notice through once: what the machine lacks, it lacks for
// every instance.
func (l *launcher) once(notice func(string)) func(string) {
	return func(text string) {
		l.mu.Lock()
		again := l.noticed[text]
		if l.noticed == nil {
			l.noticed = map[string]bool{}
		}
		l.noticed[text] = true
		l.mu.Unlock()
		if !again {
			notice(text)
		}
	}
}

// join tells the launcher which AWS its instances see. The two need each
// other, so one of them is told later.
func (l *launcher) join(c *cloud.Cloud) { l.cloud = c }

// Launch starts one instance, or says in one line what the machine lacks.
func (l *launcher) Launch(ctx context.Context, m elasticbeanstalk.MachineSpec) (elasticbeanstalk.Machine, error) {
	if err := l.able(); err != nil {
		return nil, err
	}
	ways, err := l.ways(m.Placement, m.Region, l.once(m.Notice))
	if err != nil {
		return nil, err
	}
	i, err := instance.Start(ctx, &instance.Spec{
		ID:   m.InstanceID,
		Dir:  l.dir,
		Args: []string{instanceInit},
		CA:   l.cloud.Authority().PEM(),
		Hide: []string{l.dir},
		// Compiling Go's own packages anew on every instance takes a minute.
		Cache: filepath.Join(l.dir, "cache", "go-build"),
		Metadata: l.cloud.Metadata(cloud.MetadataOptions{
			InstanceID: m.InstanceID, Region: m.Region, Profile: m.Profile,
		}),
		AWS:     l.cloud.From(m.Placement),
		TLS:     l.cloud.Authority().TLS(),
		Offline: l.offline,
		Ways:    ways,
		Patient: l.realTime,
		Volume:  m.Volume,
		Root:    l.root,
		Pull:    l.images.pull,
		Notice:  l.once(m.Notice),
		Log:     l.log,
	})
	if err != nil {
		return nil, fmt.Errorf("start instance %s: %w", m.InstanceID, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.running == nil {
		l.running = map[string]*instance.Instance{}
	}
	l.running[m.InstanceID] = i
	return &machine{Instance: i, launcher: l}, nil
}

// able is missing, until once nothing was: a machine does not lose what it has.
func (l *launcher) able() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.checked {
		return nil
	}
	err := missing()
	l.checked = err == nil
	return err
}

// readFile is a file of a running instance.
func (l *launcher) readFile(id, path string) ([]byte, error) {
	l.mu.Lock()
	i := l.running[id]
	l.mu.Unlock()
	if i == nil {
		return nil, fs.ErrNotExist
	}
	return i.ReadFile(path)
}

// machine is an instance as Elastic Beanstalk sees it.
type machine struct {
	*instance.Instance
	launcher *launcher
}

// Do adds how this local AWS was told to wait.
func (m *machine) Do(ctx context.Context, c *instance.Command) (*instance.Result, error) {
	c.RealTime = c.RealTime || m.launcher.realTime
	return m.Instance.Do(ctx, c)
}

// Stop ends the instance and forgets it.
func (m *machine) Stop(ctx context.Context) error {
	m.launcher.mu.Lock()
	delete(m.launcher.running, m.ID())
	m.launcher.mu.Unlock()
	return m.Instance.Stop(ctx)
}

// missing says what this machine lacks for running instances, nil for nothing.
func missing() error {
	var all []error
	for _, n := range instance.Missing() {
		all = append(all, usageError("%s: %s", n.What, n.Remedy))
	}
	if len(all) == 0 {
		return nil
	}
	return usageError("this machine cannot run instances: %v", errors.Join(all...))
}
