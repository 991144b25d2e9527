package cli

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	localaws "beanpole/internal/aws"
	"beanpole/internal/check"
	"beanpole/internal/diagnose"
	"beanpole/internal/finding"
	"beanpole/internal/logs"
)

// exitUntold: nothing could be told, for lack of input or permission.
const exitUntold = 4

// diagnosisFormats are the forms of the answer.
var diagnosisFormats = []string{"text", "json", "html"}

func diagnoseCommand() *cobra.Command {
	d := &diagnosing{}
	c := &cobra.Command{
		Use:   "diagnose [PATH] [--log FILE...] [--environment NAME]",
		Short: "name the cause of a failed deployment from its events and logs",
		Long: `diagnose reads what is at hand of a failed deployment: events as the console,
the EB CLI or the AWS CLI print them, log files of the instances, tail logs, the
zip file with all logs, or lines pasted from any of them (--log - or nothing:
standard input). It names the step that failed first, says what the text proves
and what it rules out, and what would settle the rest. With PATH, the source
bundle, and its template it points to the line to change.

With --environment NAME (or --stack NAME) it reads a live account: events, the
stack's own events, and what every fetch of the deployment depends on. It only
reads; --fetch-logs has the instances send their tail logs as well, and --follow
watches a deployment until it ends.

Exit status: 0 no failure, 1 a failure, 2 bad usage or input that cannot be
read, 4 the input says nothing of a deployment, or AWS refused to tell.`,
		Example: `  beanpole diagnose --log eb-engine.log --log cfn-init.log
  beanpole diagnose app --template infra.yaml --log bundle-logs.zip
  aws elasticbeanstalk describe-events --environment-name shop > events.json
  beanpole diagnose --log events.json
  eb events | beanpole diagnose
  beanpole diagnose --environment shop-production --fetch-logs
  beanpole diagnose app --environment shop-production
  beanpole diagnose --environment shop-production --follow`,
		Args: atMost(1, "PATH"),
		RunE: func(c *cobra.Command, args []string) error {
			return d.run(c, args)
		},
	}
	d.register(c)
	d.account.register(c)
	c.Flags().BoolVar(&d.account.fetchLogs, "fetch-logs", false, "have the live instances send their tail logs, and read them")
	c.Flags().BoolVar(&d.follow, "follow", false, "watch the live environment until its deployment ends")
	c.Flags().StringArrayVar(&d.logs, "log", nil, "events or logs: `FILE`, or - for standard input; may be repeated")
	c.Flags().StringVar(&d.format, "format", "text", "`FORMAT` of the answer: "+strings.Join(diagnosisFormats, ", "))
	completes(c, "format", cobra.FixedCompletions(diagnosisFormats, cobra.ShellCompDirectiveNoFileComp))
	return c
}

// diagnosing is one call of `diagnose`.
type diagnosing struct {
	prediction
	logs   []string
	format string
	follow bool
}

func (d *diagnosing) run(c *cobra.Command, args []string) error {
	if !slices.Contains(diagnosisFormats, d.format) {
		return usageError("there is no format %q; there is: %s", d.format, strings.Join(diagnosisFormats, ", "))
	}
	if d.account.printPolicy {
		return d.account.printPolicyTo(c.OutOrStdout(), localaws.PartitionOf(d.region))
	}
	if err := d.checkAccount(c, len(args)); err != nil {
		return err
	}
	if d.asked() {
		return d.ofAccount(c, args)
	}
	if d.follow {
		return usageError("--follow watches a live environment; name it: --environment NAME")
	}
	read, err := d.readAll(c.InOrStdin(), c.ErrOrStderr())
	if err != nil {
		return err
	}
	e := &diagnose.Explained{Diagnosis: diagnose.Logs(read)}
	if len(args) > 0 {
		if err := d.open(args[0]); err != nil {
			return err
		}
		defer d.bundle.Close()
		found, err := check.Run(d.input())
		if err != nil {
			return err
		}
		e = diagnose.Explain(e.Diagnosis, found)
	}
	if err := d.write(c.OutOrStdout(), e); err != nil {
		return err
	}
	return status(e)
}

// write writes the answer in the format asked for.
func (d *diagnosing) write(w io.Writer, e *diagnose.Explained) error {
	switch d.format {
	case "json":
		return e.JSON(w)
	case "html":
		return e.HTML(w)
	}
	d.explained(w, e)
	return nil
}

// readAll reads every --log, or standard input.
func (d *diagnosing) readAll(in io.Reader, errs io.Writer) (*logs.Reading, error) {
	r := &logs.Reader{Words: diagnose.Words()}
	from := d.logs
	if len(from) == 0 {
		from = []string{"-"}
		if onTerminal(in) {
			fmt.Fprintln(errs, "beanpole: paste events or log lines, and end with Ctrl-D (or name files: --log FILE)")
		}
	}
	for _, name := range from {
		if err := readLog(r, name, in); err != nil {
			return nil, err
		}
	}
	return r.Reading(), nil
}

func readLog(r *logs.Reader, name string, in io.Reader) error {
	if name == "-" {
		return r.Read("standard input", in)
	}
	f, err := os.Open(name)
	if err != nil {
		return usageError("cannot read the log: %v", err)
	}
	defer f.Close()
	if st, err := f.Stat(); err == nil && st.IsDir() {
		return usageError("%s is a folder; name the files in it, or the zip file of all logs", name)
	}
	return r.Read(name, f)
}

// explained prints the first line, what stands below it, and what check found.
func (p *prediction) explained(w io.Writer, e *diagnose.Explained) {
	color, width := terminal(w)
	fmt.Fprintln(w, e.Headline())
	if notes := e.Notes(); len(notes) > 0 {
		opt := finding.TextOptions{Color: color, Width: width}
		if p.bundle != nil {
			opt.Name = p.name
		}
		finding.Notes(w, notes, opt)
	}
	if len(e.Findings) > 0 {
		fmt.Fprint(w, "\nThis is why, and what to change:\n\n")
		p.print(w, e.Findings)
	}
}

// status is the exit status as an error, nil for a deployment without failure.
func status(e *diagnose.Explained) error {
	switch {
	case e.Cause != nil || e.First != nil:
		return errFindings
	case e.Outcome == diagnose.NotShown:
		return &exitError{code: exitUntold}
	}
	return nil
}

// onTerminal tells that somebody would have to type.
func onTerminal(in io.Reader) bool {
	f, ok := in.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
