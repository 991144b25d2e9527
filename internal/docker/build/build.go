// Package build makes an image of a Dockerfile, through what an instance may ask
// of its containers. BuildKit's own packages read the file; each instruction is
// carried out here, by BuildKit's rules, without its daemon and its cache.
package build

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"

	"beanpole/internal/docker"
)

// Options say what is built.
type Options struct {
	Context string            // folder that COPY sees
	File    string            // of the Dockerfile, in the folder; "" is Dockerfile
	Name    string            // of the image
	Args    map[string]string // values of ARG
	Output  io.Writer         // of the instructions and what they run
}

// largestDockerfile bounds what is read.
const largestDockerfile = 1 << 20

// builder is one build in the works.
type builder struct {
	Options
	ctx    context.Context
	client *docker.Client
	root   *os.Root
	ignore *ignored
	lex    *shell.Lex
	global map[string]string // ARGs before the first FROM
	stages []instructions.Stage
	done   map[int]*stage
	made   []string // layers, to be removed when the build fails
}

// stage is a stage in the works: its files, and how a container of it is run.
type stage struct {
	layer  string
	config docker.Config
	args   map[string]string // ARGs in force, besides the environment
	number int
	total  int
}

// Build builds the last stage, and those that it needs.
func Build(ctx context.Context, c *docker.Client, o Options) (img *docker.Image, err error) {
	b := &builder{Options: o, ctx: ctx, client: c, done: map[int]*stage{}, global: map[string]string{}}
	if b.root, err = os.OpenRoot(o.Context); err != nil {
		return nil, err
	}
	defer b.root.Close()
	if err := b.read(); err != nil {
		return nil, err
	}
	s, err := b.stage(len(b.stages) - 1)
	if err == nil {
		img, err = c.Commit(ctx, docker.Commit{Layer: s.layer, Name: o.Name, Config: s.config})
	}
	for i := len(b.made) - 1; i >= 0; i-- { // what the image needs stays
		if err != nil || b.made[i] != s.layer {
			c.RemoveLayer(context.WithoutCancel(ctx), b.made[i])
		}
	}
	return img, err
}

