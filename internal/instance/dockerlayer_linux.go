package instance

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// dockerLayer is a layer of files: an image's own, unpacked on this machine
// and never written to, or one on the instance's disk.
type dockerLayer struct {
	id     string
	parent *dockerLayer
	base   string // folder in which an image's files show; "" for a layer on the instance's disk
	upper  string // what is in it
	work   string // the overlay's own
	merged string // where it shows over its parents; "" as long as it does not
	frozen bool   // nothing is written to it any more
	users  int    // containers that run in it
}

// baseLayer shows an image's files as those of the instance's users. mu is
// held.
func (d *dockerd) baseLayer(folder string) (*dockerLayer, error) {
	if len(d.layers) >= mostLayers {
		return nil, fmt.Errorf("an instance has at most %d layers here", mostLayers)
	}
	l := &dockerLayer{id: newID(), base: folder, frozen: true}
	if d.i.users != nil {
		at, err := d.mountPoint(l.id)
		if err != nil {
			return nil, err
		}
		if err := d.i.users.show(folder, at); err != nil {
			return nil, err
		}
		l.base = at
	}
	d.layers[l.id] = l
	return l, nil
}

// mountPoint makes one.
func (d *dockerd) mountPoint(id string) (string, error) {
	at := filepath.Join(d.at, id[:16])
	if err := os.Mkdir(at, 0o755); err != nil {
		return "", fmt.Errorf("make mount point: %w", err)
	}
	return at, nil
}

// newLayer makes an empty layer over another, or over nothing.
func (d *dockerd) newLayer(parent string) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p := d.layers[parent]
	if p == nil && parent != "" {
		return "", errors.New("no such layer")
	}
	l, err := d.over(p)
	if err != nil {
		return "", err
	}
	return l.id, nil
}

// over makes an empty layer over p. mu is held.
func (d *dockerd) over(p *dockerLayer) (*dockerLayer, error) {
	if len(d.layers) >= mostLayers {
		return nil, fmt.Errorf("an instance has at most %d layers here", mostLayers)
	}
	if p != nil && !p.frozen {
		p.frozen = true
	}
	l := &dockerLayer{id: newID(), parent: p}
	dir := filepath.Join(d.disk, l.id[:16])
	l.upper, l.work = filepath.Join(dir, "upper"), filepath.Join(dir, "work")
	for _, f := range []string{dir, l.upper, l.work} {
		if err := os.Mkdir(f, 0o755); err != nil {
			return nil, fmt.Errorf("make layer: %w", err)
		}
	}
	if err := os.Chown(l.upper, d.i.base(), d.i.base()); err != nil {
		return nil, fmt.Errorf("make layer: %w", err)
	}
	d.layers[l.id] = l
	return l, nil
}

// files is where a layer's files show, for reading.
func (d *dockerd) files(id string) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := d.layers[id]
	switch {
	case l == nil:
		return "", errors.New("no such layer")
	case l.base != "":
		return l.base, nil
	}
	return l.merged, d.show(l)
}

// show mounts a layer over its parents, unless it is. mu is held.
func (d *dockerd) show(l *dockerLayer) error {
	if l.merged != "" {
		return nil
	}
	var lowers []string
	for p := l.parent; p != nil; p = p.parent {
		if p.base != "" {
			lowers = append(lowers, p.base)
		} else {
			lowers = append(lowers, p.upper)
		}
	}
	if len(lowers) == 0 { // FROM scratch
		nothing := filepath.Join(d.disk, "nothing")
		if err := os.Mkdir(nothing, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
		lowers = []string{nothing}
	}
	at, err := d.mountPoint(l.id)
	if err != nil {
		return err
	}
	if err := mountOverlay(lowers, l.upper, l.work, at); err != nil {
		return errors.Join(err, os.Remove(at))
	}
	l.merged = at
	return nil
}

// removeLayer removes a layer, and those below that nothing needs any more.
func (d *dockerd) removeLayer(id string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := d.layers[id]
	if l == nil {
		return errors.New("no such layer")
	}
	return d.drop(l)
}

// drop removes a layer that nothing needs, and then its parents. mu is held.
func (d *dockerd) drop(l *dockerLayer) error {
	for ; l != nil && !d.needed(l); l = l.parent {
		for _, at := range []string{l.merged, l.base} {
			if at == "" || filepath.Dir(at) != d.at {
				continue
			}
			if err := errors.Join(unmount(at), os.Remove(at)); err != nil {
				return fmt.Errorf("remove layer: %w", err)
			}
		}
		if l.upper != "" {
			if err := os.RemoveAll(filepath.Dir(l.upper)); err != nil {
				return fmt.Errorf("remove layer: %w", err)
			}
		}
		delete(d.layers, l.id)
	}
	return nil
}

// needed says whether an image, a container or a layer above needs l. mu is
// held.
func (d *dockerd) needed(l *dockerLayer) bool {
	if l.users > 0 {
		return true
	}
	for _, i := range d.images {
		if i.Layer == l.id {
			return true
		}
	}
	for _, other := range d.layers {
		if other.parent == l {
			return true
		}
	}
	return false
}

// inRoot opens what is at p as a process whose "/" is root would: links never
// lead out of it.
func inRoot(root, p string, flags uint64) (int, error) {
	dir, err := unix.Open(root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, &os.PathError{Op: "open", Path: root, Err: err}
	}
	defer unix.Close(dir)
	return openBelow(dir, p, flags)
}
