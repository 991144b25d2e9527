package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"beanpole/internal/cfn"
	"beanpole/internal/fact"
	"beanpole/internal/source"
)

// upFlags are what `up` is told.
type upFlags struct {
	serveFlags
	inputFlags
	objects []string // s3://BUCKET/KEY=FILE
}

func upCommand() *cobra.Command {
	var f upFlags
	c := &cobra.Command{
		Use:   "up [PATH]",
		Short: "deploy a bundle to a local environment, on a real instance",
		Long: `up deploys the source bundle at PATH (a folder or a zip; default: this folder)
to a local Elastic Beanstalk environment. With --template it creates the
CloudFormation stack that the environment belongs to; the bundle is put where
the template's application version looks for it. It prints the events as Elastic
Beanstalk writes them, and under a failure its cause.

The environment runs on in the background until "beanpole down".`,
		Example: `  beanpole up app --template infra.yaml
  beanpole up app --template infra.yaml \
    --object s3://shop-certificates/server.key=certs/server.key
  beanpole up app --platform "64bit Amazon Linux 2023 v4.6.0 running Go 1" \
    --option aws:elasticbeanstalk:environment:EnvironmentType=SingleInstance`,
		Args: atMost(1, "PATH"),
		RunE: func(c *cobra.Command, args []string) error {
			path := "."
			if len(args) > 0 {
				path = args[0]
			}
			return up(c, path, &f)
		},
	}
	f.serveFlags.register(c)
	f.inputFlags.register(c)
	c.Flags().StringArrayVar(&f.objects, "object", nil, "`s3://BUCKET/KEY=FILE`: an object that lies in its bucket from the moment the bucket exists; may be repeated")
	return c
}

// seed is an object given with --object.
type seed struct {
	bucket, key string
	data        []byte
}

func (f *upFlags) seeds() ([]seed, error) {
	var out []seed
	for _, o := range f.objects {
		address, file, ok := strings.Cut(o, "=")
		rest, s3 := strings.CutPrefix(address, "s3://")
		bucket, key, deep := strings.Cut(rest, "/")
		if !ok || !s3 || !deep || bucket == "" || key == "" {
			return nil, usageError("--object %q is not s3://BUCKET/KEY=FILE", o)
		}
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, usageError("--object %s: %v", address, err)
		}
		if len(data) > maxSeed {
			return nil, usageError("--object %s: %s is larger than 64 MiB; put it there with the AWS CLI", address, file)
		}
		out = append(out, seed{bucket, key, data})
	}
	return out, nil
}

// deployment is one run of `up`.
type deployment struct {
	flags    *upFlags
	project  *project
	screen   *screen
	clients  *clients
	path     string // of the bundle, as given
	bundle   *source.Bundle
	zip      []byte
	seeds    []seed
	template *cfn.Template // nil: none
	params   map[string]string
	stack    string
	app      string // application name
	env      string // environment name
	label    string // version label
	began    bool   // something of AWS's was created, or asked for
}

