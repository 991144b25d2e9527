package cfninit

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"beanpole/internal/source"
)

// cfn-init is a Python 2 program, and some of its outcomes are Python's own
// rules: which values count as false, how a type is called in an error, how a
// text is quoted. They stand here, once.

// fields are the entries of a map as a Python dict has them: the last one of
// a repeated key, in file order.
func fields(n *source.Node) []*source.Field {
	if n == nil {
		return nil
	}
	at := map[string]int{}
	var out []*source.Field
	for _, f := range n.Fields {
		if i, ok := at[f.Key.Text]; ok {
			out[i] = f
			continue
		}
		at[f.Key.Text] = len(out)
		out = append(out, f)
	}
	return out
}

// has reports whether a map has the key at all, also with the value null.
func has(n *source.Node, key string) bool {
	if n != nil {
		for _, f := range n.Fields {
			if f.Key.Text == key {
				return true
			}
		}
	}
	return false
}

// truthy is Python's truth value.
func truthy(n *source.Node) bool {
	if n == nil {
		return false
	}
	switch n.Kind {
	case source.Null:
		return false
	case source.Bool:
		return isTrue(n.Text)
	case source.Int:
		return strings.Trim(n.Text, "+-0xob._") != ""
	case source.Float:
		f, err := parseFloat(n.Text)
		return err != nil || f != 0
	case source.String:
		return n.Text != ""
	case source.Seq:
		return len(n.Items) > 0
	}
	return len(n.Fields) > 0
}

// isTrue reads a boolean of JSON or of YAML 1.1.
func isTrue(text string) bool {
	switch strings.ToLower(text) {
	case "true", "yes", "on", "y":
		return true
	}
	return false
}

// typeName is the name of a value's type in Python's messages.
func typeName(n *source.Node) string {
	if n == nil {
		return "NoneType"
	}
	switch n.Kind {
	case source.Bool:
		return "bool"
	case source.Int:
		if _, err := strconv.ParseInt(pythonInt(n.Text), 10, 64); err != nil {
			return "long"
		}
		return "int"
	case source.Float:
		return "float"
	case source.String:
		return "unicode"
	case source.Seq:
		return "list"
	case source.Map:
		return "dict"
	}
	return "NoneType"
}

// format is Python's "%s" of a value, which is also its str().
func format(n *source.Node) string {
	if n != nil && n.Kind == source.String {
		return n.Text
	}
	if n != nil && n.Kind == source.Float {
		return shortFloat(n.Text)
	}
	return strings.TrimSuffix(repr(n), "L")
}

