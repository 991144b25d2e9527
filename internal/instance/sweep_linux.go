package instance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// record is all that is needed to find what an instance has made of the host.
// It is written first, so that nothing made is ever unknown.
type record struct {
	ID    string
	Token string // 10 random hex digits, part of every name
}

const (
	recordName = "record.json"
	lockName   = "lock"
)

// place is the folder of one instance, locked while its process lives.
type place struct {
	dir  string
	lock *os.File
	record
}

func instancesDir(dir string) string { return filepath.Join(dir, "instances") }

// lockPlaces keeps the making of a folder and its lock in one piece.
func lockPlaces(dir string) (*os.File, error) {
	if err := os.MkdirAll(instancesDir(dir), 0o700); err != nil {
		return nil, fmt.Errorf("make state directory: %w", err)
	}
	f, err := lockFile(filepath.Join(instancesDir(dir), ".lock"), true)
	if err != nil {
		return nil, fmt.Errorf("lock state directory: %w", err)
	}
	return f, nil
}

// newPlace makes the folder of a new instance.
func newPlace(dir string, r record) (*place, error) {
	all, err := lockPlaces(dir)
	if err != nil {
		return nil, err
	}
	defer all.Close()
	p := &place{dir: filepath.Join(instancesDir(dir), r.ID), record: r}
	if err := os.Mkdir(p.dir, 0o700); err != nil {
		return nil, fmt.Errorf("make instance folder: %w", err)
	}
	if p.lock, err = lockFile(filepath.Join(p.dir, lockName), false); err != nil {
		os.Remove(p.dir)
		return nil, fmt.Errorf("lock instance folder: %w", err)
	}
	data, err := json.Marshal(r)
	if err == nil {
		err = os.WriteFile(filepath.Join(p.dir, recordName), data, 0o600)
	}
	if err != nil {
		p.lock.Close()
		os.RemoveAll(p.dir)
		return nil, fmt.Errorf("write instance record: %w", err)
	}
	return p, nil
}

// clear removes everything that the instance has on this machine, and its
// folder last. It may be called again when it failed.
func (p *place) clear(ctx context.Context) error {
	if p.Token != "" {
		err := errors.Join(
			containerOf(p.dir, p.record).deleteBeside(ctx),
			containerOf(p.dir, p.record).delete(ctx),
			removeCgroups(dockerGroup(p.Token)),
			removeCgroups("beanpole-"+p.Token),
			removeLink(linkPrefix+p.Token),
			removeFirewall(p.Token),
		)
		if err != nil {
			return err
		}
		if err := mountpointsOf(p.Token).clear(); err != nil {
			return err
		}
	}
	if err := unmount(diskIn(p.dir)); err != nil {
		return err
	}
	return p.removeFolder()
}

// removeFolder removes the instance's folder; its record and its lock last, and
// while nobody else looks at it, who would make the lock anew.
func (p *place) removeFolder() error {
	entries, err := os.ReadDir(p.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("list instance folder: %w", err)
	}
	for _, e := range entries {
		if e.Name() == recordName || e.Name() == lockName {
			continue
		}
		if err := os.RemoveAll(filepath.Join(p.dir, e.Name())); err != nil {
			return fmt.Errorf("remove instance folder: %w", err)
		}
	}
	all, err := lockPlaces(filepath.Dir(filepath.Dir(p.dir)))
	if err != nil {
		return err
	}
	defer all.Close()
	if err := os.RemoveAll(p.dir); err != nil {
		return fmt.Errorf("remove instance folder: %w", err)
	}
	return nil
}

// Sweep removes what beanpole processes that were killed have left of the
// instances of state directory dir. Instances of living processes stay.
func Sweep(dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(instancesDir(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("list instances: %w", err)
	}
	var errs, common []error
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), commonPrefix) {
			errs = append(errs, sweepOne(dir, e.Name()))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err // what is left may stand on the common layers
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), commonPrefix) {
			common = append(common, sweepOne(dir, e.Name()))
		}
	}
	return errors.Join(common...)
}

func sweepOne(dir, name string) error {
	p, err := deadPlace(dir, name)
	if p == nil || err != nil {
		return err
	}
	defer p.lock.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	err = containerOf(p.dir, p.record).end()
	if err == nil {
		err = p.clear(ctx)
	}
	if err != nil {
		return fmt.Errorf("sweep instance %s: %w", name, err)
	}
	return nil
}

// deadPlace locks the folder of an instance whose process is gone; nil when it
// lives, or when somebody else sweeps it.
func deadPlace(dir, name string) (*place, error) {
	all, err := lockPlaces(dir)
	if err != nil {
		return nil, err
	}
	defer all.Close()
	p := &place{dir: filepath.Join(instancesDir(dir), name)}
	if p.lock, err = lockFile(filepath.Join(p.dir, lockName), false); err != nil {
		return nil, nil
	}
	data, err := os.ReadFile(filepath.Join(p.dir, recordName))
	if err == nil {
		err = json.Unmarshal(data, &p.record)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // killed while writing: nothing was made yet
		p.Token = ""
	}
	return p, nil
}
