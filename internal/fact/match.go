package fact

import (
	"slices"
	"unicode/utf8"
)

// Equal compares two texts of which parts may not be known.
func Equal(a, b string) Verdict {
	if a == b {
		return Holds // also when unknown: the same symbol is the same value
	}
	if Known(a) && Known(b) {
		return Broken
	}
	if differ(a, b) {
		return Broken
	}
	w := walker{p: tokens(a), t: tokens(b)}
	if w.fits() {
		return Unknown
	}
	return Broken
}

// differ: the two differ before the first symbol of either, so that no value of
// a symbol makes them equal. It is asked since most texts differ there, and a
// walk over both takes far longer.
func differ(a, b string) bool {
	for i := 0; i < len(a) && i < len(b); i++ {
		if a[i] == openByte || b[i] == openByte { // or another rune that begins so
			return false
		}
		if a[i] != b[i] {
			return true
		}
	}
	return false
}

// Match tells whether text fits an IAM pattern, in which * stands for any run
// of characters and ? for one. Policy variables must have been put in before.
func Match(pattern, text string) Verdict {
	if Known(pattern) && Known(text) {
		return Of(matchKnown(pattern, text))
	}
	p, t := tokens(pattern), tokens(text)
	if certain := (walker{p: p, t: t, wildcards: true, certain: true}); certain.fits() {
		return Holds
	}
	if maybe := (walker{p: p, t: t, wildcards: true}); maybe.fits() {
		return Unknown
	}
	return Broken
}

// matchKnown is the usual linear wildcard walk with one point of return.
func matchKnown(pattern, text string) bool {
	i, j, star, mark := 0, 0, -1, 0
	for j < len(text) {
		switch {
		case i < len(pattern) && pattern[i] == '*':
			star, mark = i, j
			i++
		case i < len(pattern) && pattern[i] == '?':
			i++
			j += runeLen(text[j:])
		case i < len(pattern) && pattern[i] == text[j]:
			i++
			j++
		case star >= 0:
			mark += runeLen(text[mark:])
			i, j = star+1, mark
		default:
			return false
		}
	}
	for i < len(pattern) && pattern[i] == '*' {
		i++
	}
	return i == len(pattern)
}

func runeLen(s string) int {
	if s[0] < utf8.RuneSelf {
		return 1
	}
	_, n := utf8.DecodeRuneInString(s)
	return n
}

// token is one character, or a symbol.
type token struct {
	text   string // the character's bytes, or the symbol's name
	symbol bool
	random bool
}

func (t token) open() bool { return t.symbol && !t.random }

// alphanumeric reports whether a generated part can hold the character.
func (t token) alphanumeric() bool {
	c := t.text[0]
	return !t.symbol && (c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z')
}

func (t token) is(wildcard string) bool { return !t.symbol && t.text == wildcard }

func tokens(s string) []token {
	var out []token
	for _, p := range pieces(s) {
		if p.symbol {
			out = append(out, token{text: p.text, symbol: true, random: p.random})
			continue
		}
		for text := p.text; text != ""; {
			n := runeLen(text)
			out = append(out, token{text: text[:n]})
			text = text[n:]
		}
	}
	return out
}

// inside tells where a walk is within a generated part of the text.
type inside uint8

const (
	outside  inside = iota // at its start, or not in one
	literal                // some literals of the pattern were held against it
	wildcard               // a wildcard took some of it
)

// walker tells whether a text (t) can fit a pattern (p), both with symbols.
type walker struct {
	p, t      []token
	wildcards bool // * and ? of p count
	certain   bool // symbols may not be given a value: they only equal themselves
	seen      []bool
}

func (w *walker) fits() bool {
	w.seen = slices.Repeat([]bool{false}, (len(w.p)+1)*(len(w.t)+1)*3)
	return w.walk(0, 0, outside)
}

func (w *walker) walk(i, j int, in inside) bool {
	if i == len(w.p) && j == len(w.t) {
		return true
	}
	k := (i*(len(w.t)+1)+j)*3 + int(in)
	if w.seen[k] {
		return false
	}
	w.seen[k] = true
	if in != outside {
		return w.within(i, j, in)
	}
	if i < len(w.p) && (w.star(i) || !w.certain && w.p[i].open()) {
		// takes nothing more, or one more token of the text
		if w.walk(i+1, j, outside) || j < len(w.t) && w.walk(i, j+1, outside) {
			return true
		}
	}
	if j < len(w.t) && !w.certain && w.t[j].open() {
		if w.walk(i, j+1, outside) || i < len(w.p) && w.walk(i+1, j, outside) {
			return true
		}
	}
	if i == len(w.p) || j == len(w.t) {
		return false
	}
	if w.p[i] == w.t[j] || w.one(i) && !w.t[j].symbol {
		return w.walk(i+1, j+1, outside)
	}
	if !w.wildcards || w.certain || !w.t[j].random {
		return false
	}
	if w.star(i) { // takes the head of the generated part
		return w.walk(i+1, j, wildcard)
	}
	return w.within(i, j, literal)
}

// within holds the pattern against the inside of the generated part t[j]: by
// chance it may hold the pattern's characters, but literals alone never make
// up all of it.
func (w *walker) within(i, j int, in inside) bool {
	if in == wildcard && w.walk(i, j+1, outside) {
		return true
	}
	if i == len(w.p) {
		return false
	}
	switch {
	case w.star(i):
		return w.walk(i+1, j, wildcard) || w.walk(i, j+1, outside)
	case w.one(i):
		return w.walk(i+1, j, wildcard)
	}
	return w.p[i].alphanumeric() && w.walk(i+1, j, in)
}

func (w *walker) star(i int) bool { return w.wildcards && w.p[i].is("*") }
func (w *walker) one(i int) bool  { return w.wildcards && w.p[i].is("?") }
