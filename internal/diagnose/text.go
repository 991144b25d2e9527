package diagnose

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"beanpole/internal/check"
	"beanpole/internal/finding"
	"beanpole/internal/logs"
	"beanpole/internal/source"
)

// headline is how many columns the first line has.
const headline = 80

// Headline is the first line: it stands alone, in one line of a terminal.
func (e *Explained) Headline() string {
	switch {
	case e.found:
		line := "Cause: " + check.Lookup(e.Findings[0].Rule).Title
		slug := " [" + e.Findings[0].Rule + "]"
		return short(line, headline-len(slug)) + slug
	case e.Cause != nil:
		slug := " [" + e.Slug() + "]"
		word := "Cause: "
		if !e.Sure() {
			word = "Failed: "
		}
		said := finding.Clean(Hide(e.Said()))
		room := headline - len(word)
		if clause, what, ok := strings.Cut(said, ": "); ok && what != "" && utf8.RuneCountInString(said) > room-len(slug) && utf8.RuneCountInString(clause) < room-20 {
			return word + cut(said, room) // what failed is worth more than the slug, which follows below
		}
		if line := word + short(said, room-len(slug)); !strings.HasSuffix(line, "…") {
			return line + slug
		}
		return word + short(said, room)
	case e.First != nil:
		return "Failed, and the cause is not known: it is none that beanpole recognises"
	case e.Outcome == Succeeded:
		return "No failure: the last deployment in these logs succeeded"
	case len(e.Read.Records) == 0:
		return "Nothing could be told: there was nothing to read"
	case len(e.Perhaps) > 0:
		return one("Possible: ", e.Perhaps[0])
	case len(e.Quiet) > 0:
		return one("Beside: ", e.Quiet[0])
	}
	return "No failure stands in these logs, and no end of a deployment either"
}

// one is a line about a step that is not the cause of a failure.
func one(word string, s *Step) string {
	slug := " [" + s.Slug + "]"
	said := finding.Clean(Hide(s.Title))
	if line := word + short(said, headline-len(word)-len(slug)); !strings.HasSuffix(line, "…") {
		return line + slug
	}
	return word + short(said, headline-len(word))
}

// Slug names the cause: that of the rule which found it, else the log's.
func (e *Explained) Slug() string {
	if len(e.Findings) > 0 {
		return e.Findings[0].Rule
	}
	return e.Cause.Slug
}

// Said is what is the cause, in one sentence.
func (e *Explained) Said() string {
	for _, b := range e.Cause.Of {
		for _, r := range b.Rules {
			if len(e.Findings) > 0 && e.Findings[0].Rule == r {
				return b.Title
			}
		}
	}
	return e.Cause.Title
}

// Sure: the cause is certain, by the text alone or by what check found.
func (e *Explained) Sure() bool { return e.Certain || e.Settled }

// short is the first clause of a text, cut to fit.
func short(s string, room int) string {
	if utf8.RuneCountInString(s) <= room {
		return s
	}
	for _, end := range []string{": ", " (", ", "} {
		if clause, _, ok := strings.Cut(s, end); ok && len(clause) > 20 && utf8.RuneCountInString(clause) <= room {
			return clause
		}
	}
	return cut(s, room)
}

func cut(s string, room int) string {
	if utf8.RuneCountInString(s) <= room {
		return s
	}
	return string([]rune(s)[:room-1]) + "…"
}

// Notes are what stands below the first line.
func (e *Explained) Notes() (out []finding.Note) {
	add := func(label, text string, at ...source.Pos) {
		if text != "" {
			out = append(out, finding.Note{Label: label, Text: finding.Clean(Hide(text)), At: at})
		}
	}
	if e.Cause == nil {
		e.unknown(add, e.found)
	} else {
		e.known(add)
	}
	if len(e.On) > 1 {
		add("on", fmt.Sprintf("%d instances, in this order: %s", len(e.On), strings.Join(e.On, ", ")))
	}
	for i, s := range e.Others {
		add(label("elsewhere", i), s.Record.Instance+": "+s.Title+" ["+s.Slug+"]", where(s.Record))
	}
	for _, s := range e.Quiet {
		add("beside", s.Title+" ["+s.Slug+"]", where(s.Record))
	}
	for _, u := range e.Read.Unread {
		add("not read", u)
	}
	return out
}

