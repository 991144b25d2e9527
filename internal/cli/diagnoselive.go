package cli

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"beanpole/internal/access"
	"beanpole/internal/account/reading"
	"beanpole/internal/check"
	"beanpole/internal/diagnose"
	"beanpole/internal/fact"
	"beanpole/internal/finding"
	"beanpole/internal/logs"
)

// ofAccount diagnoses a live environment or stack, or a saved reading of one.
func (d *diagnosing) ofAccount(c *cobra.Command, args []string) error {
	if err := checkRegion(d.region); err != nil {
		return err
	}
	if d.follow {
		if done, err := d.watch(c); done {
			return err
		}
	}
	l, err := d.look(c.Context(), c.ErrOrStderr())
	defer l.end(c.ErrOrStderr())
	if err != nil {
		return err
	}
	p, err := l.read(c, args, true)
	if err != nil {
		return err
	}
	defer p.bundle.Close()
	read, err := d.readAccount(c.InOrStdin())
	if err != nil {
		return err
	}
	found, err := check.Run(p.input())
	if err != nil {
		return err
	}
	l.screen.now("")
	e := diagnose.Explain(diagnose.Logs(read), found)
	e.Behind(found)
	d.prediction = *p
	return d.tell(c.OutOrStdout(), e, found)
}

// readAccount reads what the account's events and logs say, and every --log.
func (d *diagnosing) readAccount(in io.Reader) (*logs.Reading, error) {
	r := &logs.Reader{Words: diagnose.Words()}
	add := func(name string, text []byte) error { return r.Read(name, bytes.NewReader(text)) }
	if s := d.reading.Stack; s != nil && len(s.Events) > 0 {
		if err := add("events of stack "+s.Name, s.EventText()); err != nil {
			return nil, err
		}
	}
	if e := d.reading.Environment; e != nil {
		if err := add("events of environment "+e.Name, e.EventText()); err != nil {
			return nil, err
		}
		for _, l := range e.Logs {
			if err := add("tail logs of "+l.Instance, []byte(l.Text)); err != nil {
				return nil, err
			}
		}
	}
	for _, name := range d.logs {
		if err := readLog(r, name, in); err != nil {
			return nil, err
		}
	}
	return r.Reading(), nil
}

// tell prints the diagnosis of an account and says by its error how it is.
func (d *diagnosing) tell(w io.Writer, e *diagnose.Explained, found *check.Report) error {
	if d.format == "json" {
		if err := e.JSON(w); err != nil {
			return err
		}
		return d.verdict(e, found)
	}
	if e.Cause != nil || e.First != nil {
		d.explained(w, e)
		d.left(w, e, found)
		return d.verdict(e, found)
	}
	broken := brokenFetches(found)
	fmt.Fprintln(w, clean(d.state(broken)))
	if len(broken) > 0 {
		fmt.Fprint(w, "\nThis is why, and what to change:\n\n")
		d.print(w, broken)
	}
	d.left(w, e, found)
	return d.verdict(e, found)
}

// left prints what could not be told.
func (d *diagnosing) left(w io.Writer, e *diagnose.Explained, found *check.Report) {
	_, width := terminal(w)
	notes := slices.Clone(found.NotKnown)
	if len(e.Findings) == 0 && len(found.Unsettled) > 0 {
		fmt.Fprintln(w)
		d.print(w, found.Unsettled)
	}
	if len(notes) > 0 {
		fmt.Fprintln(w)
	}
	for _, s := range notes {
		fmt.Fprintln(w, finding.Wrap(s, width, 4))
	}
	if _, _, open := settledFetches(found); open+len(found.Chains) > 0 && len(e.Findings) == 0 {
		fmt.Fprintln(w, summary(found))
	}
}

// state is the first line about something that did not fail, and what stands
// below it.
func (d *diagnosing) state(broken []*finding.Finding) string {
	env := d.reading.Environment
	if env == nil {
		if len(broken) > 0 {
			return "Not failed yet, but a fetch cannot succeed [" + broken[0].Rule + "]"
		}
		return "No failure: stack " + d.reading.Stack.Name + " is " + d.reading.Stack.Status
	}
	says := fmt.Sprintf("environment %s is %s", fact.Show(env.Name), env.Status)
	if env.Health != "" {
		says += ", health " + env.Health
	}
	switch {
	case len(broken) > 0:
		return "Not failed yet, but a fetch cannot succeed [" + broken[0].Rule + "]\n  " + says
	case sick(env):
		return "Not healthy, and no event says why\n  " + says
	}
	return "No failure: " + says
}

// sick tells an environment whose health is not well, of which nothing failed.
func sick(e *reading.Environment) bool {
	return e.Health == "Red" || e.Health == "Yellow" || e.Health == "Grey"
}

// brokenFetches are the findings about fetches that surely fail.
func brokenFetches(r *check.Report) (out []*finding.Finding) {
	for _, c := range r.Chains {
		f := check.Explain(c)
		if f == nil {
			continue
		}
		for _, g := range r.Findings {
			if g.Rule == f.Rule && g.Message == f.Message && !slices.Contains(out, g) {
				out = append(out, g)
			}
		}
	}
	return out
}

// settledFetches counts fetches by what is known of their end.
func settledFetches(r *check.Report) (sound, broken, open int) {
	for _, c := range r.Chains {
		switch v := chainVerdict(c); v {
		case fact.Holds:
			sound++
		case fact.Broken:
			broken++
		default:
			open++
		}
	}
	return sound, broken, open
}

func chainVerdict(c *access.Chain) fact.Verdict {
	if c.Cause() != nil {
		return fact.Broken
	}
	return c.Answer.Verdict
}

// verdict is the exit status: a failure or a fetch that cannot succeed is 1;
// what looks well but could not be told is 4.
func (d *diagnosing) verdict(e *diagnose.Explained, found *check.Report) error {
	_, broken, open := settledFetches(found)
	switch {
	case e.Cause != nil || e.First != nil || broken > 0:
		return errFindings
	case open > 0 || !eventsRead(d.reading) || d.reading.Environment != nil && sick(d.reading.Environment):
		return &exitError{code: exitUntold}
	}
	return nil
}

// eventsRead tells whether what happened could be read.
func eventsRead(r *reading.Reading) bool {
	return !slices.ContainsFunc(r.NotRead, func(x reading.Refusal) bool {
		return strings.HasSuffix(x.Permission, ":DescribeEvents") || strings.HasSuffix(x.Permission, ":DescribeStackResource")
	})
}
