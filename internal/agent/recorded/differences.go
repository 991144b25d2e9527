package recorded

import (
	_ "embed"
	"strings"
)

//go:embed differences.tsv
var differences string

// Differences are the cases in which beanpole is known to differ, by name,
// with the reason.
func Differences() map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(differences) {
		if name, reason, ok := strings.Cut(strings.TrimSpace(line), "\t"); ok && !strings.HasPrefix(name, "#") {
			out[name] = reason
		}
	}
	return out
}
