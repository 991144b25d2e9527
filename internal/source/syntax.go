package source

import (
	"bytes"
	"errors"
	"strings"

	"go.yaml.in/yaml/v4"
)

// problem turns the YAML library's error into one with a place and, where it
// is plain what went wrong, a remedy.
func (r *yamlReader) problem(err error) *Problem {
	p := &Problem{Pos: Pos{File: r.x.file}, What: "this is not YAML: " + err.Error()}
	var le *yaml.LoadError
	if !errors.As(err, &le) {
		return p
	}
	p.What = "this is not YAML: " + le.Message
	at := -1
	if le.Mark.Line > 0 {
		at = min(r.lib.offset(le.Mark.Line, max(1, le.Mark.Column)), len(r.x.data))
		p.Pos = r.x.pos(at)
	} else if at = r.controlAt(); at >= 0 {
		p.Pos = r.x.pos(at)
		p.What, p.Remedy = "this is not YAML: a control character stands here", "remove it, or write it as an escape in double quotes"
		return p
	}
	if le.ContextMsg != "" {
		p.What += " " + le.ContextMsg
		if le.ContextMark.Line > 0 && le.ContextMark.Line != le.Mark.Line {
			p.What += " that starts at " + r.x.pos(r.lib.offset(le.ContextMark.Line, max(1, le.ContextMark.Column))).short()
		}
	}
	p.Remedy = r.remedy(le, at)
	return p
}

// controlAt is the offset of the first character that YAML does not allow.
func (r *yamlReader) controlAt() int {
	return bytes.IndexFunc(r.x.data, func(c rune) bool {
		return c < ' ' && c != '\t' && c != '\n' && c != '\r' || c == 0x7F || c > 0x7F && c < 0xA0 && c != 0x85 || c == 0xFFFE || c == 0xFFFF
	})
}

// remedy knows the usual mistakes behind the library's messages.
func (r *yamlReader) remedy(le *yaml.LoadError, at int) string {
	d := r.x.data
	line := r.lineOf(at)
	indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
	m := le.Message
	switch {
	case strings.Contains(indent, "\t"):
		return "YAML allows no tabs for indentation: use spaces"
	case strings.Contains(m, "cannot start any token") && at >= 0 && at < len(d):
		return "put the text that begins with " + string(rune(d[at])) + " in quotes"
	case strings.Contains(m, "mapping values are not allowed"):
		return `put a text that holds ": " in quotes, or mend the indentation`
	case strings.Contains(m, "unknown anchor"):
		return "put text that begins with * in quotes"
	case strings.Contains(m, "unexpected end of stream") && strings.Contains(le.ContextMsg, "quoted"):
		return "close the quotes that open at " + r.x.pos(r.lib.offset(le.ContextMark.Line, max(1, le.ContextMark.Column))).short()
	case strings.Contains(m, "unknown escape"):
		return `write \\ for a backslash in double quotes, or use single quotes`
	case strings.Contains(m, "could not find expected ':'"):
		return "put \": \" behind the key, or indent the line as part of the text above"
	case strings.Contains(m, "did not find expected key"), strings.Contains(m, "did not find expected '-' indicator"):
		return "entries of one map or list begin in the same column: mend the indentation, or put the text in quotes"
	case strings.Contains(m, "did not find expected ','"):
		return "put a comma between the entries, or quotes around a text that holds brackets"
	}
	return ""
}

// lineOf is the text of the line that byte at stands in.
func (r *yamlReader) lineOf(at int) string {
	if at < 0 {
		return ""
	}
	l := r.x.line(at)
	end := len(r.x.data)
	if l+1 < len(r.x.starts) {
		end = r.x.starts[l+1]
	}
	return strings.TrimRight(string(r.x.data[r.x.starts[l]:end]), "\r\n")
}
