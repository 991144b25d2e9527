package program

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"beanpole/internal/docker"
)

// stopGrace is how long a container has to end after it was asked to. [docker
// stop]
const stopGrace = 10 * time.Second

// run runs a container and waits for its end. A container ends with this
// program, so that none is left: -d is refused.
func (c *call) run(args []string) error {
	r := docker.Run{}
	var entrypoint []string
	var idFile string
	detach := false
	p := parser{
		flags: map[string]bool{"rm": true, "i": true, "t": true, "it": true, "init": true, "interactive": true, "tty": true},
		values: map[string]func(string) error{
			"e": func(v string) error { r.Env = append(r.Env, withValue(v)); return nil }, "env-file": func(v string) error { return addEnvFile(&r.Env, v) },
			"v": func(v string) error { return addVolume(&r.Mounts, v) }, "w": set(&r.Dir), "u": set(&r.User), "name": set(&r.Name), "cidfile": set(&idFile),
			"entrypoint": func(v string) error { entrypoint = []string{v}; return nil },
			"add-host":   func(v string) error { return addHost(&r, v) },
			"p":          ignored, "log-driver": ignored, "log-opt": ignored, "restart": ignored, "l": ignored, "stop-timeout": ignored,
		},
		long:     map[string]string{"env": "e", "volume": "v", "workdir": "w", "user": "u", "publish": "p", "label": "l"},
		switches: map[string]*bool{"d": &detach, "detach": &detach},
	}
	rest, err := p.parse("run", args)
	if err != nil {
		return err
	}
	if len(rest) == 0 {
		return usage(`"docker run" requires at least 1 argument`)
	}
	if detach {
		return usage("beanpole, which stands for docker on its instances, does not carry out docker run -d")
	}
	img, err := c.imageOrPull(rest[0])
	if err != nil {
		return err
	}
	r.Layer, r.Image, r.Args = img.Layer, rest[0], img.Config.Argv(entrypoint, rest[1:])
	r.Env = merged(img.Config.Env, r.Env)
	if r.Dir == "" {
		r.Dir = img.Config.Dir
	}
	if r.User == "" {
		r.User = img.Config.User
	}
	return c.follow(r, idFile)
}

// follow runs a container; who ends this program ends the container.
func (c *call) follow(r docker.Run, idFile string) error {
	ctx, cancel := context.WithCancel(c.ctx)
	defer cancel()
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	defer signal.Stop(signals)
	var idFault error
	return errors.Join(c.client.Run(ctx, r, func(about docker.Container) {
		if idFile != "" {
			idFault = os.WriteFile(idFile, []byte(about.ID), 0o644)
		}
		go func() {
			select {
			case <-signals:
			case <-ctx.Done():
				return
			}
			late := time.AfterFunc(stopGrace, cancel)
			defer late.Stop()
			for ctx.Err() == nil { // it may not have begun yet
				if c.client.Kill(ctx, about.ID, "TERM") == nil {
					return
				}
				time.Sleep(50 * time.Millisecond)
			}
		}()
	}, c.out, c.errs), idFault)
}

// image is one that the instance has, by name, ID or the beginning of it.
func (c *call) image(name string) (*docker.Image, error) {
	all, err := c.client.Images(c.ctx)
	if err != nil {
		return nil, err
	}
	for i := range all {
		for _, n := range all[i].Names {
			if n == name || n == name+":latest" {
				return &all[i], nil
			}
		}
		if len(name) >= 4 && strings.HasPrefix(all[i].ID, name) {
			return &all[i], nil
		}
	}
	return nil, nil
}

func (c *call) imageOrPull(name string) (*docker.Image, error) {
	if i, err := c.image(name); i != nil || err != nil {
		return i, err
	}
	fmt.Fprintf(c.errs, "Unable to find image '%s' locally\n", name)
	return c.client.Pull(c.ctx, docker.Pull{Name: name})
}

