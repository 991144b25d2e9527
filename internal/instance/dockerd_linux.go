package instance

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"beanpole/internal/docker"
)

// dockerd stands for an instance's Docker daemon. Containers are not on the
// instance, whose root may mount nothing and make no namespaces: they stand
// beside it, in its user namespace and behind its network, within the same
// limits, and their files are on its disk. So a container's root is nobody on
// this machine either, and reaches what the instance reaches.
type dockerd struct {
	i    *Instance
	spec *Spec
	disk string // folder of layers, on the instance's disk
	at   string // folder of mount points
	ctx  context.Context
	end  context.CancelFunc
	srv  *http.Server
	runs sync.WaitGroup // containers and pulls that are not over

	mu      sync.Mutex // of what follows; held while the kernel mounts
	layers  map[string]*dockerLayer
	images  map[string]*docker.Image // by ID
	running map[string]*dockerContainer
	bridge  bool // there is one
	next    int  // the last address given
}

// Bounds of what one instance may ask for.
const (
	mostLayers     = 512
	mostContainers = 16
	largestAsk     = 4 << 20 // bytes of a request, but for archives
)

// startDockerd opens the socket, which the instance's root alone may use.
func (i *Instance) startDockerd(s *Spec) error {
	if s.Pull == nil {
		return nil
	}
	m := mountpointsOf(i.place.Token)
	d := &dockerd{i: i, spec: s, disk: filepath.Join(diskIn(i.place.dir), "docker"), at: m.docker(),
		layers: map[string]*dockerLayer{}, images: map[string]*docker.Image{}, running: map[string]*dockerContainer{}, next: 1}
	d.ctx, d.end = context.WithCancel(context.Background())
	for _, p := range []string{d.disk, d.at} {
		if err := os.Mkdir(p, 0o711); err != nil {
			return fmt.Errorf("make folder of containers: %w", err)
		}
	}
	l, err := net.Listen("unix", m.socket())
	if err != nil {
		return fmt.Errorf("listen for the instance's containers: %w", err)
	}
	if err := errors.Join(os.Chmod(m.socket(), 0o600), os.Chown(m.socket(), i.base(), i.base())); err != nil {
		l.Close()
		return fmt.Errorf("listen for the instance's containers: %w", err)
	}
	d.srv = &http.Server{Handler: d.routes(), ReadHeaderTimeout: 30 * time.Second, MaxHeaderBytes: 64 << 10,
		BaseContext: func(net.Listener) context.Context { return d.ctx }}
	go d.srv.Serve(l)
	i.docker = d
	return nil
}

// base is what this machine calls the instance's root.
func (i *Instance) base() int {
	if i.users == nil {
		return 0
	}
	return int(i.users.base)
}

// close ends all containers and what is being fetched.
func (d *dockerd) close() {
	if d == nil {
		return
	}
	d.end()
	d.srv.Close()
	d.runs.Wait()
}

// routes are what an instance may ask.
func (d *dockerd) routes() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("POST /pull", answer(func(r *http.Request, in docker.Pull) (any, error) { return d.pull(r.Context(), in) }))
	m.HandleFunc("GET /images", answer(func(*http.Request, none) (any, error) { return d.listImages(), nil }))
	m.HandleFunc("DELETE /images", answer(func(r *http.Request, _ none) (any, error) { return nil, d.removeImage(r.FormValue("name")) }))
	m.HandleFunc("POST /commit", answer(func(_ *http.Request, in docker.Commit) (any, error) { return d.commit(in) }))
	m.HandleFunc("POST /layers", answer(func(r *http.Request, _ none) (any, error) { return d.newLayer(r.FormValue("parent")) }))
	m.HandleFunc("DELETE /layers", answer(func(r *http.Request, _ none) (any, error) { return nil, d.removeLayer(r.FormValue("id")) }))
	m.HandleFunc("GET /containers", answer(func(*http.Request, none) (any, error) { return d.listContainers(), nil }))
	m.HandleFunc("GET /log", answer(func(r *http.Request, _ none) (any, error) { return d.log(r.FormValue("id")) }))
	m.HandleFunc("POST /kill", answer(func(r *http.Request, _ none) (any, error) {
		return nil, d.kill(r.Context(), r.FormValue("id"), r.FormValue("signal"))
	}))
	m.HandleFunc("PUT /files", func(w http.ResponseWriter, r *http.Request) {
		if err := d.put(r.FormValue("layer"), r.Body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
	})
	m.HandleFunc("GET /files", d.get)
	m.HandleFunc("POST /run", d.run)
	m.HandleFunc("POST /exec", d.exec)
	return m
}

