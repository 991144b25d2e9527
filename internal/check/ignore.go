package check

import (
	"bytes"
	"fmt"
	"strings"

	"beanpole/internal/finding"
	"beanpole/internal/lazyregexp"
	"beanpole/internal/source"
)

// Suppressed is a finding that the user silenced, and why.
type Suppressed struct {
	*finding.Finding
	Reason string
	At     source.Pos // of the comment
}

// ignore is a comment `# beanpole:ignore SLUG reason`. It silences the findings
// of one rule on its own line, or, where it has the line for itself, on the
// next one.
type ignore struct {
	at, end source.Pos
	slug    string
	slugAt  source.Pos
	reason  string
	line    int // that it is about
	used    bool
}

var ignoreForm = lazyregexp.New(`(?:^|[\s;])#\s*(beanpole:ignore)(?:[ \t]+([^\s#]+))?[ \t]*(.*)`)

// readIgnores finds the comments of this form in a file, of any language in
// which # begins a comment.
func readIgnores(file string, data []byte) (out []*ignore) {
	if !bytes.Contains(data, []byte("beanpole:ignore")) {
		return nil
	}
	text := source.NewText(file, data)
	if text == nil {
		return nil
	}
	waiting := 0 // comments that have their lines for themselves, up to this one
	offset := 0
	number := 0
	for line := range strings.Lines(text.Text) {
		number++
		bare := strings.TrimRight(line, "\r\n")
		m := ignoreForm.FindStringSubmatchIndex(bare)
		alone := strings.HasPrefix(strings.TrimLeft(bare, " \t"), "#")
		if m == nil {
			waiting = 0
		} else {
			ig := &ignore{at: text.PosAt(offset + m[2]), end: text.PosAt(offset + len(bare)), line: number}
			ig.slugAt = ig.at
			if m[4] >= 0 {
				ig.slug, ig.slugAt = strings.TrimRight(bare[m[4]:m[5]], ":,"), text.PosAt(offset+m[4])
			}
			ig.reason = strings.TrimSpace(strings.TrimLeft(strings.TrimSpace(bare[m[6]:m[7]]), ":-–— "))
			out = append(out, ig)
			if alone {
				waiting++
				for _, w := range out[len(out)-waiting:] {
					w.line = number + 1
				}
			}
		}
		offset += len(line)
	}
	return out
}

// ignores are the comments of all files that a user can comment: configuration
// files, platform files, Procfile and Buildfile, the template.
func (r *run) ignores() []*ignore {
	if r.ignored != nil {
		return *r.ignored
	}
	var out []*ignore
	for _, name := range r.in.Bundle.Names() {
		if !commented(name) {
			continue
		}
		if data, err := r.in.Bundle.Read(name); err == nil {
			out = append(out, readIgnores(name, data)...)
		}
	}
	if t := r.in.Template; t != nil && r.in.Read != nil {
		out = append(out, readIgnores(t.File, r.in.Read(t.File))...)
	}
	r.ignored = &out
	return out
}

func commented(name string) bool {
	dir, _, _ := strings.Cut(name, "/")
	switch dir {
	case ".ebextensions", ".platform", "Procfile", "Buildfile", ".ebignore":
		return true
	}
	return false
}

// silences: the comment is about this finding. One without a line is about the
// whole file, and so is any comment in it.
func (ig *ignore) silences(f *finding.Finding) bool {
	return ig.reason != "" && ig.slug == f.Rule && ig.at.File == f.Pos.File && (f.Pos.Line == ig.line || !f.Pos.IsValid())
}

// silence takes out of the findings what the user's comments silence.
func (r *run) silence(found []*finding.Finding) (left []*finding.Finding, silenced []*Suppressed) {
	for _, f := range found {
		var by *ignore
		for _, ig := range r.ignores() {
			if ig.silences(f) {
				by, ig.used = ig, true
			}
		}
		if by == nil {
			left = append(left, f)
			continue
		}
		silenced = append(silenced, &Suppressed{Finding: f, Reason: by.reason, At: by.at})
	}
	return left, silenced
}

// idle are findings about comments that silence nothing.
func (r *run) idle() (out []*finding.Finding) {
	for _, ig := range r.ignores() {
		rule := Lookup(ig.slug)
		f := &finding.Finding{Rule: "unused-ignore", Severity: finding.Warning, Certain: true, Pos: ig.at, End: ig.end}
		switch {
		case ig.slug == "":
			f.Message = "this comment silences nothing: it names no rule"
			f.Notes = []finding.Note{{Label: "fix", Text: "write # beanpole:ignore RULE reason"}}
		case rule == nil:
			f.Pos, f.End = ig.slugAt, source.Pos{}
			f.Message = fmt.Sprintf("this comment silences nothing: there is no rule %q", ig.slug)
			hint := "beanpole explain lists the rules"
			if near := Nearest(ig.slug); near != "" {
				hint = "write " + near
			}
			f.Notes = []finding.Note{{Label: "fix", Text: hint}}
		case ig.reason == "":
			f.Message = "this comment silences nothing: it gives no reason"
			f.Notes = []finding.Note{{Label: "fix", Text: "write why behind the rule: # beanpole:ignore " + ig.slug + " reason"}}
		case ig.used || rule.claims != nil && !r.direct:
			continue // without template or option it is not known what a fetch meets
		default:
			f.Message = fmt.Sprintf("this comment silences nothing: %s finds nothing on line %d", ig.slug, ig.line)
			f.Notes = []finding.Note{{Label: "fix", Text: "remove the comment, or put it on the finding's line or the one above"}}
		}
		out = append(out, f)
	}
	return out
}
