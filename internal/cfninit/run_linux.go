package cfninit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"beanpole/internal/source"
)

// Runner carries plans out. Its zero value works on this machine.
type Runner struct {
	// Root is the folder that is the instance's file system; "" and "/" mean
	// this machine's own. With another one, commands run in it by chroot,
	// which takes root's rights.
	Root string
	// HTTP sends requests; nil: as net/http does, the metadata service without a proxy.
	HTTP http.RoundTripper
	// Metadata is the metadata service, "" means "http://169.254.169.254".
	Metadata string
	// TokensFirst asks for a session token (IMDSv2) before anything else, as
	// agents of Amazon Linux 2 and later do; 1.4 sends plain requests.
	TokensFirst bool
	// ResolveRoles takes the name or the ARN of the instance's own instance
	// profile, where a role belongs, for the role that is in it. AWS's agent
	// does not.
	ResolveRoles bool
	// Sleep waits; nil: really.
	Sleep func(context.Context, time.Duration)
	// Rand gives the random part of waits, 0 to 1; nil: at random.
	Rand func() float64
	// Log is /var/log/cfn-init.log, CommandLog /var/log/cfn-init-cmd.log; nil: nowhere.
	Log, CommandLog io.Writer
	// Verbose has the log say more.
	Verbose bool
	// Now is the clock of log lines and signatures; nil: the real one.
	Now func() time.Time
	// Env is the environment of commands; nil: that of this process.
	Env []string
	// Ran is told of every program that the agent started itself: its arguments
	// and exit status (negative: a signal), or why it could not be started.
	Ran func(args []string, exit int, err error)
	// AssumePackages is for a file system that stands in for an AWS instance's
	// but is of another family: what its package managers can't install, or
	// lack themselves, says nothing about AWS. It counts as installed, and
	// Result.Assumed names it.
	AssumePackages bool
	// KeepState writes down in /var/lib/cfn-init what the agent was given and
	// what is left to do.
	KeepState bool
	// NoMustache stands for an instance without the Pystache library, where
	// files with a context fail.
	NoMustache bool
	wait       time.Duration // see patience; 0: as that
}

// Assumed is what a package manager was asked for and did not install.
type Assumed struct {
	Config, Manager string
	Packages        []string
	Why             string // the agent's error; "" when the manager is not there
}

// Result is what a build did, as far as it came.
type Result struct {
	Changed  []string  // files written with new content, in order
	Unpacked []string  // directories of `sources` that were filled, in order
	Commands []string  // names of commands that ran
	Assumed  []Assumed // only with Runner.AssumePackages
	// Notes are lines for the user on what AWS's agent would do otherwise.
	Notes []string
	// Waits are the longest possible waits between attempts. On AWS each one
	// takes a random part: half of it on average.
	Waits             []time.Duration
	Expected, Longest time.Duration
	// MetadataCalls are requests to the metadata service, OtherCalls all others.
	MetadataCalls, OtherCalls int
}

// build is one run.
type build struct {
	*Runner
	*Result
	root   *root
	plan   *Plan
	config string
	// changes are those of the config in hand.
	changes changes
	pending *workLog        // nil: not kept
	token   string          // IMDSv2
	made    map[linkID]bool // symbolic links that archives brought
	// secrets are the keys read so far; they are kept out of every text.
	secrets []string
}

// Build plans and runs: what the command cfn-init does once it has the metadata.
func (r *Runner) Build(ctx context.Context, metadata *source.Node, sets []string) (*Result, error) {
	if err := r.keepMetadata(metadata); err != nil {
		return &Result{}, err
	}
	p, err := newPlan(r.inOrder(metadata), sets, r.python2())
	if p != nil {
		return r.run(ctx, p, sets, metadata)
	}
	var fault *BuildError
	if errors.As(err, &fault) && !fault.NoInit && !fault.Early {
		if _, kept := r.run(ctx, nil, sets, metadata); kept != nil {
			return &Result{}, kept
		}
		r.failed(fault)
	}
	return &Result{}, err
}

