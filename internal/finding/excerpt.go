package finding

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"beanpole/internal/fact"
	"beanpole/internal/lazyregexp"
	"beanpole/internal/source"
)

// Clean makes text fit for a terminal: parts that are not known become
// readable, control characters and those that change the direction of text
// become escapes, bytes that are no UTF-8 as well.
func Clean(s string) string {
	s = fact.Show(s)
	plain := true
	for _, r := range s {
		if r == utf8.RuneError || unsafe(r) {
			plain = false
			break
		}
	}
	if plain {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		b.WriteString(visible(r, s[i:i+n]))
		i += n
	}
	return b.String()
}

// visible is one rune as it may be printed.
func visible(r rune, raw string) string {
	switch {
	case r == utf8.RuneError && len(raw) == 1:
		return fmt.Sprintf(`\x%02x`, raw[0])
	case r == '\n':
		return `\n`
	case r == '\t':
		return `\t`
	case r == '\r':
		return `\r`
	case unsafe(r):
		return fmt.Sprintf(`\u%04x`, r)
	}
	return raw
}

// unsafe runes move the cursor, change colours or turn text around.
func unsafe(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) || unicode.Is(unicode.Co, r)
}

// columns is how many columns s takes on a terminal.
func columns(s string) int {
	n := 0
	for _, r := range s {
		n += runeColumns(r)
	}
	return n
}

func runeColumns(r rune) int {
	switch {
	case unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Me, r):
		return 0
	case r >= 0x1100 && (r <= 0x115f || r >= 0x2e80 && r <= 0xa4cf || r >= 0xac00 && r <= 0xd7a3 ||
		r >= 0xf900 && r <= 0xfaff || r >= 0xfe30 && r <= 0xfe6f || r >= 0xff00 && r <= 0xff60 ||
		r >= 0x1f300 && r <= 0x1faff || r >= 0x20000 && r <= 0x3fffd):
		return 2
	}
	return 1
}

// excerpt prints the line of the file with the place underlined.
func (p *printer) excerpt(f *Finding) {
	if p.opt.Read == nil || !f.Pos.IsValid() {
		return
	}
	line := p.last.at(p.opt.Read, f.Pos)
	if line == nil {
		return
	}
	number := fmt.Sprint(f.Pos.Line)
	gutter := strings.Repeat(" ", len(number))
	room := 0
	if p.opt.Width > 0 {
		room = max(20, p.opt.Width-len(number)-3)
	}
	shown, mark := line.underline(f.Pos, f.End, room)
	fmt.Fprintf(p.w, "%s |\n", gutter)
	fmt.Fprintf(p.w, "%s | %s\n", number, strings.TrimRight(shown, " "))
	fmt.Fprintf(p.w, "%s | %s\n", gutter, p.paint(green, mark))
}

// shownLine is a line of a user's file as it may be shown.
type shownLine struct {
	at    source.Pos // of any place on it
	width int        // in runes, without blanks at its end
	cells []string   // what each rune is shown as
	total int        // columns of all cells
}

// newShownLine takes a line whose secrets are hidden.
func newShownLine(line string) *shownLine {
	l := &shownLine{width: utf8.RuneCountInString(strings.TrimRight(line, " "))}
	for i := 0; i < len(line); {
		r, n := utf8.DecodeRuneInString(line[i:])
		cell := visible(r, line[i:i+n])
		if r == '\t' {
			cell = "    "
		}
		l.cells = append(l.cells, cell)
		l.total += columns(cell)
		i += n
	}
	return l
}

// lastLine is the line that was shown last: many findings may stand on one
// long line.
type lastLine struct{ *shownLine }

// at is the line that a place stands on; nil when it is not there, or empty.
func (l *lastLine) at(read func(string) []byte, at source.Pos) *shownLine {
	if l.shownLine != nil && l.shownLine.at.File == at.File && l.shownLine.at.Line == at.Line {
		return l.shownLine
	}
	line, ok := lineAt(read(at.File), at)
	if !ok {
		return nil
	}
	l.shownLine = newShownLine(mask(line))
	l.shownLine.at = at
	return l.shownLine
}