// none is a request without a body.
type none struct{}

// answer reads a request's JSON and writes the answer's.
func answer[T any](do func(*http.Request, T) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in T
		if _, empty := any(in).(none); !empty {
			if err := json.NewDecoder(io.LimitReader(r.Body, largestAsk)).Decode(&in); err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
		}
		out, err := do(r, in)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		json.NewEncoder(w).Encode(out)
	}
}

// newID is 64 hexadecimal digits, as Docker's.
func newID() string {
	b := make([]byte, 32)
	rand.Read(b)
	return hex.EncodeToString(b)
}

// pull fetches an image, and forgets what had its name before.
func (d *dockerd) pull(ctx context.Context, p docker.Pull) (*docker.Image, error) {
	d.runs.Add(1)
	defer d.runs.Done()
	got, err := d.spec.Pull(ctx, p)
	if err != nil {
		return nil, err
	}
	id := strings.TrimPrefix(got.Digest, "sha256:")
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.images[id] == nil {
		l, err := d.baseLayer(got.Root)
		if err != nil {
			return nil, err
		}
		d.images[id] = &docker.Image{ID: id, Layer: l.id, Created: time.Now(), Config: got.Config}
	}
	d.name(id, p.Name)
	return copyOf(d.images[id]), nil
}

// name gives an image a name, which it takes from another. mu is held.
func (d *dockerd) name(id, name string) {
	name = tagged(name)
	for _, i := range d.images {
		i.Names = slices.DeleteFunc(i.Names, func(n string) bool { return n == name })
	}
	d.images[id].Names = append(d.images[id].Names, name)
}

// tagged is a name with the tag that it has when it names none.
func tagged(name string) string {
	if last := name[strings.LastIndex(name, "/")+1:]; !strings.ContainsAny(last, ":@") {
		return name + ":latest"
	}
	return name
}

func copyOf(i *docker.Image) *docker.Image {
	c := *i
	c.Names = slices.Clone(i.Names)
	return &c
}

func (d *dockerd) listImages() []docker.Image {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := []docker.Image{}
	for _, i := range d.images {
		out = append(out, *copyOf(i))
	}
	sort.Slice(out, func(a, b int) bool { return out[a].Created.After(out[b].Created) })
	return out
}

// commit makes an image of a layer.
func (d *dockerd) commit(c docker.Commit) (*docker.Image, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := d.layers[c.Layer]
	if l == nil {
		return nil, errors.New("no such layer")
	}
	l.frozen = true
	id := newID()
	d.images[id] = &docker.Image{ID: id, Layer: l.id, Created: time.Now(), Config: c.Config}
	if c.Name != "" {
		d.name(id, c.Name)
	}
	return copyOf(d.images[id]), nil
}

// removeImage takes a name away; an image without one goes, with the layers
// that nothing else needs.
func (d *dockerd) removeImage(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for id, i := range d.images {
		byID := len(name) >= 12 && strings.HasPrefix(id, name)
		at := slices.Index(i.Names, tagged(name))
		if at < 0 && !byID {
			continue
		}
		if byID {
			i.Names = nil
		} else {
			i.Names = slices.Delete(i.Names, at, at+1)
		}
		if len(i.Names) > 0 {
			return nil
		}
		delete(d.images, id)
		return d.drop(d.layers[i.Layer])
	}
	return fmt.Errorf("no such image: %s", name)
}

func (d *dockerd) listContainers() []docker.Container {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := []docker.Container{}
	for _, c := range d.running {
		out = append(out, c.about)
	}
	sort.Slice(out, func(a, b int) bool { return out[a].Started.After(out[b].Started) })
	return out
}

// find is a running container by its ID, the beginning of it, or its name.
func (d *dockerd) find(id string) (*dockerContainer, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for full, c := range d.running {
		if full == id || c.about.Name == id || len(id) >= 4 && strings.HasPrefix(full, id) {
			return c, nil
		}
	}
	return nil, fmt.Errorf("no such container: %s", id)
}

func (d *dockerd) log(id string) ([]byte, error) {
	c, err := d.find(id)
	if err != nil {
		return nil, err
	}
	return c.said.bytes(), nil
}
