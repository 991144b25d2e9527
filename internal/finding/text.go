package finding

import (
	"fmt"
	"io"
	"strings"

	"beanpole/internal/source"
)

// TextOptions say how findings are printed for people.
type TextOptions struct {
	Color bool
	// Read gives a file's content for the excerpts; nil, or a nil answer:
	// no excerpt.
	Read func(file string) []byte
	// Width is the number of columns that text is wrapped to; 0: not at all.
	Width int
	// Name is how a file is called in the output, so that a terminal can open
	// it; nil: as the place says.
	Name func(file string) string
}

// Text prints findings for people, one after the other with an empty line
// between. Nothing of what a user's file holds reaches the terminal as a
// control character.
func Text(w io.Writer, fs []*Finding, opt TextOptions) {
	p := printer{w: w, opt: opt}
	for i, f := range fs {
		if i > 0 {
			fmt.Fprintln(w)
		}
		p.head(f)
		p.excerpt(f)
		p.notes(f.Notes)
	}
}

// Notes prints labelled lines as they stand below a finding.
func Notes(w io.Writer, notes []Note, opt TextOptions) {
	p := printer{w: w, opt: opt}
	p.notes(notes)
}

type printer struct {
	w    io.Writer
	opt  TextOptions
	last lastLine
}

// SGR parameters of the colours.
const (
	bold   = "1"
	red    = "1;31"
	yellow = "1;33"
	green  = "32"
	cyan   = "36"
)

func (p *printer) paint(sgr, s string) string {
	if !p.opt.Color || s == "" {
		return s
	}
	return "\x1b[" + sgr + "m" + s + "\x1b[0m"
}

func (p *printer) place(at source.Pos) string {
	if p.opt.Name != nil {
		at.File = p.opt.Name(at.File)
	}
	return Clean(at.String())
}

// head prints `file:line:col: error: message [rule]`, wrapped below itself.
func (p *printer) head(f *Finding) {
	at := p.place(f.Pos)
	if at != "" {
		at += ": "
	}
	sgr := red
	switch f.Severity {
	case Warning:
		sgr = yellow
	case Unknown:
		sgr = cyan
	}
	severity := string(f.Severity) + ":"
	text := mask(Clean(f.Message))
	if f.Rule != "" {
		text += " [" + f.Rule + "]"
	}
	lines := wrap(at+severity+" "+text, p.opt.Width, 4)
	rest, had := strings.CutPrefix(lines[0], at+severity)
	if had {
		lines[0] = p.paint(bold, at) + p.paint(sgr, severity) + rest
	}
	for _, l := range lines {
		fmt.Fprintln(p.w, l)
	}
}

// notes prints labelled lines, the texts below one another, each place on a
// line of its own.
func (p *printer) notes(ns []Note) {
	width := 0
	for _, n := range ns {
		width = max(width, len(n.Label)+1)
	}
	indent := 2 + width + 1
	for _, n := range ns {
		label := n.Label + ":"
		if n.Label == "" {
			label = ""
		}
		pad := strings.Repeat(" ", width-len(label)+1)
		for i, l := range p.lines(n, p.opt.Width-indent) {
			switch {
			case i == 0:
				fmt.Fprintln(p.w, "  "+p.paint(cyan, label)+strings.TrimRight(pad+l, " "))
			default:
				fmt.Fprintln(p.w, strings.Repeat(" ", indent)+l)
			}
		}
		for _, at := range n.At {
			if at.IsValid() {
				fmt.Fprintln(p.w, strings.Repeat(" ", indent)+p.place(at))
			}
		}
	}
}

// lines are a note's text, wrapped to a width: a list entry below its own
// text, a command line with the backslashes that continue it.
func (p *printer) lines(n Note, width int) []string {
	text := mask(Clean(n.Text))
	switch {
	case n.Command && columns(text) > width:
		lines := wrap(text, max(0, width-2), 2)
		for i := range lines[:len(lines)-1] {
			lines[i] += ` \`
		}
		return lines
	case strings.HasPrefix(n.Text, "- "):
		return wrap(text, width, 2)
	}
	return wrap(text, width, 0)
}

// Wrap is text made fit for a terminal and broken into lines of at most width
// columns, 0: one line. Lines after the first are indented.
func Wrap(s string, width, indent int) string {
	return strings.Join(wrap(mask(Clean(s)), width, indent), "\n")
}

// wrap breaks s at blanks into lines of at most width columns; lines after
// the first are indented. A word that is longer stays whole, since it may be
// something to copy. A width of 0 or less wraps nothing.
func wrap(s string, width, indent int) []string {
	if width <= 0 || columns(s) <= width {
		return []string{s}
	}
	var lines []string
	line, used := "", 0
	for _, word := range strings.Split(s, " ") {
		n := columns(word)
		if used > 0 && used+1+n > width {
			lines = append(lines, strings.TrimRight(line, " "))
			line, used = strings.Repeat(" ", indent), indent
			if word == "" {
				continue
			}
			line, used = line+word, used+n
			continue
		}
		if used > 0 || line != "" {
			line, used = line+" ", used+1
		}
		line, used = line+word, used+n
	}
	return append(lines, line)
}
