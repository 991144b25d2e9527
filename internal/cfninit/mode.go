package cfninit

import (
	"strings"
	"unicode"

	"beanpole/internal/source"
)

// parseMode is Python's int(text, 8).
func parseMode(n *source.Node) (int64, *BuildError) {
	if n == nil || n.Kind != source.String {
		return 0, &BuildError{Text: "int() can't convert non-string with explicit base"}
	}
	invalid := &BuildError{Text: "invalid literal for int() with base 8: " + quote(n.Text, false)}
	s := strings.TrimSpace(n.Text)
	negative := strings.HasPrefix(s, "-")
	if negative || strings.HasPrefix(s, "+") {
		s = s[1:]
	}
	if low := strings.ToLower(s); strings.HasPrefix(low, "0o") {
		s = s[2:]
	}
	var mode int64
	for _, r := range s {
		d := digit(r)
		if d < 0 || d > 7 || mode > 1<<40 {
			return 0, invalid
		}
		mode = mode<<3 | d
	}
	if s == "" {
		return 0, invalid
	}
	if negative {
		mode = -mode
	}
	return mode, nil
}

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
