package cfninit

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"beanpole/internal/source"
)

// render renders a text with a file's `context` as a Mustache template, as
// the library Pystache does, which is lenient: a tag or section that is not
// closed is no error [cb:file_tool.py, cb-run]. Without a context the text stays.
func (b *build) render(text string, context *source.Node) (string, *BuildError) {
	if context == nil || context.Kind == source.Null {
		return text, nil
	}
	if b.NoMustache {
		return "", tool("Pystache must be installed in order to render files as Mustache templates")
	}
	parts, err := parseMustache(strings.ToValidUTF8(text, "\uFFFD"))
	r := renderer{left: maxParts}
	if err == nil {
		err = r.render(parts, []*source.Node{context})
	}
	if err != nil {
		return "", tool("Failed to render content as a Mustache template: %s", err)
	}
	return r.out.String(), nil
}

// maxParts and maxRendered bound what sections in sections can be made to do.
const (
	maxParts    = 1 << 20
	maxRendered = 64 << 20 // bytes
)

// renderer writes a parsed template.
type renderer struct {
	out  strings.Builder
	left int // parts that may still be written
}

// part is a piece of a template: a text, a value, or a section.
type part struct {
	tag   byte // 0: text; '{': value; '$': escaped value; '#', '^': section
	text  string
	parts []*part
}

// open section of a template that is being read.
type openSection struct {
	section *part
	outer   []*part
}

// tagPattern is one tag between two delimiters.
func tagPattern(open, shut string) *regexp.Regexp {
	pattern := `([ \t]*)` + regexp.QuoteMeta(open) + `\s*(?:=\s*(.+?)\s*=|\{\s*(.+?)\s*\}|([#^>&/!]?)\s*((?s:.)+?))\s*` + regexp.QuoteMeta(shut)
	return regexp.MustCompile(strings.ReplaceAll(pattern, `\s`, `[\s\v]`)) // Go's \s is without \v
}

// parseMustache reads a template. Of one with an open section only that
// section's content is left, as with Pystache.
func parseMustache(text string) ([]*part, error) {
	var parts []*part
	var stack []openSection
	pattern := tagPattern("{{", "}}")
	at := 0
	for {
		m := pattern.FindStringSubmatchIndex(text[at:])
		if m == nil {
			return append(parts, &part{text: text[at:]}), nil
		}
		group := func(i int) string {
			if m[2*i] < 0 {
				return ""
			}
			return text[at+m[2*i] : at+m[2*i+1]]
		}
		start, end := at+m[0], at+m[1]
		delims, raw, tag, key := group(2), group(3), group(4), group(5)
		kind := tagKind(delims, raw, tag)
		if raw != "" {
			key = raw
		}
		lead := group(1)
		if kind != '$' && kind != '{' && standsAlone(text, start, end) {
			end = skipLineEnd(text, end)
			lead = ""
		}
		parts = append(parts, &part{text: text[at:start] + lead})
		at = end
		switch kind {
		case '=':
			pair := strings.Fields(delims)
			if len(pair) < 2 {
				return nil, errors.New("list index out of range")
			}
			pattern = tagPattern(pair[0], pair[1])
		case '{', '$':
			parts = append(parts, &part{tag: kind, text: key})
		case '#', '^':
			s := &part{tag: kind, text: key}
			stack = append(stack, openSection{s, append(parts, s)})
			parts = nil
		case '/':
			if len(stack) == 0 {
				return nil, fmt.Errorf("Section end tag mismatch: %s != None", key) //lint:ignore ST1005 the words of Pystache
			}
			top := stack[len(stack)-1]
			if top.section.text != key {
				return nil, fmt.Errorf("Section end tag mismatch: %s != %s", key, top.section.text) //lint:ignore ST1005 the words of Pystache
			}
			top.section.parts, parts = parts, top.outer
			stack = stack[:len(stack)-1]
		}
	}
}

// tagKind is what a tag does: '=' changes the delimiters, '{' and '$' print a
// value, the others are Mustache's own signs.
func tagKind(delims, raw, tag string) byte {
	switch {
	case delims != "":
		return '='
	case raw != "" || tag == "&":
		return '{'
	case tag != "":
		return tag[0]
	}
	return '$'
}

// standsAlone reports whether a tag (with the blanks before it) is all there
// is on its line.
func standsAlone(text string, start, end int) bool {
	return (start == 0 || text[start-1] == '\n' || text[start-1] == '\r') &&
		(end == len(text) || text[end] == '\n' || text[end] == '\r')
}

func skipLineEnd(text string, at int) int {
	if strings.HasPrefix(text[at:], "\r\n") {
		return at + 2
	}
	return min(at+1, len(text))
}

func (r *renderer) render(parts []*part, stack []*source.Node) error {
	for _, p := range parts {
		if r.left--; r.left < 0 || r.out.Len() > maxRendered {
			return errors.New("the template grows without bounds (beanpole stops here)")
		}
		v, found := lookUp(p.text, stack, p.tag)
		var err error
		switch {
		case p.tag == 0:
			r.out.WriteString(p.text)
		case p.tag == '{' && found:
			r.out.WriteString(format(v))
		case p.tag == '$' && found:
			r.out.WriteString(escape.Replace(format(v)))
		case p.tag == '^' && !truthy(v):
			err = r.render(p.parts, stack)
		case p.tag == '#' && truthy(v) && v.Kind == source.Seq:
			for i := 0; i < len(v.Items) && err == nil; i++ {
				err = r.render(p.parts, push(stack, v.Items[i]))
			}
		case p.tag == '#' && truthy(v):
			err = r.render(p.parts, push(stack, v))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

var escape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;")

func push(stack []*source.Node, v *source.Node) []*source.Node {
	return append(stack[:len(stack):len(stack)], v)
}

// lookUp finds a name, dotted or not, from the innermost context outwards.
func lookUp(name string, stack []*source.Node, tag byte) (*source.Node, bool) {
	if tag == 0 {
		return nil, false
	}
	if name == "." {
		return stack[len(stack)-1], true
	}
	first, rest, dotted := strings.Cut(name, ".")
	for i := len(stack) - 1; i >= 0; i-- {
		if !has(stack[i], first) {
			continue
		}
		v := stack[i].Get(first)
		for dotted {
			first, rest, dotted = strings.Cut(rest, ".")
			if !has(v, first) {
				return nil, false
			}
			v = v.Get(first)
		}
		return v, true
	}
	return nil, false
}