// Run carries a plan out. The result says what was done, also with an error,
// which is a *BuildError unless beanpole itself failed or ctx ended.
func (r *Runner) Run(ctx context.Context, p *Plan) (*Result, error) {
	sets := make([]string, len(p.Sets))
	for i, s := range p.Sets {
		sets[i] = s.Name
	}
	return r.run(ctx, p, sets, nil)
}

// run carries a plan out; metadata is what the plan was made of, nil when that
// is not to be kept. Without a plan it keeps the metadata and does nothing.
func (r *Runner) run(ctx context.Context, p *Plan, sets []string, metadata *source.Node) (*Result, error) {
	b := &build{Runner: r, Result: &Result{}, plan: p, made: map[linkID]bool{}}
	tree, err := openRoot(r.Root)
	if err != nil {
		return b.Result, err
	}
	defer tree.close()
	b.root = tree
	if sets == nil {
		sets = []string{"default"}
	}
	if metadata != nil && r.KeepState {
		b.pending = &workLog{build: b, metadata: metadata}
	}
	r.starting()
	if err := b.pending.write(); err != nil || p == nil {
		return b.Result, b.over(err)
	}
	for _, d := range p.Dropped {
		r.log("WARNING", "%s", d.Warning)
	}
	r.info("Running configSets: %s", strings.Join(sets, ", "))
	if err := b.sets(ctx, sets); err != nil {
		return b.Result, b.over(err)
	}
	r.info("ConfigSets completed")
	r.info("%s", centred("Build complete"))
	return b.Result, nil
}

// over logs the error with which a build ends, if it is the build's.
func (b *build) over(err error) error {
	var fault *BuildError
	if errors.As(err, &fault) {
		b.failed(fault)
	}
	return err
}

func (r *Runner) starting() {
	r.info("%s", centred("Starting build"))
	r.debug("Not setting a reboot trigger as scheduling support is not available")
}

// failed logs the end of a build that failed.
func (r *Runner) failed(fault *BuildError) {
	r.log("ERROR", "%s", centred("BUILD FAILED!"))
	r.log("ERROR", "Unhandled exception during build: %s", fault.Text)
}

// sets runs every configSet, up to the first error.
func (b *build) sets(ctx context.Context, names []string) error {
	for i, set := range b.plan.Sets {
		if err := b.pending.begin(names[i+1:]); err != nil {
			return err
		}
		b.info("Running configSet %s", set.Name)
		b.command("INFO", strings.Repeat("*", width))
		b.command("INFO", "ConfigSet "+set.Name)
		for j, c := range set.Configs {
			if err := b.pending.next(set.Configs[j+1:]); err != nil {
				return err
			}
			if err := b.runConfig(ctx, c); err != nil {
				return err
			}
		}
	}
	if b.plan.Ends != nil {
		return b.plan.Ends
	}
	return nil
}

func (b *build) runConfig(ctx context.Context, c *Config) error {
	b.config, b.changes = c.Name, changes{}
	b.info("Running config %s", c.Name)
	b.command("INFO", strings.Repeat("+", width))
	b.command("INFO", "Config "+c.Name)
	said := 0 // sections that the log has told of
	for _, s := range c.Steps {
		said = b.without(said, slices.Index(sections, s.section()))
		err := b.step(ctx, s)
		if ctx.Err() != nil {
			return fmt.Errorf("build config %q: %w", c.Name, ctx.Err())
		}
		var fault *BuildError
		if errors.As(err, &fault) {
			b.unprintable(fault)
			fault.Config = c.Name
			if fault.Foreseen {
				b.log("ERROR", "Error encountered during build of %s: %s", c.Name, fault.Text)
			}
		}
		if err != nil {
			return err
		}
	}
	b.without(said, len(sections))
	return nil
}

