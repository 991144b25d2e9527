package build

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"beanpole/internal/docker"
)

// command carries one instruction out.
func (b *builder) command(s *stage, c instructions.Command) error {
	if x, ok := c.(instructions.SupportsSingleWordExpansion); ok {
		if err := x.Expand(func(w string) (string, error) { return b.word(w, s.args, s.config.Env) }); err != nil {
			return err
		}
	}
	if heredocs, ok := c.(interface {
		ExpandRaw(instructions.SingleWordExpander) error
	}); ok {
		raw := *b.lex // quotes in a here-document are its own
		raw.RawQuotes = true
		err := heredocs.ExpandRaw(func(w string) (string, error) {
			out, _, err := raw.ProcessWord(w, variables{[]map[string]string{asMap(s.config.Env), s.args}})
			return out, err
		})
		if err != nil {
			return err
		}
	}
	switch c := c.(type) {
	case *instructions.EnvCommand:
		for _, kv := range c.Env {
			setEnv(&s.config.Env, kv.Key, kv.Value)
		}
	case *instructions.ArgCommand:
		return b.arguments(c, s.args, s.config.Env)
	case *instructions.RunCommand:
		return b.run(s, c)
	case *instructions.CopyCommand:
		return b.copy(s, copying{SourcesAndDest: c.SourcesAndDest, from: c.From, chown: c.Chown, chmod: c.Chmod, exclude: c.ExcludePatterns, parents: c.Parents})
	case *instructions.AddCommand:
		return b.copy(s, copying{SourcesAndDest: c.SourcesAndDest, chown: c.Chown, chmod: c.Chmod, exclude: c.ExcludePatterns, add: true, checksum: c.Checksum})
	case *instructions.WorkdirCommand:
		s.config.Dir = s.inDir(c.Path)
		return b.makeFolder(s, s.config.Dir)
	case *instructions.UserCommand:
		s.config.User = c.User
	case *instructions.ExposeCommand:
		return b.expose(s, c.Ports)
	case *instructions.CmdCommand:
		s.config.Cmd = s.line(c.ShellDependantCmdLine)
	case *instructions.EntrypointCommand:
		s.config.Entrypoint, s.config.Cmd = s.line(c.ShellDependantCmdLine), nil
	case *instructions.VolumeCommand:
		s.config.Volumes = append(s.config.Volumes, c.Volumes...)
	case *instructions.ShellCommand:
		s.config.Shell = c.Shell
	case *instructions.HealthCheckCommand:
		s.config.HealthCheck = true
	case *instructions.LabelCommand, *instructions.MaintainerCommand, *instructions.StopSignalCommand, *instructions.OnbuildCommand:
	default:
		return fmt.Errorf("beanpole does not carry out %s", c.Name())
	}
	return nil
}

func setEnv(env *[]string, name, value string) {
	*env = append(slices.DeleteFunc(*env, func(e string) bool { return strings.HasPrefix(e, name+"=") }), name+"="+value)
}

// line is what an instruction in one of its two forms runs.
func (s *stage) line(l instructions.ShellDependantCmdLine) []string {
	if !l.PrependShell {
		return l.CmdLine
	}
	return append(s.shell(), strings.Join(l.CmdLine, " "))
}

func (s *stage) shell() []string {
	if len(s.config.Shell) > 0 {
		return slices.Clone(s.config.Shell)
	}
	return []string{"/bin/sh", "-c"}
}

// expose notes ports, in the order of the file.
func (b *builder) expose(s *stage, ports []string) error {
	for _, p := range ports {
		words, err := b.lex.ProcessWords(p, variables{[]map[string]string{asMap(s.config.Env), s.args}})
		if err != nil {
			return err
		}
		for _, w := range words {
			n, protocol, ok := strings.Cut(w, "/")
			if !ok {
				protocol = "tcp"
			}
			n, _, _ = strings.Cut(n, "-") // of a range the first
			if (&docker.Config{Ports: []string{n}}).FirstPort() == 0 {
				return fmt.Errorf("invalid containerPort: %s", w)
			}
			s.config.Ports = append(s.config.Ports, n+"/"+protocol)
		}
	}
	return nil
}

func asMap(env []string) map[string]string {
	out := map[string]string{}
	for _, e := range env {
		name, value, _ := strings.Cut(e, "=")
		out[name] = value
	}
	return out
}

// run runs a RUN.
func (b *builder) run(s *stage, c *instructions.RunCommand) error {
	r := docker.Run{Layer: s.layer, InPlace: true, Image: "build", Dir: s.config.Dir, User: s.config.User, Env: slices.Clone(s.config.Env)}
	for name, value := range s.args {
		if _, set := asMap(r.Env)[name]; !set {
			r.Env = append(r.Env, name+"="+value)
		}
	}
	for _, m := range instructions.GetMounts(c) {
		switch {
		case m.Type == instructions.MountTypeCache:
			id := sha256.Sum256([]byte(m.CacheID + m.Target))
			r.Mounts = append(r.Mounts, docker.Mount{Source: "/var/lib/docker/cache/" + hex.EncodeToString(id[:8]), Target: s.inDir(m.Target)})
		case m.Type == instructions.MountTypeBind && m.From == "":
			r.Mounts = append(r.Mounts, docker.Mount{Source: b.Context + "/" + strings.TrimLeft(m.Source, "/"), Target: s.inDir(m.Target), ReadOnly: true})
		case m.Type == instructions.MountTypeTmpfs: // a folder of the layer does
		default:
			return fmt.Errorf("beanpole does not carry out RUN --mount of type %s", m.Type)
		}
	}
	if len(c.FlagsUsed) > 0 && slices.Contains(c.FlagsUsed, "security") {
		return errors.New("beanpole does not carry out RUN --security")
	}
	line := c.ShellDependantCmdLine
	r.Args = s.line(line)
	if len(line.Files) > 0 { // a here-document
		text := line.Files[0].Data
		if len(line.CmdLine) != 1 || !line.PrependShell || len(line.Files) > 1 || strings.HasPrefix(text, "#!") {
			return errors.New("beanpole carries out RUN with one here-document, for the shell, alone")
		}
		if line.CmdLine[0] != "<<"+line.Files[0].Name && line.CmdLine[0] != "<<-"+line.Files[0].Name {
			return errors.New("beanpole carries out RUN with one here-document, for the shell, alone")
		}
		r.Args = append(s.shell(), text)
	}
	err := b.client.Run(b.ctx, r, nil, b.Output, b.Output)
	var exit docker.ExitError
	if errors.As(err, &exit) {
		return fmt.Errorf("process %q did not complete successfully: exit code: %d", strings.Join(r.Args, " "), int(exit))
	}
	return err
}

// makeFolder makes a folder where there is none.
func (b *builder) makeFolder(s *stage, p string) error {
	return b.send(s, func(w *writer) error { return w.folder(p, 0o755) })
}

// send streams an archive into the stage.
func (b *builder) send(s *stage, fill func(*writer) error) error {
	ctx, cancel := context.WithCancel(b.ctx)
	defer cancel()
	r, to := io.Pipe()
	filled := make(chan error, 1)
	go func() {
		w := newWriter(to)
		err := fill(w)
		if err == nil {
			err = w.tar.Close()
		}
		to.CloseWithError(err)
		filled <- err
	}()
	err := b.client.Put(ctx, s.layer, r)
	r.Close()
	if fault := <-filled; fault != nil && !errors.Is(fault, io.ErrClosedPipe) {
		return fault // why the other end saw none
	}
	return err
}