// lineAt is the text of the line that a place stands on.
func lineAt(data []byte, at source.Pos) (string, bool) {
	for n := 1; n < at.Line; n++ {
		i := bytes.IndexByte(data, '\n')
		if i < 0 {
			return "", false
		}
		data = data[i+1:]
	}
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		data = data[:i]
	}
	line := strings.TrimSuffix(string(data), "\r")
	if at.Line == 1 {
		line = strings.TrimPrefix(line, "\ufeff") // no column of its own
	}
	return line, line != ""
}

// secrets find the values of secret keys on a line, signatures and tokens in
// a URL's query, passwords in front of its host, and private keys on a line with
// their BEGIN, so that none is printed.
var secrets = []*lazyregexp.Regexp{
	lazyregexp.New(`(?i)(?:secret_?(?:access_?)?key|password)["']?\s*[:=]\s*["']?([^"',\s}]+)`),
	lazyregexp.New(`(?i)[?&](?:x-amz-signature|x-amz-security-token|signature|token|sig)=([^"',\s}&]+)`),
	lazyregexp.New(`PRIVATE KEY-----(.+?)(?:-----END|$)`),
	lazyregexp.New(`://[^\s/@:"']*:([^\s/@"']+)@`),
	lazyregexp.New(`^\s*([A-Za-z0-9+/]{40,}={0,2})\s*$`), // a line of a key
}

// maySecret is a quick look that tells of most lines that none of secrets finds
// anything in them.
func maySecret(line string) bool {
	run, assigned := 0, false // run: of characters that a line of a key may hold
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '?' || c == '&' || c >= utf8.RuneSelf: // a URL's query; what is an s or a k in another case
			return true
		case c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '+' || c == '/':
			if run++; run >= 40 {
				return true
			}
		default:
			run = 0
			assigned = assigned || c == ':' || c == '='
		}
	}
	if strings.Contains(line, "PRIVATE KEY-----") || strings.Contains(line, "://") {
		return true
	}
	lower := ""
	if assigned {
		lower = strings.ToLower(line)
	}
	return strings.Contains(lower, "secret") || strings.Contains(lower, "password")
}

// Mask is a line of a user's file with stars over the values of secrets.
func Mask(line string) string { return mask(line) }

// mask puts stars over secret values; every rune keeps its column.
func mask(line string) string {
	if !maySecret(line) {
		return line
	}
	for _, secret := range secrets {
		for _, m := range secret.FindAllStringSubmatchIndex(line, -1) {
			n := utf8.RuneCountInString(line[m[2]:m[3]])
			if n != m[3]-m[2] {
				return strings.Repeat("*", utf8.RuneCountInString(line)) // rare; hide all of it
			}
			line = line[:m[2]] + strings.Repeat("*", n) + line[m[3]:]
		}
	}
	return line
}

// underline is the line as shown, and the marks below it. A line that does
// not fit into room columns is cut around the place.
func (l *shownLine) underline(at, end source.Pos, room int) (shown, mark string) {
	last := at.Col
	if end.Line == at.Line && end.Col > at.Col {
		last = end.Col - 1
	} else if end.Line > at.Line {
		last = l.width
	}
	cells := l.cells
	from := min(at.Col-1, len(cells))
	last = min(max(last, at.Col), max(len(cells), at.Col))
	first, stop := l.window(from, room)
	before, under := 0, 0
	for i := first; i < stop; i++ {
		switch {
		case i < from:
			before += columns(cells[i])
		case i < last:
			under += columns(cells[i])
		}
	}
	shown = strings.Join(cells[first:stop], "")
	if first > 0 {
		shown, before = "…"+shown, before+1
	}
	if stop < len(cells) {
		shown += "…"
	}
	return shown, strings.Repeat(" ", before) + "^" + strings.Repeat("~", max(0, under-1))
}

// window is the stretch of cells that is shown: all when they fit, else one
// that begins shortly before the place.
func (l *shownLine) window(from, room int) (first, stop int) {
	cells := l.cells
	if room <= 0 || l.total <= room {
		return 0, len(cells)
	}
	room -= 2 // for the dots
	used := 0
	first = from
	for first > 0 && used+columns(cells[first-1]) <= room/3 {
		first--
		used += columns(cells[first])
	}
	stop = first
	for used = 0; stop < len(cells) && used+columns(cells[stop]) <= room; stop++ {
		used += columns(cells[stop])
	}
	return first, stop
}

// Secret reports whether a text holds something that is not printed.
func Secret(text string) bool {
	for line := range strings.Lines(text) {
		if mask(line) != line {
			return true
		}
	}
	return false
}