// repr is Python 2's repr of a value that came from JSON.
func repr(n *source.Node) string {
	if n == nil {
		return "None"
	}
	var parts []string
	switch n.Kind {
	case source.Bool:
		if isTrue(n.Text) {
			return "True"
		}
		return "False"
	case source.Int:
		if typeName(n) == "long" {
			return pythonInt(n.Text) + "L"
		}
		return pythonInt(n.Text)
	case source.Float:
		return pythonFloat(n.Text)
	case source.String:
		return quote(n.Text, true)
	case source.Seq:
		for _, item := range n.Items {
			parts = append(parts, repr(item))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case source.Map:
		for _, f := range dictOrder(fields(n)) {
			parts = append(parts, repr(f.Key)+": "+repr(f.Value))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return "None"
}

// quote is Python's repr of a byte string, or with unicode set of a text.
func quote(s string, unicode bool) string {
	var b strings.Builder
	if unicode {
		b.WriteByte('u')
	}
	q := byte('\'')
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		q = '"'
	}
	b.WriteByte(q)
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '\\' || r == rune(q):
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r >= ' ' && r < 0x7f:
			b.WriteRune(r)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\x%02x`, r)
		case !unicode:
			for _, c := range []byte(s[i : i+n]) {
				fmt.Fprintf(&b, `\x%02x`, c)
			}
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
		i += n
	}
	b.WriteByte(q)
	return b.String()
}

// parseFloat reads a float as Python does: one that is too large is infinite.
func parseFloat(text string) (float64, error) {
	f, err := strconv.ParseFloat(strings.ReplaceAll(text, "_", ""), 64)
	if errors.Is(err, strconv.ErrRange) {
		err = nil
	}
	return f, err
}

// pythonFloat is repr of a float written as text.
func pythonFloat(text string) string {
	f, err := parseFloat(text)
	if err != nil {
		return text
	}
	if math.IsInf(f, 0) {
		return strings.TrimPrefix(strings.ToLower(strconv.FormatFloat(f, 'f', -1, 64)), "+")
	}
	format := byte('f')
	if abs := max(f, -f); abs != 0 && (abs < 1e-4 || abs >= 1e16) {
		format = 'e'
	}
	s := strconv.FormatFloat(f, format, -1, 64)
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	return s
}

// shortFloat is str of a float written as text: twelve digits of it.
func shortFloat(text string) string {
	f, err := parseFloat(text)
	if err != nil || math.IsInf(f, 0) {
		return pythonFloat(text)
	}
	f, _ = strconv.ParseFloat(strconv.FormatFloat(f, 'e', 11, 64), 64)
	s := pythonFloat(strconv.FormatFloat(f, 'e', -1, 64))
	if abs := max(f, -f); abs >= 1e12 && abs < 1e16 {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	return s
}

// pythonInt is the value of an integer, also of YAML's octal ones.
func pythonInt(text string) string {
	if i, err := strconv.ParseInt(strings.TrimPrefix(text, "+"), 0, 64); err == nil {
		return strconv.FormatInt(i, 10)
	}
	return text
}

// pythonJSON is a value as json.dump writes it: ", " and ": " between the
// parts, everything beyond ASCII as \u. The order of keys is that of the value.
func pythonJSON(n *source.Node) string {
	var b strings.Builder
	writeJSON(&b, n, -1)
	return b.String()
}

// OneLineJSON is a value as json.dumps writes it.
func OneLineJSON(n *source.Node) string { return pythonJSON(n) }

// IndentedJSON is a value as json.dump writes it with an indent of four: there
// is a space before each end of line behind a comma.
func IndentedJSON(n *source.Node) string {
	var b strings.Builder
	writeJSON(&b, n, 0)
	return b.String()
}

// Format is the text that Python 2 makes of a value.
func Format(n *source.Node) string { return format(n) }

// Truthy is Python's truth value of a node: false for null, false, zero and
// what is empty.
func Truthy(n *source.Node) bool { return truthy(n) }

// writeJSON writes a value; depth is that of the indent, negative for none.
func writeJSON(b *strings.Builder, n *source.Node, depth int) {
	if n == nil {
		b.WriteString("null")
		return
	}
	switch n.Kind {
	case source.Null:
		b.WriteString("null")
	case source.Bool:
		b.WriteString(strings.ToLower(format(n)))
	case source.Int:
		b.WriteString(pythonInt(n.Text))
	case source.Float:
		b.WriteString(strings.Replace(pythonFloat(n.Text), "inf", "Infinity", 1))
	case source.String:
		writeJSONString(b, n.Text)
	case source.Seq:
		b.WriteByte('[')
		for i, v := range n.Items {
			between(b, i, depth)
			writeJSON(b, v, deeper(depth))
		}
		closing(b, len(n.Items), depth)
		b.WriteByte(']')
	case source.Map:
		b.WriteByte('{')
		for i, f := range fields(n) {
			between(b, i, depth)
			writeJSONString(b, f.Key.Text)
			b.WriteString(": ")
			writeJSON(b, f.Value, deeper(depth))
		}
		closing(b, len(n.Fields), depth)
		b.WriteByte('}')
	}
}

// between writes what stands before the part with index i.
func between(b *strings.Builder, i, depth int) {
	if i > 0 {
		b.WriteString(", ")
	}
	newLine(b, deeper(depth))
}

// closing ends a list or map of n parts.
func closing(b *strings.Builder, n, depth int) {
	if n > 0 {
		newLine(b, depth)
	}
}

func deeper(depth int) int {
	if depth < 0 {
		return depth
	}
	return depth + 1
}

func newLine(b *strings.Builder, depth int) {
	if depth >= 0 {
		b.WriteString("\n" + strings.Repeat("    ", depth))
	}
}

// plainLength is the length of the beginning of s that JSON writes as it is.
func plainLength(s string) int {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			return i
		}
	}
	return len(s)
}

func writeJSONString(b *strings.Builder, s string) {
	b.WriteByte('"')
	for len(s) > 0 {
		if n := plainLength(s); n > 0 {
			b.WriteString(s[:n])
			s = s[n:]
			continue
		}
		r, n := utf8.DecodeRuneInString(s)
		s = s[n:]
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\b':
			b.WriteString(`\b`)
		case r == '\f':
			b.WriteString(`\f`)
		case r > 0xffff:
			r -= 0x10000
			fmt.Fprintf(b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			fmt.Fprintf(b, `\u%04x`, r)
		}
	}
	b.WriteByte('"')
}

// notASCII is Python's error for a text beyond ASCII where only ASCII can be
// written, "" when the text is ASCII.
func notASCII(s string) string {
	position, first, last, char := 0, -1, -1, ""
	for _, r := range s {
		if r >= 0x80 && (first < 0 || last == position-1) {
			if first < 0 {
				first, char = position, quote(string(r), true)
			}
			last = position
		}
		position++
	}
	switch {
	case first < 0:
		return ""
	case first == last:
		return fmt.Sprintf("'ascii' codec can't encode character %s in position %d: ordinal not in range(128)", char, first)
	}
	return fmt.Sprintf("'ascii' codec can't encode characters in position %d-%d: ordinal not in range(128)", first, last)
}

// latin1 is a text in Latin-1, or Python's error for one that is beyond it.
func latin1(s string) (out []byte, why string) {
	runes := []rune(s)
	for i, r := range runes {
		if r < 0x100 {
			out = append(out, byte(r))
			continue
		}
		end := i + 1
		for end < len(runes) && runes[end] >= 0x100 {
			end++
		}
		where := fmt.Sprintf("characters in position %d-%d", i, end-1)
		if end == i+1 {
			where = fmt.Sprintf("character %s in position %d", quote(string(r), true), i)
		}
		return nil, "'latin-1' codec can't encode " + where + ": ordinal not in range(256)"
	}
	return out, ""
}
