package cli

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/term"

	"beanpole/internal/check"
	"beanpole/internal/fact"
	"beanpole/internal/finding"
)

// show prints a report and says by its error what exit status it is.
func (p *prediction) show(w io.Writer, r *check.Report) error {
	p.print(w, append(slices.Clone(r.Findings), r.Unsettled...))
	if len(r.Findings)+len(r.Unsettled) > 0 {
		fmt.Fprintln(w)
	}
	_, width := terminal(w)
	for _, s := range slices.Concat(r.NotKnown, r.Assumed) {
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
	p.typed(fs)
	color, width := terminal(w)
	finding.Text(w, fs, finding.TextOptions{Read: p.read, Name: p.name, Color: color, Width: width})
}

// typed makes the commands in findings such as are to be typed here.
func (p *prediction) typed(fs []*finding.Finding) {
	for _, f := range fs {
		if p.reading != nil && p.template == "" {
			withoutCommand(f)
		}
		for i, n := range f.Notes {
			if rest, ok := strings.CutPrefix(n.Text, "beanpole fix "); ok && n.Command {
				f.Notes[i].Text = strings.Join(append([]string{"beanpole fix"}, p.words()...), " ") + " " + rest
			}
		}
	}
}

// withoutCommand takes the fix's command away, which works on a template, and
// leaves the way by hand.
func withoutCommand(f *finding.Finding) {
	at := slices.IndexFunc(f.Notes, func(n finding.Note) bool { return n.Command && strings.HasPrefix(n.Text, "beanpole fix ") })
	if at < 0 {
		return
	}
	f.Notes = slices.Delete(f.Notes, at, at+1)
	if at < len(f.Notes) && f.Notes[at].Label == "" {
		f.Notes[at].Label, f.Notes[at].Text = "fix", strings.TrimPrefix(f.Notes[at].Text, "or ")
	}
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
