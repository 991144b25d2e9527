package cli

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"beanpole/internal/docker"
	"beanpole/internal/image"
	"beanpole/internal/instance"
)

// checkImages looks at --docker-image, and makes its files' names absolute: the
// local AWS may have another working directory.
func (f *serveFlags) checkImages() error {
	for n, given := range f.images {
		named, at, ok := strings.Cut(given, "=")
		if !ok || named == "" || at == "" {
			return usageError("--docker-image %q is not NAME=IMAGE", given)
		}
		if _, err := image.Canonical(named); err != nil {
			return usageError("--docker-image %s: %v", given, err)
		}
		if _, err := os.Stat(at); err == nil {
			if at, err = filepath.Abs(at); err != nil {
				return err
			}
			f.images[n] = named + "=" + at
		}
	}
	return nil
}

// dockerImages fetches images for the containers of instances.
type dockerImages struct {
	dir     string            // of unpacked images
	given   map[string]string // by canonical name
	offline bool
}

func (f *serveFlags) dockerImages(dir string) *dockerImages {
	d := &dockerImages{dir: dir, given: map[string]string{}, offline: f.offline}
	for _, g := range f.images {
		named, at, _ := strings.Cut(g, "=")
		if full, err := image.Canonical(named); err == nil { // it was checked
			d.given[full] = at
		}
	}
	return d
}

// pull fetches an image: what the user has named for it, with what the user may
// do, else from its registry on the internet, with what the bundle says.
func (d *dockerImages) pull(ctx context.Context, p docker.Pull) (*instance.Pulled, error) {
	full, err := image.Canonical(p.Name)
	if err != nil {
		return nil, err
	}
	var i *image.Image
	switch at, ok := d.given[full]; {
	case ok:
		i, err = image.Unpack(ctx, d.dir, at)
	case d.offline:
		return nil, fmt.Errorf("%s: no registry is reached with --offline; map it with --docker-image %s=IMAGE", full, p.Name)
	case strings.Contains(full, ".dkr.ecr."):
		return nil, fmt.Errorf("%s: beanpole asks no registry of a real account; map it with --docker-image %s=IMAGE", full, p.Name)
	default:
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.DialContext = instance.Outside().DialContext
		i, err = image.UnpackFrom(ctx, d.dir, p.Name, &image.Registry{Transport: t, User: p.User, Password: p.Password})
	}
	if err != nil {
		return nil, err
	}
	return &instance.Pulled{Root: i.Root, Digest: i.Digest, Config: configOf(&i.Config)}, nil
}

// configOf is what containers need of an image's configuration. Its ports have
// no order; the lowest comes first.
func configOf(c *v1.Config) docker.Config {
	out := docker.Config{Env: c.Env, Entrypoint: c.Entrypoint, Cmd: c.Cmd, Dir: c.WorkingDir, User: c.User, Shell: c.Shell, HealthCheck: c.Healthcheck != nil}
	for p := range c.ExposedPorts {
		out.Ports = append(out.Ports, p)
	}
	number := func(p string) int {
		n, _, _ := strings.Cut(p, "/")
		i, _ := strconv.Atoi(n)
		return i
	}
	sort.Slice(out.Ports, func(a, b int) bool { return number(out.Ports[a]) < number(out.Ports[b]) })
	for v := range c.Volumes {
		out.Volumes = append(out.Volumes, v)
	}
	sort.Strings(out.Volumes)
	return out
}
