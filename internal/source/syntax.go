package source

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// notYAML begins what is said of a file that is not YAML.
const notYAML = "this is not YAML: "

// problem turns the YAML library's error into one with a place, the cause as a
// person would say it where one is found, and a remedy.
func (r *yamlReader) problem(err error) *Problem {
	p := &Problem{Pos: Pos{File: r.x.file}, What: notYAML + err.Error()}
	var le *yaml.LoadError
	if !errors.As(err, &le) {
		return p
	}
	p.What = notYAML + le.Message
	at := r.offset(le.Mark)
	if at < 0 {
		if at = r.controlAt(); at >= 0 {
			return r.control(at)
		}
		return p
	}
	p.Pos = r.x.pos(at)
	context := r.offset(le.ContextMark)
	if le.ContextMsg != "" {
		p.What += " " + le.ContextMsg
		if context >= 0 && le.ContextMark.Line != le.Mark.Line {
			p.What += " that starts at " + r.x.pos(context).short()
		}
	}
	p.Remedy = remedy(le)
	p.Snake = r.snake(le, at, context)
	r.examine(p, le, at, context)
	return p
}

// offset is the byte of a mark of the library, -1 for none.
func (r *yamlReader) offset(m yaml.Mark) int {
	if m.Line <= 0 {
		return -1
	}
	return min(r.lib.offset(m.Line, max(1, m.Column)), len(r.x.data))
}

// control is the problem of a character that YAML does not allow.
func (r *yamlReader) control(at int) *Problem {
	c, w := utf8.DecodeRune(r.x.data[at:])
	return &Problem{Pos: r.x.pos(at), End: r.x.pos(at + w), What: notYAML + "a control character stands here",
		Remedy: "remove it, or write it as an escape in double quotes",
		Snake:  fmt.Sprintf(`unacceptable code point (0x%X) special characters are not allowed in "'reader'", position %d`, c, utf8.RuneCount(r.x.data[:at]))}
}

// controlAt is the offset of the first character that YAML does not allow.
func (r *yamlReader) controlAt() int {
	return bytes.IndexFunc(r.x.data, func(c rune) bool {
		return c < ' ' && c != '\t' && c != '\n' && c != '\r' || c == 0x7F || c > 0x7F && c < 0xA0 && c != 0x85 || c == 0xFFFE || c == 0xFFFF
	})
}

// remedy knows what usually helps where no cause is found.
func remedy(le *yaml.LoadError) string {
	m := le.Message
	switch {
	case strings.Contains(m, "mapping values are not allowed"):
		return `put a text that holds ": " in quotes, or mend the indentation`
	case strings.Contains(m, "unknown anchor"):
		return "put text that begins with * in quotes"
	case strings.Contains(m, "could not find expected ':'"):
		return "put \": \" behind the key, or indent the line as part of the text above"
	case strings.Contains(m, "did not find expected key"), strings.Contains(m, "did not find expected '-' indicator"):
		return "entries of one map or list begin in the same column: mend the indentation, or put the text in quotes"
	case strings.Contains(m, "did not find expected ','"):
		return "put a comma between the entries, or quotes around a text that holds brackets"
	}
	return ""
}
