package instance

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// commonLayer is what instances that start at the same time have over the lower
// layer in common: what is hidden, whom they trust, the programs in the place of
// the root's. It is a layer of its own below each one's upper layer, which no
// instance can write to, on a disk as theirs are. The last of them takes it away.
type commonLayer struct {
	place *place
	dir   string

	mu    sync.Mutex
	users int // instances
}

// commonPrefix begins the name of its folder; no instance's ID begins so.
const commonPrefix = ".common-"

// commonLayers are those in the making, by what they are made of.
var commonLayers struct {
	sync.Mutex
	of map[string]*together[*commonLayer]
}

// takeCommon is the common layer for one more instance, which has to let go of it.
// It was made after the instance began to start: nothing that the machine keeps
// private by then shows. nil where there is no way to make a disk for it: then
// each instance has all that by itself.
func takeCommon(s *Spec) (*commonLayer, error) {
	key := strings.Join(append([]string{s.Dir, s.Root, string(s.CA), fmt.Sprint(s.Volume)}, s.Hide...), "\x00")
	commonLayers.Lock()
	t := commonLayers.of[key]
	if t == nil {
		if commonLayers.of == nil {
			commonLayers.of = map[string]*together[*commonLayer]{}
		}
		t = newTogether[*commonLayer]()
		commonLayers.of[key] = t
	}
	commonLayers.Unlock()
	return t.do(func(instances int) (*commonLayer, error) { return makeCommon(s, instances) })
}

// makeCommon makes the layer for a number of instances.
func makeCommon(s *Spec, instances int) (c *commonLayer, err error) {
	token := make([]byte, 5)
	rand.Read(token)
	p, err := newPlace(s.Dir, record{ID: commonPrefix + hex.EncodeToString(token)})
	if err != nil {
		return nil, err
	}
	c = &commonLayer{place: p, dir: filepath.Join(diskIn(p.dir), "layer"), users: instances}
	defer func() {
		if err != nil || c == nil {
			err = errors.Join(err, p.clear(context.Background()))
			p.lock.Close()
			c = nil
		}
	}()
	// What keeps a disk from being made is said by each instance for its own.
	if err := makeDisk(p.dir, s.Volume, func(string) {}); err != nil {
		return nil, err
	}
	if !mountedAt(diskIn(p.dir)) {
		return nil, nil
	}
	if err := os.Mkdir(c.dir, 0o755); err != nil {
		return nil, err
	}
	return c, buildCommon(newLayer(s.Root, c.dir), s)
}

// leave lets go of the layer for one instance, whose root must be unmounted.
func (c *commonLayer) leave(ctx context.Context) error {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.users--; c.users > 0 {
		return nil
	}
	defer c.place.lock.Close()
	return c.place.clear(ctx)
}
