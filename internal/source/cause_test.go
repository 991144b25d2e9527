package source

import (
	"errors"
	"testing"
)

// TestSeveralMistakesAreMendedTogether: edits are offered when a file can be
// read with all of them.
func TestSeveralMistakesAreMendedTogether(t *testing.T) {
	text := "files:\n  /a:\n    content: |\n      one\ntwo {\n    owner: root\n  /b:\n    mode:\"000644\"\n    content: |\n      x\ny z\n  /c\n    content: c\n"
	want := "files:\n  /a:\n    content: |\n      one\n      two {\n    owner: root\n  /b:\n    mode: \"000644\"\n    content: |\n      x\n      y z\n  /c:\n    content: c\n"
	_, err := ParseConfig("f", []byte(text))
	var p *Problem
	if !errors.As(err, &p) {
		t.Fatal(err)
	}
	got, err := Apply([]byte(text), p.Edits)
	if err != nil || string(got) != want {
		t.Errorf("%v, %d edits: %v\n%s", p, len(p.Edits), err, got)
	}
}