// exec runs a program in a container.
func (c *call) exec(args []string) error {
	var e docker.Exec
	p := parser{
		flags: map[string]bool{"i": true, "t": true, "it": true, "interactive": true, "tty": true},
		values: map[string]func(string) error{"e": func(v string) error { e.Env = append(e.Env, withValue(v)); return nil },
			"env-file": func(v string) error { return addEnvFile(&e.Env, v) }, "w": set(&e.Dir), "u": set(&e.User)},
		long: map[string]string{"env": "e", "workdir": "w", "user": "u"},
	}
	rest, err := p.parse("exec", args)
	if err != nil {
		return err
	}
	if len(rest) < 2 {
		return usage(`"docker exec" requires at least 2 arguments`)
	}
	e.Args = rest[1:]
	return c.client.Exec(c.ctx, rest[0], e, c.out, c.errs)
}

// parser reads arguments as docker does: flags end where the first word is.
type parser struct {
	flags    map[string]bool               // without a value, which change nothing here
	switches map[string]*bool              // without a value
	values   map[string]func(string) error // with one
	long     map[string]string             // to the short form
}

func (p *parser) parse(command string, args []string) (rest []string, err error) {
	for len(args) > 0 {
		a := args[0]
		if a == "--" {
			return args[1:], nil
		}
		if len(a) < 2 || a[0] != '-' {
			return args, nil
		}
		args = args[1:]
		name, value, given := strings.Cut(strings.TrimLeft(a, "-"), "=")
		if to := p.long[name]; to != "" {
			name = to
		}
		if s := p.switches[name]; s != nil {
			*s = value != "false"
			continue
		}
		if p.flags[name] {
			continue
		}
		take := p.values[name]
		if take == nil && len(a) > 2 && a[1] != '-' { // -eNAME=value
			if take = p.values[a[1:2]]; take != nil {
				value, given = a[2:], true
			}
		}
		if take == nil {
			return nil, usage(fmt.Sprintf("beanpole, which stands for docker on its instances, does not know %s of docker %s", a, command))
		}
		if !given {
			if len(args) == 0 {
				return nil, usage("flag needs an argument: " + a)
			}
			value, args = args[0], args[1:]
		}
		if err := take(value); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

func set(to *string) func(string) error { return func(v string) error { *to = v; return nil } }
func ignored(string) error              { return nil }

// withValue takes the value of a variable that names none from this process.
func withValue(v string) string {
	if strings.Contains(v, "=") {
		return v
	}
	return v + "=" + os.Getenv(v)
}

// addEnvFile reads lines NAME=value. [docker run --env-file]
func addEnvFile(to *[]string, file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, 1<<20))
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimRight(strings.TrimLeft(line, " \t"), "\r\n")
		if line != "" && line[0] != '#' {
			*to = append(*to, withValue(line))
		}
	}
	return nil
}

// addVolume reads HOST:CONTAINER[:ro]. A name in the place of a host's folder
// is one of the instance's own, as Docker keeps them.
func addVolume(to *[]docker.Mount, v string) error {
	f := strings.Split(v, ":")
	if len(f) == 1 {
		return nil // an empty one of the container's own
	}
	m := docker.Mount{Source: f[0], Target: f[1], ReadOnly: len(f) > 2 && strings.Contains(","+f[2]+",", ",ro,")}
	switch {
	case strings.HasPrefix(m.Source, "."):
		at, err := filepath.Abs(m.Source)
		if err != nil {
			return err
		}
		m.Source = at
	case !filepath.IsAbs(m.Source):
		if filepath.Base(m.Source) != m.Source {
			return usage("invalid volume name: " + m.Source)
		}
		m.Source = "/var/lib/docker/volumes/" + m.Source + "/_data"
	}
	*to = append(*to, m)
	return nil
}

func addHost(r *docker.Run, v string) error {
	name, at, ok := strings.Cut(v, ":")
	if !ok {
		return usage("bad format for add-host: " + v)
	}
	if r.Hosts == nil {
		r.Hosts = map[string]string{}
	}
	r.Hosts[name] = at
	return nil
}

// merged is an environment with another over it.
func merged(base, over []string) []string {
	set := map[string]bool{}
	for _, e := range over {
		name, _, _ := strings.Cut(e, "=")
		set[name] = true
	}
	var out []string
	for _, e := range base {
		if name, _, _ := strings.Cut(e, "="); !set[name] {
			out = append(out, e)
		}
	}
	return append(out, over...)
}
