package source

import "strings"

// ReplaceScalar replaces the value of n, a scalar or a function, by a text.
// Quotes stay as they are where the text can stand in them; a plain value is
// quoted when YAML would take it for a number or the like. A tag goes away
// only with a value that a function made.
func ReplaceScalar(data []byte, n *Node, text string) Edit {
	e := Edit{File: n.Pos.File, Start: n.Pos.Offset, End: n.End.Offset}
	if n.of != nil {
		e.Start = n.body
	}
	if n.of != nil && (n.Style == Literal || n.Style == Folded) {
		if s, ok := n.rewriteBlock(data, text); ok {
			e.New = s
			return e
		}
	}
	e.New = writeScalar(text, n.Style)
	if e.Start == e.End && e.Start > 0 && strings.IndexByte(" \t\r\n", data[e.Start-1]) < 0 {
		e.New = " " + e.New // nothing stood behind the colon
	}
	return e
}

// rewriteBlock puts a text into a block scalar, whose header and indentation
// stay.
func (n *Node) rewriteBlock(data []byte, text string) (string, bool) {
	old := string(data[n.body:n.End.Offset])
	header, rest, ok := strings.Cut(old, "\n")
	if !ok || n.Style == Folded && strings.Contains(strings.TrimRight(text, "\n"), "\n") {
		return "", false
	}
	body := strings.TrimRight(text, "\n")
	indent := rest[:len(rest)-len(strings.TrimLeft(rest, " "))]
	if body == "" || strings.ContainsAny(body[:1], " \t\n") || strings.ContainsRune(body, '\r') ||
		strings.ContainsAny(header, "0123456789+") || indent == "" || strings.HasPrefix(rest, "\n") || strings.HasPrefix(rest, "\r") {
		return "", false
	}
	if strings.Contains(header, "-") != (body == text) || !strings.Contains(header, "-") && text != body+"\n" {
		return "", false // the header says how the text ends
	}
	eol := "\n"
	if strings.HasSuffix(header, "\r") {
		eol = "\r\n"
	}
	lines := strings.Split(body, "\n")
	for i, l := range lines {
		if l != "" {
			lines[i] = indent + l
		}
	}
	return strings.TrimSuffix(header, "\r") + eol + strings.Join(lines, eol), true
}

// ReplaceValue writes the source text of another value, on one line, into an
// entry of a map. It says no where the file would change in other places too.
func ReplaceValue(data []byte, f *Field, text string) (Edit, bool) {
	n := f.Value
	if n == nil || n.of == nil || n.End.Offset > len(data) || n.Pos.File != f.Key.Pos.File || n.Pos.Offset < f.Key.End.Offset {
		return Edit{}, false
	}
	e := Edit{File: n.Pos.File, Start: n.Pos.Offset, End: n.End.Offset, New: text}
	switch colon := strings.IndexByte(string(data[f.Key.End.Offset:n.Pos.Offset]), ':'); {
	case n.End.Line > f.Key.Pos.Line && colon >= 0 && n.Style != JSON:
		e.Start, e.New = f.Key.End.Offset+colon+1, " "+text // a block: its lines go, a comment behind the key too
	case e.Start == e.End && e.Start > 0 && strings.IndexByte(" \t\r\n", data[e.Start-1]) < 0:
		e.New = " " + text // nothing stood behind the colon
	}
	v, err := ParseYAML("", []byte(text))
	if err != nil {
		return Edit{}, false
	}
	err = verify(data, e, n, func(old *Node) *Node {
		if old.isCopyOf(n) {
			return v
		}
		return old
	})
	return e, err == nil
}

// Quote is a text as a value in double quotes, in YAML as in JSON.
func Quote(text string) string { return writeScalar(text, DoubleQuoted) }
