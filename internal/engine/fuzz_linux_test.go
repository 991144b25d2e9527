package engine

import (
	"strings"
	"testing"
)

// FuzzProcfile: a Procfile or Buildfile is read or refused, and what is read
// can neither add a line to a log nor a part to a path.
func FuzzProcfile(f *testing.F) {
	for _, text := range []string{"web: ./server\n", "# x\n\nweb: a: b\nworker_2: c\r\n", "../web: x", "web:x", "web :x", "a: \x00"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		entries, err := parseProcfile(text)
		for _, e := range entries {
			if e.name == "" || strings.ContainsAny(e.name, "/.\x00\n ") || strings.Contains(e.command, "\n") || strings.TrimSpace(e.command) == "" {
				t.Errorf("%q became %q: %q (%v)", text, e.name, e.command, err)
			}
		}
	})
}
