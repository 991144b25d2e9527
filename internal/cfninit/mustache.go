package cfninit

import (
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
	parts, err := parseMustache(text)
	if err != nil {
		return "", tool("Failed to render content as a Mustache template: %s", err)
	}
	var out strings.Builder
	renderParts(&out, parts, []*source.Node{context})
	return out.String(), nil
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
	return regexp.MustCompile(`([ \t]*)` + regexp.QuoteMeta(open) + `\s*(?:=\s*(.+?)\s*=|\{\s*(.+?)\s*\}|([#^>&/!]?)\s*((?s).+?))\s*` + regexp.QuoteMeta(shut))
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
		kind := byte('$')
		switch {
		case delims != "":
			kind = '='
		case raw != "":
			kind, key = '{', raw
		case tag == "&":
			kind = '{'
		case tag != "":
			kind = tag[0]
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
			open, shut, _ := strings.Cut(delims, " ")
			pattern = tagPattern(open, strings.TrimSpace(shut))
		case '{', '$':
			parts = append(parts, &part{tag: kind, text: key})
		case '#', '^':
			s := &part{tag: kind, text: key}
			stack = append(stack, openSection{s, append(parts, s)})
			parts = nil
		case '/':
			if len(stack) == 0 {
				return nil, fmt.Errorf("Section end tag mismatch: %s != None", key)
			}
			top := stack[len(stack)-1]
			if top.section.text != key {
				return nil, fmt.Errorf("Section end tag mismatch: %s != %s", key, top.section.text)
			}
			top.section.parts, parts = parts, top.outer
			stack = stack[:len(stack)-1]
		}
	}
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

func renderParts(out *strings.Builder, parts []*part, stack []*source.Node) {
	for _, p := range parts {
		v, found := lookUp(p.text, stack, p.tag)
		switch {
		case p.tag == 0:
			out.WriteString(p.text)
		case p.tag == '{' && found:
			out.WriteString(format(v))
		case p.tag == '$' && found:
			out.WriteString(escape.Replace(format(v)))
		case p.tag == '^' && !truthy(v):
			renderParts(out, p.parts, stack)
		case p.tag == '#' && truthy(v) && v.Kind == source.Seq:
			for _, item := range v.Items {
				renderParts(out, p.parts, push(stack, item))
			}
		case p.tag == '#' && truthy(v):
			renderParts(out, p.parts, push(stack, v))
		}
	}
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
