package check

import "strings"

// nearest is the one of the candidates that a word was surely meant to be: the
// same but for case, spaces and punctuation, or for one or two letters of a
// longer word. "" when there is none, or two are as near.
func nearest(word string, candidates []string) string {
	if len(word) > 200 {
		return "" // no slip of the hand
	}
	best, least, second := "", 3, 3
	word = strings.ToLower(word)
	for _, c := range candidates {
		if near(c, word) {
			return c
		}
		if len(c) < 8 {
			continue
		}
		switch d := distance(strings.ToLower(c), word, 3); {
		case d < least:
			best, least, second = c, d, least
		case d < second:
			second = d
		}
	}
	if least == second {
		return ""
	}
	return best
}
