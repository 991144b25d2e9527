package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"beanpole/internal/access"
	"beanpole/internal/account/live"
	"beanpole/internal/account/reading"
	"beanpole/internal/check"
	"beanpole/internal/diagnose"
	"beanpole/internal/fact"
	"beanpole/internal/source"
)

// accountFlags say which live account or saved reading is looked at. `check`
// and `diagnose` share them.
type accountFlags struct {
	live        bool
	liveStack   string
	file        string
	endpoint    string
	profile     string
	save        string
	fetchBundle bool
	fetchLogs   bool
	printPolicy bool
	verbose     bool
}

func (f *accountFlags) register(c *cobra.Command) {
	fs := c.Flags()
	fs.BoolVar(&f.live, "live", false, "ask AWS for --environment although a template is given too")
	fs.StringVar(&f.liveStack, "stack", "", "`NAME` of a live CloudFormation stack whose own instances run cfn-init")
	fs.StringVar(&f.file, "account", "", "`FILE` that --save wrote, instead of asking AWS")
	fs.StringVar(&f.save, "save", "", "write what was read of the account, without secrets, into a `FILE`")
	fs.StringVar(&f.profile, "profile", "", "`NAME` of a profile in AWS's configuration files")
	fs.StringVar(&f.endpoint, "endpoint-url", "", "`URL` that stands in for AWS (default: AWS_ENDPOINT_URL)")
	fs.BoolVar(&f.fetchBundle, "fetch-bundle", false, "without PATH: fetch the deployed version's source bundle")
	fs.BoolVar(&f.printPolicy, "print-policy", false, "print the least IAM policy with which an account can be read")
	fs.BoolVarP(&f.verbose, "verbose", "v", false, "print how many calls were made to AWS")
	fs.Lookup("environment").Usage = "live environment's `NAME`; with a template, picks one that it has"
}

// asked tells whether a live account or a saved reading is to be looked at.
func (p *prediction) asked() bool {
	f := &p.account
	return f.live || f.liveStack != "" || f.file != "" || p.environment != "" && p.template == "" && p.planFile == ""
}

// checkAccount refuses flags that do not fit together, or with the number of
// PATHs given. A name that is empty comes of a shell variable that is not set.
func (p *prediction) checkAccount(c *cobra.Command, given int) error {
	f := &p.account
	for _, name := range []string{"environment", "stack", "account", "profile", "save", "endpoint-url"} {
		if flag := c.Flags().Lookup(name); flag != nil && flag.Changed && flag.Value.String() == "" {
			return usageError("--%s is empty; give a value, or leave it away", name)
		}
	}
	switch {
	case !p.asked():
		for _, x := range []struct {
			name  string
			given bool
		}{{"--save", f.save != ""}, {"--profile", f.profile != ""}, {"--endpoint-url", f.endpoint != ""}, {"--fetch-bundle", f.fetchBundle}, {"--fetch-logs", f.fetchLogs}} {
			if x.given {
				return usageError("%s is about a live account; name what is looked at: --environment NAME or --stack NAME", x.name)
			}
		}
	case f.live && p.environment == "":
		return usageError("--live needs the environment that is meant; give --environment NAME")
	case f.liveStack != "" && (p.environment != "" || p.template != ""):
		return usageError("--stack is a stack without Elastic Beanstalk, with a template of its own; leave --environment and --template away")
	case f.file != "" && (f.save != "" || f.fetchBundle || f.fetchLogs || f.profile != "" || f.endpoint != ""):
		return usageError("--account asks AWS nothing; leave --save, --fetch-bundle, --fetch-logs, --profile and --endpoint-url away")
	case f.fetchBundle && given > 0:
		return usageError("--fetch-bundle fetches the bundle that is deployed; leave PATH or --fetch-bundle away")
	case f.fetchBundle && f.liveStack != "":
		return usageError("--fetch-bundle is about an environment; a stack has no source bundle")
	}
	if f.liveStack != "" && !stackForm.MatchString(f.liveStack) && !strings.HasPrefix(f.liveStack, "arn:") {
		return usageError("--stack %q is no stack name; CloudFormation takes up to 128 letters, digits and hyphens, a letter first", f.liveStack)
	}
	return nil
}

