package fact

import (
	"strings"
	"unicode/utf8"
)

// The runes that mark a symbol. They stand in a private-use area of Unicode,
// so no AWS name can hold them; readers drop them from user input (see Clean).
const (
	open      = '\uE0B0'
	shut      = '\uE0B1'
	generated = "\uE0B2" // before a generated symbol's name
)

// Symbol is a text that is not known; name says what would have to be known,
// for instance "parameter BundleKey" or "AWS::AccountId".
func Symbol(name string) string {
	return string(open) + Clean(name) + string(shut)
}

// Generated is a random part that AWS makes up for the thing called name
// (stack and logical ID, say): unlike any text but itself.
func Generated(name string) string {
	return string(open) + generated + Clean(name) + string(shut)
}

// Clean drops the runes of symbols from text that comes from outside.
func Clean(s string) string {
	if strings.IndexByte(s, openByte) < 0 && utf8.ValidString(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r >= open && r <= shut+1 {
			return -1
		}
		return r
	}, s)
}

// Lower maps the literal parts of s to lower case and leaves symbols alone,
// for names that AWS compares without regard to case.
func Lower(s string) string {
	if Known(s) {
		return strings.ToLower(s)
	}
	var b strings.Builder
	for _, p := range pieces(s) {
		switch {
		case !p.symbol:
			b.WriteString(strings.ToLower(p.text))
		case p.random:
			b.WriteString(Generated(p.text))
		default:
			b.WriteString(Symbol(p.text))
		}
	}
	return b.String()
}

// piece is a literal text or a symbol.
type piece struct {
	text   string // literal text, or the symbol's name
	symbol bool
	random bool // a generated symbol
}

func pieces(s string) []piece {
	var out []piece
	for s != "" {
		i := strings.IndexRune(s, open)
		if i < 0 {
			return append(out, piece{text: s})
		}
		if i > 0 {
			out = append(out, piece{text: s[:i]})
		}
		s = s[i+len(string(open)):]
		j := strings.IndexRune(s, shut)
		if j < 0 {
			j = len(s)
		}
		name := s[:j]
		s = strings.TrimPrefix(s[j:], string(shut))
		rest, random := strings.CutPrefix(name, generated)
		out = append(out, piece{text: rest, symbol: true, random: random})
	}
	return out
}

// Known reports whether every part of s is known. A generated part is not.
func Known(s string) bool {
	return strings.IndexByte(s, openByte) < 0 || !strings.ContainsRune(s, open)
}

// openByte begins the rune open in UTF-8 (EE 82 B0): few texts hold it, and it is looked
// for much faster than the rune.
const openByte = 0xEE

// Missing lists the names of the parts of s that are not known and not
// generated, in order, without repeats.
func Missing(s string) []string {
	var out []string
	seen := map[string]bool{}
	for _, p := range pieces(s) {
		if p.symbol && !p.random && !seen[p.text] {
			seen[p.text] = true
			out = append(out, p.text)
		}
	}
	return out
}

// Show is s as people read it: a generated part is "…", an unknown one its
// name in CloudFormation's "${…}".
func Show(s string) string {
	if Known(s) {
		return s
	}
	var b strings.Builder
	for _, p := range pieces(s) {
		switch {
		case !p.symbol:
			b.WriteString(p.text)
		case p.random:
			b.WriteString("…")
		default:
			b.WriteString("${" + p.text + "}")
		}
	}
	return b.String()
}
