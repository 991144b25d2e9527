package cfninit

import (
	"fmt"
	"strings"
	"unicode"

	"beanpole/internal/source"
)

// parseMode is Python's int(text, 8), of which only the lowest 64 bits count.
func parseMode(n *source.Node) (int64, *BuildError) {
	if n == nil || n.Kind != source.String {
		return 0, &BuildError{Text: "int() can't convert non-string with explicit base"}
	}
	plain, fault := plainNumber(n.Text)
	if fault != nil {
		return 0, fault
	}
	left := strings.TrimLeft(plain, " ")
	invalid := &BuildError{Text: "invalid literal for int() with base 8: " + quote(left[:min(len(left), 200)], false)}
	s := strings.TrimRight(left, " ")
	negative := strings.HasPrefix(s, "-")
	if negative || strings.HasPrefix(s, "+") {
		s = strings.TrimLeft(s[1:], " ")
	}
	if low := strings.ToLower(s); strings.HasPrefix(low, "0o") {
		s = s[2:]
	}
	var mode int64
	for i := range len(s) {
		if s[i] < '0' || s[i] > '7' {
			return 0, invalid
		}
		mode = mode<<3 | int64(s[i]-'0')
	}
	if s == "" {
		return 0, invalid
	}
	if negative {
		mode = -mode
	}
	return mode, nil
}

// plainNumber is a text as Python 2 reads numbers from it: decimal digits of
// any script as ASCII's, blanks as spaces, the rest as bytes of Latin-1.
// [CPython 2.7: PyUnicode_EncodeDecimal]
func plainNumber(text string) (string, *BuildError) {
	var out []byte
	runes := []rune(text)
	for i, r := range runes {
		switch {
		case blank(r):
			out = append(out, ' ')
		case digit(r) >= 0:
			out = append(out, byte('0'+digit(r)))
		case r > 0 && r < 0x100:
			out = append(out, byte(r))
		default:
			end := i + 1
			for end < len(runes) && !(runes[end] > 0 && runes[end] < 0x100 || blank(runes[end]) || digit(runes[end]) >= 0) {
				end++
			}
			where := fmt.Sprintf("characters in position %d-%d", i, end-1)
			if end == i+1 {
				where = fmt.Sprintf("character %s in position %d", quote(string(r), true), i)
			}
			return "", &BuildError{Text: "'decimal' codec can't encode " + where + ": invalid decimal Unicode string"}
		}
	}
	return string(out), nil
}

// blank tells what Python counts as white space in a text.
func blank(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f }

// digit is the value of a decimal digit of any script, -1 for anything else.
func digit(r rune) int64 {
	if r < 0x80 {
		if r < '0' || r > '9' {
			return -1
		}
		return int64(r - '0')
	}
	if !unicode.Is(unicode.Nd, r) {
		return -1
	}
	zero := r
	for unicode.Is(unicode.Nd, zero-1) && r-zero < 9 {
		zero--
	}
	return int64(r - zero)
}
