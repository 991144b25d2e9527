package check

import (
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"beanpole/internal/finding"
	"beanpole/internal/source"
)

// Unreadable is the slug of the rule about files that cannot be read.
const Unreadable = "unreadable-config"

var unreadableConfig = &Rule{
	Slug:  Unreadable,
	Title: "a configuration file is neither YAML nor JSON",
	Why: `Elastic Beanstalk reads every .config file in .ebextensions before it touches an
instance: as YAML 1.1, with a parser named SnakeYAML, and if that fails as JSON.
One that it cannot read makes it refuse the whole application version:
  The configuration file … contains invalid YAML or JSON. YAML exception:
  Invalid Yaml: …, JSON exception: Invalid JSON: … Update the configuration file.
The place in that message is where the parser gave up, which is often lines
behind the mistake. Short forms of CloudFormation's functions, such as !Ref,
count as unreadable too.`,
	Before: "files:\n\t/etc/motd:",
	After:  "files:\n  /etc/motd:",
	Since:  "0.1.0",

	find: func(r *run) []*finding.Finding {
		var out []*finding.Finding
		for _, p := range r.x.Problems {
			out = append(out, r.unreadable(p))
		}
		return out
	},
}

// unreadable is a file's problem as a finding. Where AWS's parser has no word
// for it, it is beanpole that cannot read on, and AWS may.
func (r *run) unreadable(p *source.Problem) *finding.Finding {
	f := &finding.Finding{
		Rule: Unreadable, Severity: finding.Error, Certain: p.Snake != "", Pos: p.Pos, End: p.End,
		Message: "Elastic Beanstalk will refuse the application version: it cannot read this file",
		Notes:   []finding.Note{{Label: "cause", Text: strings.TrimPrefix(p.What, "this is not YAML: ")}},
	}
	if p.Snake == "" {
		f.Message = "Elastic Beanstalk may refuse the application version: beanpole cannot read this file"
	} else {
		f.Notes = append(f.Notes, finding.Note{Label: "on AWS", Text: fmt.Sprintf(
			"The configuration file %s in application version … contains invalid YAML or JSON. YAML exception: Invalid Yaml: %s …, JSON exception: Invalid JSON: %s. Update the configuration file.",
			p.Pos.File, strings.TrimSuffix(p.Snake, ":"), r.jsonWords(p.Pos.File))})
	}
	if p.Remedy != "" {
		f.Notes = append(f.Notes, finding.Note{Label: "fix", Text: p.Remedy})
	}
	if len(p.Edits) > 0 {
		f.Fixes = []finding.Fix{{Name: "mend-yaml", Title: p.Remedy, Edits: p.Edits}}
	}
	return f
}

// jsonWords is what the JSON parser says of a file that is YAML: it stops at
// the first character that is not blank.
func (r *run) jsonWords(file string) string {
	data, err := r.in.Bundle.Read(file)
	if err != nil {
		return "…"
	}
	text := string(data[:min(len(data), 4096)])
	rest := strings.TrimLeft(text, " \t\r\n")
	c, n := utf8.DecodeRuneInString(rest)
	if n == 0 || strings.ContainsRune(`{["-0123456789`, c) {
		return "…" // nothing, or it goes on behind a value
	}
	return fmt.Sprintf("Unexpected character (%c) at position %d.", c, len(utf16.Encode([]rune(text[:len(text)-len(rest)]))))
}
