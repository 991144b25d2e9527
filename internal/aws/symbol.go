package aws

import (
	"strconv"
	"strings"

	"beanpole/internal/fact"
)

// The runes around a part that is not known.
var symbolOpen, symbolShut = func() (rune, rune) {
	r := []rune(fact.Symbol(""))
	return r[0], r[len(r)-1]
}()

// symbols keeps the parts of a text that are not known apart while the rest is
// read by rules that know only plain characters.
type symbols struct{ names []string }

// hide puts a stand-in of lower-case letters and digits for every symbol.
func (k *symbols) hide(s string) string {
	if fact.Known(s) {
		return s
	}
	var b strings.Builder
	for s != "" {
		i := strings.IndexRune(s, symbolOpen)
		if i < 0 {
			break
		}
		b.WriteString(s[:i])
		end := strings.IndexRune(s[i:], symbolShut)
		if end < 0 {
			end = len(s) - i
		} else {
			end += len(string(symbolShut))
		}
		b.WriteString(standIn(len(k.names)))
		k.names = append(k.names, s[i:i+end])
		s = s[i+end:]
	}
	return b.String() + s
}

// show puts the symbols back.
func (k *symbols) show(s string) string {
	for i := len(k.names) - 1; i >= 0; i-- {
		s = strings.ReplaceAll(s, standIn(i), k.names[i])
	}
	return s
}

func standIn(i int) string { return "zz9symbol" + strconv.Itoa(i) + "9zz" }
