package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"beanpole/internal/cfn"
	"beanpole/internal/check"
	"beanpole/internal/ebext"
	"beanpole/internal/finding"
	"beanpole/internal/source"
)

func checkCommand() *cobra.Command {
	in := &prediction{}
	c := &cobra.Command{
		Use:   "check [PATH]",
		Short: "predict whether the instances get what they need",
		Long: `check reads a source bundle (a folder or a zip) and, if given, the CloudFormation
template that the environment is created with. It follows every fetch that an
instance will make, from the configuration file to the object in S3, and says
which ones will fail, why, and what to change. It asks AWS nothing.

Exit status: 0 nothing found, 1 findings, 2 bad usage or input that cannot be
read. What could not be settled is listed at the end.`,
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
			return in.show(c.OutOrStdout(), report)
		},
	}
	in.register(c)
	return c
}

// prediction is what `check` and `fix` work on.
type prediction struct {
	inputFlags
	region   string
	path     string
	bundle   *source.Bundle
	parsed   *cfn.Template
	params   map[string]string
	settings ebext.Settings
}

func (p *prediction) register(c *cobra.Command) {
	p.inputFlags.register(c)
	c.Flags().StringVar(&p.region, "region", "", "AWS region of stack and environment")
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
	if p.parsed, err = p.readTemplate(); err != nil {
		return err
	}
	if p.params, err = p.parameters(p.parsed); err != nil {
		return err
	}
	if p.settings, err = p.given(); err != nil {
		return err
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
		Platform: p.platform, Environment: p.environment, Read: p.read,
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
	color, width := terminal(w)
	finding.Text(w, r.Findings, finding.TextOptions{Read: p.read, Name: p.name, Color: color, Width: width})
	if len(r.Findings) > 0 {
		fmt.Fprintln(w)
	}
	unknown := r.NotKnown
	if p.parsed == nil {
		unknown = append(unknown, "without --template it stays unknown which instance profile the instances get, which role it holds, and what that role may do")
	}
	for _, s := range unknown {
		fmt.Fprintln(w, finding.Wrap(s, width, 4))
	}
	fmt.Fprintf(w, "%s followed, %s\n", count(len(r.Chains), "fetch"), count(len(r.Findings), "finding"))
	if len(r.Findings) > 0 {
		return errFindings
	}
	return nil
}

// terminal is whether w shows colours, and how wide text may be there.
func terminal(w io.Writer) (color bool, width int) {
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