func up(c *cobra.Command, path string, f *upFlags) (err error) {
	d := &deployment{flags: f, path: path, screen: newScreen(c.OutOrStdout())}
	defer d.screen.done()
	if err := d.prepare(); err != nil {
		return err
	}
	defer d.bundle.Close()
	ctx, stop := signal.NotifyContext(c.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	fresh := !d.project.used()
	turn, err := d.project.takeTurn()
	if err != nil {
		return err
	}
	defer turn.Close()
	s, started, err := d.serve(ctx, turn)
	if err != nil {
		return err
	}
	defer func() {
		switch {
		case ctx.Err() != nil:
			stop() // a second Ctrl-C ends it at once
			err = d.undo(s, started)
		case started && (err != nil && !d.began || reportError(io.Discard, err) == exitUsage):
			err = errors.Join(err, d.withdraw(s, fresh))
		}
	}()
	if d.clients, err = d.project.clients(s); err != nil {
		return err
	}
	if d.template != nil {
		for _, gap := range gaps(d.template) {
			d.screen.line("not enforced here, though AWS would: %s", gap)
		}
		for _, id := range waits(d.template) {
			d.screen.line("%s waits for signals; instances outside environments do not run here, so send them yourself (aws cloudformation signal-resource, or cfn-signal)", id)
		}
		return d.upStack(ctx)
	}
	if err := d.placeSeeds(ctx); err != nil {
		return err
	}
	return d.upEnvironment(ctx)
}

// serve finds or starts the local AWS. The listeners' ports are looked at
// before it is started: later they would make a failed environment.
func (d *deployment) serve(ctx context.Context, t *turn) (s *serving, started bool, err error) {
	if s, err := d.project.serving(); s != nil || err != nil {
		if s != nil {
			err = d.flags.sameRoot(s)
		}
		return s, false, err
	}
	if err := d.portsFree(); err != nil {
		return nil, false, err
	}
	if err := d.flags.unpack(ctx, d.project, d.screen.line); err != nil {
		if t.fresh {
			os.RemoveAll(d.project.path("images")) // or the folder would stay, as somebody's
		}
		return nil, false, err
	}
	s, err = t.serveHere(&d.flags.serveFlags)
	return s, err == nil, err
}

// placeSeeds hands over the objects given with --object. A stack left from an
// earlier try has to be gone by then: its buckets are emptied.
func (d *deployment) placeSeeds(ctx context.Context) error {
	for _, o := range d.seeds {
		if err := d.clients.on.put(ctx, o.bucket, o.key, o.data); err != nil {
			return err
		}
	}
	return nil
}

// prepare reads everything that can be read before anything is made.
func (d *deployment) prepare() error {
	if err := d.flags.check(); err != nil {
		return err
	}
	lacks := make(chan error, 1)
	go func() { lacks <- missing() }() // the kernel takes its time
	err := d.read()
	// What the kernel was tried with must be gone before the program may end.
	if lack := <-lacks; err == nil {
		err = lack
	}
	return err
}

// read reads the bundle, the template and what goes with them.
func (d *deployment) read() (err error) {
	f := d.flags
	if d.seeds, err = f.seeds(); err != nil {
		return err
	}
	if d.project, err = findProject(f.state); err != nil {
		return err
	}
	if d.bundle, err = openBundle(d.path); err != nil {
		return err
	}
	if err := d.project.apart(d.path); err != nil {
		return err
	}
	if d.template, err = f.readTemplate(); err != nil {
		return err
	}
	if d.params, err = f.parameters(d.template); err != nil {
		return err
	}
	for name, value := range d.params {
		if !fact.Known(value) {
			return usageError("parameter %s has no previous value here; give one with --parameter %s=VALUE", name, name)
		}
	}
	if _, err := f.given(); err != nil {
		return err
	}
	if err := d.pack(); err != nil {
		return err
	}
	d.stack = f.stack
	if d.stack == "" {
		d.stack = stackName(d.path, f.template)
	}
	if d.template != nil {
		if (len(f.options) > 0 || f.optionFile != "") && d.makesEnvironment() {
			return usageError("%s creates the environment, and CloudFormation takes its option settings from there alone; put them into its OptionSettings instead of --option", f.template)
		}
		if err := d.placeBundle(); err != nil {
			return err
		}
		if err := d.template.Check(d.params); err != nil {
			return err
		}
		if _, err := d.template.Order(d.cfnEnv()); err != nil {
			return err
		}
	}
	return nil
}

// stackName is a stack's name made from the template's folder, or the
// bundle's: letters, digits and hyphens, as CloudFormation wants it.
func stackName(bundle, template string) string {
	from := bundle
	if template != "" {
		from = filepath.Dir(template)
	}
	abs, err := filepath.Abs(from)
	if err != nil {
		abs = from
	}
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return '-'
	}, strings.TrimSuffix(filepath.Base(abs), ".zip"))
	name = strings.Trim(name, "-")
	if name == "" || name[0] >= '0' && name[0] <= '9' {
		name = "app-" + name
	}
	return strings.TrimSuffix(name[:min(len(name), 40)], "-")
}

// undo is what Ctrl-C leads to: what this run made goes away again.
func (d *deployment) undo(s *serving, started bool) error {
	ctx := context.Background()
	d.screen.line("interrupted: removing what was created")
	var err error
	if started {
		// This run made the whole local AWS.
		if err = d.project.end(ctx, s); err == nil {
			err = d.project.clear()
		}
	} else if d.began {
		err = d.remove(ctx)
	}
	if err != nil {
		return err
	}
	return &exitError{code: exitFindings, msg: "interrupted; nothing is left of this deployment"}
}

// withdraw ends a local AWS that was started for a deployment which was then
// refused, so that there is nothing to look at. What an earlier run left in
// the state folder stays.
func (d *deployment) withdraw(s *serving, fresh bool) error {
	if err := d.project.end(context.Background(), s); err != nil || !fresh {
		return err
	}
	return d.project.clear()
}

// remove deletes the stack, or the environment, of this deployment.
func (d *deployment) remove(ctx context.Context) error {
	if d.template != nil {
		return d.deleteStack(ctx)
	}
	return d.terminate(ctx)
}

// errFailed ends `up` after a failed deployment was explained.
var errFailed = errFindings

// isNotFound tells AWS's "there is no such thing" from other errors.
func isNotFound(err error) bool {
	return err != nil && (strings.Contains(err.Error(), "does not exist") || errors.Is(err, os.ErrNotExist))
}
