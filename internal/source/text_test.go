package source

import (
	"strings"
	"testing"
)

func TestNewTextKnowsEveryPlace(t *testing.T) {
	n := NewText("x.sh", []byte("\uFEFFäb\r\ncd\n"))
	for _, c := range []struct {
		part string
		want Pos
	}{
		{"ä", Pos{"x.sh", 1, 1, 3}},
		{"b", Pos{"x.sh", 1, 2, 5}},
		{"cd", Pos{"x.sh", 2, 1, 8}},
		{"d", Pos{"x.sh", 2, 2, 9}},
	} {
		if got := n.PosAt(strings.Index(n.Text, c.part)); got != c.want {
			t.Errorf("%q: %+v, want %+v", c.part, got, c.want)
		}
	}
	for _, data := range []string{"a\x00b", "\xff", strings.Repeat("x", maxTextFile+1)} {
		if NewText("x", []byte(data)) != nil {
			t.Errorf("%.10q is taken for a text", data)
		}
	}
}
