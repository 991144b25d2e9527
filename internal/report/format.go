package report

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Format is a form of output, written bundle by bundle: Head, the parts of the
// bundles that are not empty with Between in the middle, Tail. Bundle may be
// called by several goroutines at once.
type Format interface {
	Head() string
	Bundle(*Bundle) string
	Between() string
	Tail(total Counts) string
}

// Formats are the names that New knows.
var Formats = []string{"json", "sarif", "github", "html"}

// New is the format of a name; version is beanpole's.
func New(name, version string) Format {
	switch name {
	case "json":
		return jsonFormat{version}
	case "sarif":
		return newSARIF(version)
	case "github":
		return githubFormat{}
	case "html":
		return htmlFormat{version}
	}
	return nil
}

// encoded is JSON on one line; the types of this package always have one.
func encoded(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic("unreachable: " + err.Error())
	}
	return string(data)
}

type jsonFormat struct{ version string }

func (f jsonFormat) Head() string {
	return fmt.Sprintf("{\"version\":%s,\"tool\":{\"name\":\"beanpole\",\"version\":%s},\"bundles\":[\n", encoded(Version), encoded(f.version))
}
func (jsonFormat) Bundle(b *Bundle) string { return encoded(NewResult(b)) }
func (jsonFormat) Between() string         { return ",\n" }
func (jsonFormat) Tail(total Counts) string {
	return "\n],\"counts\":" + encoded(total) + "}\n"
}

// githubFormat is GitHub's workflow commands, which become annotations
// [github docs: workflow commands for GitHub Actions].
type githubFormat struct{}

func (githubFormat) Head() string    { return "" }
func (githubFormat) Between() string { return "" }
func (githubFormat) Tail(c Counts) string {
	return fmt.Sprintf("beanpole: %s in %s%s\n", counted(c.Findings, "finding"), counted(c.Bundles, "bundle"), unchecked(c))
}

// unchecked counts the bundles that could not be checked, when there are any.
func unchecked(c Counts) string {
	if c.Failed == 0 {
		return ""
	}
	return fmt.Sprintf(", %d of them could not be checked", c.Failed)
}

func (githubFormat) Bundle(b *Bundle) string {
	r := NewResult(b)
	var out strings.Builder
	if r.Error != "" {
		annotate(&out, "error", &Finding{Message: r.Bundle + ": " + r.Error})
	}
	for i := range r.Findings {
		kind := "warning"
		if r.Findings[i].Severity == "error" {
			kind = "error"
		}
		annotate(&out, kind, &r.Findings[i])
	}
	for i := range r.Unsettled {
		f := r.Unsettled[i]
		f.Message = "not known: " + f.Message
		annotate(&out, "notice", &f)
	}
	for _, s := range r.NotKnown {
		annotate(&out, "notice", &Finding{Message: "not known: " + s})
	}
	return out.String()
}

func annotate(out *strings.Builder, kind string, f *Finding) {
	var properties []string
	add := func(key string, value any) {
		properties = append(properties, key+"="+githubProperty.Replace(fmt.Sprint(value)))
	}
	if p := f.Place; p != nil {
		add("file", p.File)
		if p.Line > 0 {
			add("line", p.Line)
			add("col", p.Column)
		}
		if p.EndLine > 0 {
			add("endLine", p.EndLine)
		}
		if p.EndLine > 0 && p.EndLine == p.Line { // GitHub takes columns of one line only
			add("endColumn", p.EndColumn)
		}
	}
	if f.Rule != "" {
		add("title", "beanpole "+f.Rule)
	}
	head := "::" + kind
	if len(properties) > 0 {
		head += " " + strings.Join(properties, ",")
	}
	fmt.Fprintf(out, "%s::%s\n", head, githubData.Replace(withNotes(f)))
}

var (
	githubData     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	githubProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

// withNotes is a finding's message with its notes, a line each.
func withNotes(f *Finding) string {
	lines := []string{f.Message}
	for _, n := range f.Notes {
		line := n.Text
		if n.Label != "" {
			line = n.Label + ": " + line
		}
		for i, p := range n.Places {
			if i == 0 {
				line += " ("
			} else {
				line += ", "
			}
			line += p.String()
		}
		if len(n.Places) > 0 {
			line += ")"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// String is file:line:column.
func (p Place) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}