// flags are those under which calls are made that are not made otherwise.
func (f *accountFlags) flags() (out []string) {
	if f.fetchBundle {
		out = append(out, "--fetch-bundle")
	}
	if f.fetchLogs {
		out = append(out, "--fetch-logs")
	}
	return out
}

// looking is the work of one command on an account.
type looking struct {
	p      *prediction
	reader *live.Reader // nil for a saved reading
	screen *screen
	bundle string // fetched, to be removed; ""
}

// look reads the account, or the file that stands for it; end must be called.
func (p *prediction) look(ctx context.Context, errs io.Writer) (l *looking, err error) {
	l = &looking{p: p, screen: newScreen(errs)}
	if p.account.file != "" {
		p.reading, err = reading.Open(p.account.file)
		if err == nil {
			err = p.fits()
		}
		return l, err
	}
	o := p.asker(errs)
	c, err := live.Connect(ctx, o)
	if err != nil {
		return l, usageError("cannot ask AWS: %s", o.Why(err, p.region))
	}
	l.reader = live.New(c)
	if l.screen.terminal {
		l.reader.Progress = l.screen.now
	}
	if p.account.liveStack != "" {
		err = l.reader.Stack(ctx, p.account.liveStack)
	} else {
		err = l.reader.Environment(ctx, p.environment)
	}
	if err != nil {
		return l, cannotRead(err, &o, c.Region)
	}
	p.reading = l.reader.Reading()
	if p.account.fetchLogs && p.reading.Environment != nil {
		l.screen.now("waiting for the instances' logs")
		l.reader.Logs(ctx)
	}
	return l, nil
}

// asker says whose account is asked. A code of an MFA device is asked for on a
// terminal.
func (p *prediction) asker(errs io.Writer) live.Options {
	o := live.Options{Region: p.region, Profile: p.account.profile, Endpoint: p.account.endpoint, Flags: p.account.flags()}
	if onTerminal(os.Stdin) {
		o.Code = func() (code string, err error) {
			fmt.Fprint(errs, "beanpole: code of the MFA device: ")
			_, err = fmt.Fscanln(os.Stdin, &code)
			return code, err
		}
	}
	return o
}

// cannotRead is why nothing at all could be read.
func cannotRead(err error, o *live.Options, region string) error {
	var none *live.None
	switch {
	case errors.As(err, &none):
		return usageError("%v%s", none, instead(none))
	case live.Denied(err) && !live.ForCredentials(err):
		return &exitError{exitUntold, fmt.Sprintf("AWS refused to tell anything: %v; beanpole check --print-policy prints what it takes", live.Reason(err))}
	}
	return usageError("cannot read the account in %s: %s", region, o.Why(err, region))
}

// maxNamed is how many names are listed for one that nothing has.
const maxNamed = 5

// instead is what may have been meant by a name that nothing has.
func instead(e *live.None) string {
	switch near := check.NearestOf(e.Name, e.Others); {
	case near != "":
		return fmt.Sprintf("; did you mean %q?", near)
	case len(e.Others) == 0:
		return "; give another name, or --region"
	case len(e.Others) > maxNamed:
		return fmt.Sprintf(", which has %s, … (%d); give one of these, or --region", strings.Join(e.Others[:maxNamed], ", "), len(e.Others))
	}
	return fmt.Sprintf(", which has %s; give one of these, or --region", strings.Join(e.Others, ", "))
}

// fits tells whether a saved reading is of what was asked for.
func (p *prediction) fits() error {
	e, s := p.reading.Environment, p.reading.Stack
	switch {
	case p.environment != "" && p.template == "" && (e == nil || e.Name != p.environment):
		return usageError("%s is not a reading of environment %q", p.account.file, p.environment)
	case e == nil && s == nil:
		return usageError("%s holds neither an environment nor a stack", p.account.file)
	}
	return nil
}