// read reads the Dockerfile and .dockerignore.
func (b *builder) read() error {
	if b.File == "" {
		b.File = "Dockerfile"
	}
	f, err := b.root.Open(b.File)
	if err != nil {
		return fmt.Errorf("failed to read dockerfile: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, largestDockerfile))
	if err != nil {
		return fmt.Errorf("failed to read dockerfile: %w", err)
	}
	tree, err := parser.Parse(bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("dockerfile parse error: %w", err)
	}
	stages, global, err := instructions.Parse(tree.AST, nil)
	if err != nil {
		return fmt.Errorf("dockerfile parse error: %w", err)
	}
	if len(stages) == 0 {
		return errors.New("dockerfile parse error: no build stage in current context")
	}
	b.stages, b.lex = stages, shell.NewLex(tree.EscapeToken)
	for name, value := range map[string]string{"TARGETPLATFORM": "linux/" + runtime.GOARCH, "TARGETOS": "linux", "TARGETARCH": runtime.GOARCH,
		"BUILDPLATFORM": "linux/" + runtime.GOARCH, "BUILDOS": "linux", "BUILDARCH": runtime.GOARCH} {
		b.global[name] = value
	}
	for _, a := range global {
		if err := b.arguments(&a, b.global, nil); err != nil {
			return err
		}
	}
	b.ignore, err = readIgnored(b.root, b.File)
	return err
}

// stage builds a stage once.
func (b *builder) stage(n int) (*stage, error) {
	if s := b.done[n]; s != nil {
		return s, nil
	}
	in := b.stages[n]
	from, err := b.word(in.BaseName, b.global, nil)
	if err != nil {
		return nil, at(in.Location, err)
	}
	if from == "" {
		return nil, at(in.Location, fmt.Errorf("base name (%s) should not be blank", in.BaseName))
	}
	fmt.Fprintf(b.Output, "Step : FROM %s\n", from)
	s := &stage{args: map[string]string{}, total: len(in.Commands)}
	base := ""
	if other, ok := b.named(from, n); ok {
		below, err := b.stage(other)
		if err != nil {
			return nil, err
		}
		base, s.config = below.layer, clone(below.config)
	} else if from != "scratch" {
		img, err := b.image(from)
		if err != nil {
			return nil, at(in.Location, fmt.Errorf("failed to solve: %s: %w", from, err))
		}
		base, s.config = img.Layer, clone(img.Config)
		s.config.Ports = nil // what the Dockerfile exposes comes first
		defer func() { s.config.Ports = append(s.config.Ports, img.Config.Ports...) }()
	}
	if s.layer, err = b.client.NewLayer(b.ctx, base); err != nil {
		return nil, err
	}
	b.made = append(b.made, s.layer)
	for i, c := range in.Commands {
		s.number = i + 1
		fmt.Fprintf(b.Output, "Step %d/%d : %s\n", s.number, s.total, first(fmt.Sprint(c)))
		if err := b.command(s, c); err != nil {
			if b.ctx.Err() != nil {
				return nil, context.Cause(b.ctx)
			}
			return nil, at(c.Location(), err)
		}
	}
	b.done[n] = s
	return s, nil
}

// image is one of a registry, or one that the instance has made.
func (b *builder) image(name string) (*docker.Image, error) {
	img, err := b.client.Pull(b.ctx, docker.Pull{Name: name})
	if err == nil {
		return img, nil
	}
	all, listed := b.client.Images(b.ctx)
	if listed != nil {
		return nil, listed
	}
	for i := range all {
		for _, n := range all[i].Names {
			if n == name || n == name+":latest" {
				return &all[i], nil
			}
		}
	}
	return nil, err
}

// named is an earlier stage by its name or number.
func (b *builder) named(name string, before int) (int, bool) {
	for i := before - 1; i >= 0; i-- {
		if b.stages[i].Name != "" && strings.EqualFold(b.stages[i].Name, name) {
			return i, true
		}
	}
	if n, err := strconv.Atoi(name); err == nil && n >= 0 && n < before {
		return n, true
	}
	return 0, false
}

// at says in which line of the Dockerfile an error is.
func at(where []parser.Range, err error) error {
	if len(where) == 0 {
		return err
	}
	return fmt.Errorf("Dockerfile:%d: %w", where[0].Start.Line, err) //lint:ignore ST1005 a file's name
}

func first(s string) string {
	line, _, more := strings.Cut(s, "\n")
	if more {
		return line + " …"
	}
	return line
}

func clone(c docker.Config) docker.Config {
	c.Env = append([]string(nil), c.Env...)
	c.Ports = append([]string(nil), c.Ports...)
	c.Volumes = append([]string(nil), c.Volumes...)
	return c
}

// variables are what words of a stage may name.
type variables struct{ sets []map[string]string }

func (v variables) Get(name string) (string, bool) {
	for _, s := range v.sets {
		if value, ok := s[name]; ok {
			return value, true
		}
	}
	return "", false
}

func (v variables) Keys() (out []string) {
	for _, s := range v.sets {
		for k := range s {
			out = append(out, k)
		}
	}
	return out
}

// word replaces variables: of env first, then of args.
func (b *builder) word(w string, args map[string]string, env []string) (string, error) {
	set := map[string]string{}
	for _, e := range env {
		name, value, _ := strings.Cut(e, "=")
		set[name] = value
	}
	out, _, err := b.lex.ProcessWord(w, variables{[]map[string]string{set, args}})
	return out, err
}

// arguments brings ARGs into force: what was given, else what the Dockerfile
// says before its first FROM, else the default.
func (b *builder) arguments(c *instructions.ArgCommand, into map[string]string, env []string) error {
	for _, a := range c.Args {
		value, given := b.Args[a.Key]
		if !given && a.Value != nil {
			w, err := b.word(*a.Value, into, env)
			if err != nil {
				return err
			}
			value, given = w, true
		}
		if !given {
			value, given = b.global[a.Key]
		}
		if given {
			into[a.Key] = value
		}
	}
	return nil
}

// inDir is a path of the stage, by its working folder.
func (s *stage) inDir(p string) string {
	if path.IsAbs(p) {
		return path.Clean(p)
	}
	return path.Join("/", s.config.Dir, filepath.ToSlash(p))
}
