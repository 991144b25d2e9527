package cli

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"

	"beanpole/internal/check"
	"beanpole/internal/finding"
	"beanpole/internal/report"
)

// checked is what came of one of several bundles.
type checked struct {
	text   string
	counts report.Counts
	err    error
}

// many checks bundles side by side and writes what comes of them in their
// order. One that cannot be checked stops none of the others; the worst exit
// status counts.
func (k *checking) many(w, errs io.Writer, paths []string) error {
	format := report.New(k.format, Version)
	if format == nil {
		format = &textFormat{w}
	}
	bottom := newScreen(errs)
	defer bottom.done()
	if len(paths) == 1 {
		bottom.terminal = false // nothing to wait for
	}
	queue := make(chan chan checked, 4*runtime.GOMAXPROCS(0))
	go func() {
		running := make(chan struct{}, runtime.GOMAXPROCS(0))
		for i, path := range paths {
			done := make(chan checked, 1)
			queue <- done
			running <- struct{}{}
			go func() {
				done <- k.checked(format, i, path)
				<-running
			}()
		}
		close(queue)
	}()
	fmt.Fprint(w, format.Head())
	var total report.Counts
	worst, written := exitClean, 0
	for done := range queue {
		c := <-done
		total.Add(c.counts)
		if c.counts.Findings > 0 {
			worst = max(worst, exitFindings)
		}
		bottom.write(func(errs io.Writer) {
			if c.err != nil {
				worst = max(worst, reportError(errs, c.err))
			}
			if c.text == "" {
				return
			}
			if written > 0 {
				fmt.Fprint(w, format.Between())
			}
			fmt.Fprint(w, c.text)
			written++
		})
		if total.Bundles%16 == 0 {
			bottom.now(fmt.Sprintf("%d of %d bundles", total.Bundles, len(paths)))
		}
	}
	fmt.Fprint(w, format.Tail(total))
	if worst == exitClean {
		return nil
	}
	return &exitError{code: worst}
}

// checked checks one bundle and writes its part.
func (k *checking) checked(format report.Format, index int, path string) checked {
	b := &report.Bundle{Index: index, Path: path}
	p, err := k.of(path)
	if err == nil {
		defer p.bundle.Close()
		b.Name, b.Read = p.name, p.read
		if p.parsed != nil {
			b.Template = p.parsed.File
		}
		b.Report, err = check.Run(p.input())
	}
	if b.Err = err; err == nil {
		b.Report.Shorten()
		p.typed(b.Report.Findings)
		p.typed(b.Report.Unsettled)
	} else if !strings.Contains(err.Error(), path) {
		err = fmt.Errorf("%s: %w", path, err)
	}
	return checked{format.Bundle(b), report.Count(b), err}
}

// textFormat is the text for people: of each bundle its findings and one line.
type textFormat struct {
	w io.Writer // where it goes in the end
}

func (*textFormat) Head() string    { return "" }
func (*textFormat) Between() string { return "" }

func (f *textFormat) Bundle(b *report.Bundle) string {
	if b.Err != nil {
		return "" // said among the errors
	}
	out := &strings.Builder{}
	color, width := terminal(f.w)
	finding.Text(out, b.Report.Findings, finding.TextOptions{Read: b.Read, Name: b.Name, Color: color, Width: width})
	if len(b.Report.Findings) > 0 {
		fmt.Fprintln(out)
	}
	for _, s := range slices.Concat(b.Report.NotKnown, b.Report.Assumed) {
		fmt.Fprintln(out, finding.Wrap(b.Path+": "+s, width, 4))
	}
	fmt.Fprintln(out, finding.Wrap(b.Path+": "+summary(b.Report), width, 4))
	return out.String()
}

func (f *textFormat) Tail(c report.Counts) string {
	line := count(c.Bundles, "bundle") + ": " + count(c.Findings, "finding")
	if c.Suppressed > 0 {
		line += fmt.Sprintf(", %d silenced", c.Suppressed)
	}
	line += "; " + count(c.Fetches, "fetch") + fmt.Sprintf(": %d broken, %d not settled, %d sound", c.Broken, c.Unsettled, c.Sound)
	if c.Failed > 0 {
		line += fmt.Sprintf("; %d could not be checked", c.Failed)
	}
	return line + "\n"
}