// without tells a verbose log of the sections from said to before next that
// the config does not have; the result is how far the log has come.
func (b *build) without(said, next int) int {
	for ; said < next; said++ {
		b.debug("No %s specified", sections[said])
	}
	return max(said, next+1)
}

// unprintable replaces an error text that the agent fails to print: one of
// Python 2 can't turn a text beyond ASCII into a log line, and that failure
// is what its caller sees [cb-run].
func (b *build) unprintable(fault *BuildError) {
	if text := notASCII(fault.Text); fault.Foreseen && b.python2() && text != "" {
		b.Notes = append(b.Notes, "AWS's agent can't print its own error; it is: "+fault.Text)
		fault.Text, fault.Foreseen = text, false
	}
}

func (b *build) step(ctx context.Context, s Step) error {
	switch {
	case s.Packages != nil:
		return b.packages(ctx, s.Packages)
	case s.Services != nil:
		return b.services(ctx, s.Services)
	case s.File != nil:
		before := len(b.Changed)
		err := b.file(ctx, s.File)
		b.changes.add("files", b.Changed[before:]...)
		return err
	case s.Command != nil:
		before := len(b.Commands)
		err := b.runCommand(ctx, s.Command)
		b.changes.add("commands", b.Commands[before:]...)
		return err
	case s.Other != nil && s.Other.Section == "groups":
		return b.groups(ctx, s.Other.Node)
	case s.Other != nil && s.Other.Section == "users":
		return b.users(ctx, s.Other.Node)
	case s.Other != nil:
		return fmt.Errorf("carry out %s: its value is not known", s.Other.Section)
	case s.Source != nil:
		before := len(b.Unpacked)
		err := b.source(ctx, s.Source)
		b.changes.add("sources", b.Unpacked[before:]...)
		return err
	}
	fault := *s.Fault
	return &fault
}

// tool is an error of cfn-init's own.
func tool(format string, args ...any) *BuildError {
	return &BuildError{Text: fmt.Sprintf(format, args...), Foreseen: true}
}

// python2 reports whether the agent is one of those written in Python 2:
// they are the ones that don't ask for tokens.
func (r *Runner) python2() bool { return !r.TokensFirst }

func (r *Runner) sleep(ctx context.Context, d time.Duration) {
	if r.Sleep != nil {
		r.Sleep(ctx, d)
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// patience is how long a body may bring next to nothing.
func (r *Runner) patience() time.Duration {
	if r.wait != 0 {
		return r.wait
	}
	return patience
}

func (r *Runner) random() float64 {
	if r.Rand != nil {
		return r.Rand()
	}
	return rand.Float64()
}

func (r *Runner) now() time.Time {
	if r.Now != nil {
		return r.Now()
	}
	return time.Now()
}

func (r *Runner) env() []string {
	if r.Env != nil {
		return r.Env
	}
	return os.Environ()
}

func (r *Runner) transport() http.RoundTripper {
	if r.HTTP != nil {
		return r.HTTP
	}
	return direct
}

// direct is the default transport.
var direct = Transport(nil)

// Transport sends requests through the proxy of their scheme, or else the one
// that the environment names. The metadata service is never asked through a
// proxy [cb:util.py].
func Transport(proxies map[string]*url.URL) http.RoundTripper {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DialContext = Dialing(patientDialer)
	t.ResponseHeaderTimeout = 5 * patience
	t.DisableCompression = true // what is asked for is the agent's own choice
	t.ReadBufferSize = copyBuffer
	t.Proxy = func(req *http.Request) (*url.URL, error) {
		if strings.HasPrefix(req.URL.Host, "169.254.") {
			return nil, nil
		}
		if p := proxies[req.URL.Scheme]; p != nil {
			return p, nil
		}
		return http.ProxyFromEnvironment(req)
	}
	return t
}

func (r *Runner) metadata() string {
	if r.Metadata != "" {
		return strings.TrimSuffix(r.Metadata, "/")
	}
	return "http://169.254.169.254"
}