func (e *Explained) known(add func(label, text string, at ...source.Pos)) {
	c := e.Cause
	if e.Outcome == Recovered {
		add("when", "in an earlier deployment; the last one in these logs succeeded")
	}
	if !strings.HasSuffix(e.Headline(), c.Title+" ["+e.Slug()+"]") {
		add("what", Hide(c.Title)+" ["+c.Slug+"]")
	}
	add("in", c.In)
	add("seen", seen(c.Record), append([]source.Pos{where(c.Record)}, e.At...)...)
	add("why", c.Why)
	for i, r := range c.RuledOut {
		add(label("ruled out", i), r)
	}
	if len(e.Findings) == 0 {
		for i, b := range c.Of {
			add(label("possible", i), "- "+b.Title+" ["+b.Slug+"]: "+b.Settle)
		}
	}
	for i, r := range e.Output {
		add(label("output", i), strings.Join(strings.Fields(Hide(r.Text)), " "), where(r))
	}
	for i, s := range e.After {
		add(label("then", i), s.Title, where(s.Record))
	}
	if len(e.Findings) > 0 {
		return // they say what to change
	}
	if !e.Sure() && len(e.Output) == 0 {
		add("to settle", fill(c.Settle, c.shown))
	}
	for i, f := range c.Fix {
		add(label("fix", i), fill(f, c.shown))
	}
}

func (e *Explained) unknown(add func(label, text string, at ...source.Pos), explained bool) {
	if e.First == nil && len(e.Perhaps) > 0 {
		for i, s := range e.Perhaps {
			add(label("possible", i), s.Title+" ["+s.Slug+"]", where(s.Record))
			add("seen", seen(s.Record))
		}
		add("unsure", "these logs show neither a deployment that failed nor the end of one")
		add("to settle", "give the deployment's events or eb-engine.log too: eb events, eb logs --all")
		return
	}
	if e.First == nil {
		add("read", fmt.Sprintf("%d lines, %d entries", e.Read.Lines, len(e.Read.Records)))
		return
	}
	for i, r := range e.Before {
		add(label("before", i), seen(r), where(r))
	}
	add("first", seen(e.First), where(e.First))
	if explained {
		return
	}
	add("to settle", further(e.First))
}

// further says where to look further, by the log that is at hand.
func further(r *logs.Record) string {
	const all = "; give them all to beanpole diagnose --log"
	switch r.Kind {
	case logs.Event, logs.StackEvent, logs.Plain:
		return "the instance's own logs say more than events: eb logs --all, or the bundle of all logs" + all
	case logs.Engine:
		return "the same instance's eb-hooks.log, cfn-init.log, cfn-init-cmd.log and web.stdout.log (the bundle of all logs has them)" + all
	}
	return "the same instance's other logs (the bundle of all logs has them)" + all
}

// label is a label on the first of several notes.
func label(s string, i int) string {
	if i > 0 {
		return ""
	}
	return s
}

// maxSeen is how many runes of a record are quoted.
const maxSeen = 400

// seen quotes a record, in one line, without its secrets.
func seen(r *logs.Record) string {
	text := strings.Join(strings.Fields(Hide(r.Text)), " ")
	if utf8.RuneCountInString(text) > maxSeen {
		text = string([]rune(text)[:maxSeen]) + "…"
	}
	var parts []string
	switch {
	case r.Time.IsZero():
	case r.Time.Year() < 2: // an entry with a time of day alone
		parts = append(parts, r.Time.Format("15:04:05"))
	default:
		parts = append(parts, r.Time.Format("2006-01-02 15:04:05"))
	}
	if r.Severity != "" {
		parts = append(parts, r.Severity)
	}
	return strings.Join(append(parts, text), " ")
}

func where(r *logs.Record) source.Pos {
	return source.Pos{File: r.File, Line: r.Line, Col: 1}
}
