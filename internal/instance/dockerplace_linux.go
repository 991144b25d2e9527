package instance

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"beanpole/internal/docker"
)

// dockerContainer is a container that runs beside the instance.
type dockerContainer struct {
	about docker.Container
	runc  container
	layer *dockerLayer
	own   bool // the layer is the container's own, and goes with it
	said  ring
	held  []string        // mounts of what it sees of the instance
	asked context.Context // of who ran it
	gone  chan struct{}   // closed when its name is free
}

// nameWait is how long a name is waited for whose container may be about to
// go: one that replaces another starts as soon as the other's `docker run` has
// ended.
const nameWait = 3 * time.Second

// nameTaken says that another container has the name.
type nameTaken struct{ by *dockerContainer }

func (e *nameTaken) Error() string {
	return fmt.Sprintf("the container name %q is in use by container %s", e.by.about.Name, docker.Short(e.by.about.ID))
}

// named is newContainer, once a container of that name that goes is gone.
func (d *dockerd) named(ctx context.Context, in docker.Run) (*dockerContainer, error) {
	patience := time.NewTimer(nameWait)
	defer patience.Stop()
	for {
		c, err := d.newContainer(ctx, in)
		var taken *nameTaken
		if !errors.As(err, &taken) {
			return c, err
		}
		select {
		case <-taken.by.gone:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-patience.C:
			if taken.by.asked.Err() == nil {
				return nil, err // it runs on
			}
			<-taken.by.gone
		}
	}
}

// newContainer takes a place, and a layer, for a container.
func (d *dockerd) newContainer(ctx context.Context, in docker.Run) (*dockerContainer, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := d.layers[in.Layer]
	switch {
	case l == nil:
		return nil, errors.New("no such layer")
	case len(d.running) >= mostContainers:
		return nil, fmt.Errorf("at most %d containers run on an instance here", mostContainers)
	case in.InPlace && l.frozen:
		return nil, errors.New("the layer is not written to any more")
	}
	for _, c := range d.running {
		if in.Name != "" && c.about.Name == in.Name {
			return nil, &nameTaken{c}
		}
	}
	if !in.InPlace {
		var err error
		if l, err = d.over(l); err != nil {
			return nil, err
		}
	}
	if err := d.show(l); err != nil {
		return nil, err
	}
	l.users++
	id := newID()
	c := &dockerContainer{layer: l, own: !in.InPlace, asked: ctx, gone: make(chan struct{}), about: docker.Container{ID: id, Name: in.Name, Image: in.Image, Args: in.Args}}
	if in.Name == "" {
		c.about.Name = "container-" + docker.Short(id)
	}
	c.runc = container{state: containerOf(d.i.place.dir, d.i.place.record).state, name: "beanpole-" + d.i.place.Token + "-" + docker.Short(id)}
	d.running[id] = c
	return c, nil
}

// forget lets go of a container's place and of its own layer.
func (d *dockerd) forget(c *dockerContainer) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, at := range c.held {
		if err := errors.Join(unmount(at), os.Remove(at)); err != nil {
			fmt.Fprintf(d.spec.Log, "beanpole: %v\n", err)
		}
	}
	delete(d.running, c.about.ID)
	close(c.gone)
	c.layer.users--
	if c.own {
		if err := d.drop(c.layer); err != nil {
			fmt.Fprintf(d.spec.Log, "beanpole: %v\n", err)
		}
	}
}
