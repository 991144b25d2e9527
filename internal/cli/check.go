package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"beanpole/internal/cfn"
	"beanpole/internal/check"
	"beanpole/internal/ebext"
	"beanpole/internal/fact"
	"beanpole/internal/finding"
	"beanpole/internal/source"
)

func checkCommand() *cobra.Command {
	in := &prediction{}
	c := &cobra.Command{
		Use:   "check [PATH]",
		Short: "predict whether the instances get what they need",
		Long: `check reads a source bundle (a folder or a zip) and, if given, the
CloudFormation template that the environment is created with. It follows every
fetch that an instance will make, from the configuration file to the object in
S3, and says which ones will fail, why, and what to change. It asks AWS nothing.

Exit status: 0 nothing found, 1 findings, 2 bad usage or input that cannot be
read. Nothing found does not mean that all is known: what the input leaves open
is listed as "not known", and the last line counts it.`,
		Example: `  beanpole check app --template infra.yaml
  beanpole check bundle.zip --template infra.yaml --parameter Stage=production
  beanpole check app \
    --option aws:autoscaling:launchconfiguration:IamInstanceProfile=shop-ec2
  beanpole check app --template roles.yaml --option-settings options.json`,
		Args: atMost(1, "PATH"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := in.open(args); err != nil {
				return err
			}
			defer in.bundle.Close()
			report, err := check.Run(in.input())
			if err != nil {
				return err
			}
			out := &sink{w: c.OutOrStdout()}
			return out.or(in.show(out, report))
		},
	}
	in.register(c)
	c.Flags().BoolVar(&in.strict, "strict", false, "count what is not known, and matters, as a finding")
	return c
}

// prediction is what `check` and `fix` work on.
type prediction struct {
	inputFlags
	strict   bool
	region   string
	path     string
	bundle   *source.Bundle
	parsed   *cfn.Template
	params   map[string]string
	settings ebext.Settings
}

func (p *prediction) register(c *cobra.Command) {
	p.inputFlags.register(c)
	c.Flags().StringVar(&p.region, "region", "", "AWS `REGION` of stack and environment")
	c.Flags().Lookup("stack-name").Usage = "CloudFormation stack's `NAME`, where names depend on it"
}

// open reads everything that was named on the command line.
func (p *prediction) open(args []string) (err error) {
	p.path = "."
	if len(args) > 0 {
		p.path = args[0]
	}
	if err := checkRegion(p.region); err != nil {
		return err
	}
	alone := p.templateAlone()
	if p.parsed, err = p.readTemplate(); err != nil {
		return err
	}
	if p.params, err = p.parameters(p.parsed); err != nil {
		return err
	}
	if p.settings, err = p.given(); err != nil {
		return err
	}
	if alone {
		p.bundle = source.NoBundle(p.path)
		return nil
	}
	if p.bundle, err = openBundle(p.path); err != nil {
		return err
	}
	if err := notTheRoot(p.bundle); err != nil {
		p.bundle.Close()
		return err
	}
	return nil
}

func (p *prediction) input() *check.Input {
	in := &check.Input{
		Bundle: p.bundle, Template: p.parsed, Given: p.settings,
		Platform: p.platform, Environment: p.environment, Read: p.read, Strict: p.strict,
		Env: &cfn.Env{StackName: p.stack, Region: p.region, Parameters: p.params},
	}
	return in
}

// read is the content of a file that a finding is in.
func (p *prediction) read(file string) []byte {
	switch {
	case file == "":
		return nil
	case p.parsed != nil && file == p.parsed.File:
		return p.templateText
	case p.bundle.Has(file):
		data, err := p.bundle.Read(file)
		if err != nil {
			return nil
		}
		return data
	case file == p.optionFile:
		data, err := os.ReadFile(file)
		if err != nil {
			return nil
		}
		return data
	}
	return nil
}

// name is how a file of the bundle is called from here.
func (p *prediction) name(file string) string {
	st, err := os.Stat(p.path)
	if err == nil && st.IsDir() && p.bundle.Has(file) {
		return filepath.Join(p.path, filepath.FromSlash(file))
	}
	return file
}

// show prints a report and says by its error what exit status it is.
func (p *prediction) show(w io.Writer, r *check.Report) error {
	p.print(w, append(slices.Clone(r.Findings), r.Unsettled...))
	if len(r.Findings)+len(r.Unsettled) > 0 {
		fmt.Fprintln(w)
	}
	_, width := terminal(w)
	for _, s := range r.NotKnown {
		fmt.Fprintln(w, finding.Wrap(s, width, 4))
	}
	fmt.Fprintln(w, summary(r))
	if len(r.Findings) > 0 {
		return errFindings
	}
	return nil
}

// print shows findings, with the files' names and the fix's command as they
// are to be typed here.
func (p *prediction) print(w io.Writer, fs []*finding.Finding) {
	for _, f := range fs {
		for i, n := range f.Notes {
			if rest, ok := strings.CutPrefix(n.Text, "beanpole fix "); ok && n.Command {
				f.Notes[i].Text = strings.Join(append([]string{"beanpole fix"}, p.words()...), " ") + " " + rest
			}
		}
	}
	color, width := terminal(w)
	finding.Text(w, fs, finding.TextOptions{Read: p.read, Name: p.name, Color: color, Width: width})
}

// summary is the last line. What is not settled is counted beside what is
// broken, so that it never looks like clean.
func summary(r *check.Report) string {
	var broken, open int
	for _, c := range r.Chains {
		switch {
		case c.Cause() != nil:
			broken++
		case c.Answer.Verdict != fact.Holds:
			open++
		}
	}
	line := "no finding"
	if n := len(r.Findings); n > 0 {
		line = count(n, "finding")
	}
	if n := len(r.Suppressed); n > 0 {
		line += fmt.Sprintf(", %d silenced", n)
	}
	if len(r.Chains) == 0 {
		return line + "; no fetch to follow"
	}
	var parts []string
	for _, p := range []struct {
		n    int
		what string
	}{{broken, "broken"}, {open, "not settled"}, {len(r.Chains) - broken - open, "sound"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	return line + "; " + count(len(r.Chains), "fetch") + ": " + strings.Join(parts, ", ")
}

// terminal is whether w shows colours, and how wide text may be there.
func terminal(w io.Writer) (color bool, width int) {
	if s, ok := w.(*sink); ok {
		w = s.w
	}
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return false, 80
	}
	_, unwanted := os.LookupEnv("NO_COLOR")
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width < 40 {
		width = 80
	}
	return !unwanted && os.Getenv("TERM") != "dumb", width
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	if strings.HasSuffix(what, "ch") {
		what += "e"
	}
	return fmt.Sprintf("%d %ss", n, what)
}