// end tidies up, and says with -v what it took.
func (l *looking) end(errs io.Writer) {
	l.screen.done()
	if l.bundle != "" {
		os.Remove(l.bundle)
	}
	if l.reader == nil {
		return
	}
	l.reader.Close()
	if l.p.account.verbose {
		fmt.Fprintf(errs, "beanpole: %s to AWS\n", count(l.reader.Calls(), "call"))
	}
}

// fetch fetches the deployed source bundle; "" when that cannot be done, which
// the reading says.
func (l *looking) fetch(ctx context.Context) (string, error) {
	e := l.p.reading.Environment
	if l.reader == nil || e == nil || !l.p.account.fetchBundle {
		return "", nil
	}
	if e.Source == "" {
		return "", usageError("the environment's version has no source bundle of its own (it is a sample application, or was deleted); give PATH")
	}
	l.screen.now("fetching " + e.Source)
	f, err := os.CreateTemp("", "beanpole-*.zip")
	if err != nil {
		return "", fmt.Errorf("make a place for the source bundle: %w", err)
	}
	l.bundle = f.Name()
	bucket, key := cutS3(e.Source)
	err = l.reader.Bundle(ctx, bucket, key, f)
	if failed := f.Close(); err == nil && failed != nil {
		err = fmt.Errorf("write the source bundle: %w", failed)
	}
	if err != nil {
		return "", &exitError{exitUntold, err.Error()}
	}
	return l.bundle, nil
}

// needed reads what the fetches of a bundle, or of what is deployed, name: they
// are followed over what is known so far.
func (l *looking) needed(ctx context.Context, p *prediction) error {
	if l.reader == nil {
		return nil
	}
	r, err := check.Run(p.input())
	if err != nil {
		return err
	}
	l.reader.Needed(ctx, needs(r))
	return nil
}

func needs(r *check.Report) *live.Needs {
	n := &live.Needs{}
	for _, c := range r.Chains {
		if bucket, key, ok := c.Fetch.Asks(); ok {
			if o := (live.Object{Bucket: bucket, Key: key}); !slices.Contains(n.Objects, o) {
				n.Objects = append(n.Objects, o)
			}
		}
		if c.Fetch.Signer.Kind == access.RoleKeys {
			n.Roles = appendKnown(n.Roles, c.Fetch.Signer.Role)
		}
		n.Profiles = appendKnown(n.Profiles, c.World.Profile)
		needsNetwork(n, c.World.Placement)
	}
	return n
}

// needsNetwork adds the VPC in which a fetch's instances are: the region's
// default one where nothing names another.
func needsNetwork(n *live.Needs, p *access.Placement) {
	switch {
	case p == nil:
		n.VPCs = appendOnce(n.VPCs, "")
	case p.VPC != "" && fact.Known(p.VPC):
		n.VPCs = appendOnce(n.VPCs, p.VPC)
	default:
		for _, s := range p.Subnets {
			if fact.Known(s) {
				n.Subnets = appendOnce(n.Subnets, s)
			}
		}
	}
}

func appendOnce(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

func appendKnown(list []string, n *source.Node) []string {
	if name := n.TextOr(""); name != "" && fact.Known(name) && !slices.Contains(list, name) {
		list = append(list, name)
	}
	return list
}

// keep writes the reading where --save says.
func (l *looking) keep() error {
	if l.p.account.save == "" {
		return nil
	}
	f, err := os.OpenFile(l.p.account.save, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return usageError("cannot save the account: %v", err)
	}
	err = l.p.reading.Save(f, diagnose.Hide)
	if failed := f.Close(); err == nil {
		err = failed
	}
	if err != nil {
		return fmt.Errorf("save the account: %w", err)
	}
	return nil
}
