package engine

import (
	"os"
	"strings"
)

// amazonLinux tells whether the root is of AWS's family, with the package
// managers and repositories that AWS's instances have. [os-release(5)]
func (d *deployment) amazonLinux() bool {
	text, _ := os.ReadFile(d.path("/etc/os-release"))
	for line := range strings.Lines(string(text)) {
		if name, value, _ := strings.Cut(strings.TrimSpace(line), "="); name == "ID" {
			return strings.Trim(value, `"'`) == "amzn"
		}
	}
	return false
}
