package cli

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// A refused up once ended while the kernel was still being tried, and left the
// try's mount on the machine.
func TestARefusedUpLeavesNoMount(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root mounts anything")
	}
	t.Chdir(t.TempDir())
	t.Setenv("TMPDIR", t.TempDir())
	for range 5 {
		var out, errs bytes.Buffer
		if status := Main([]string{"up", "nowhere"}, nil, &out, &errs); status != exitUsage {
			t.Fatalf("status %d: %s%s", status, &out, &errs)
		}
		left, err := os.ReadDir(os.Getenv("TMPDIR"))
		if err != nil || len(left) > 0 {
			t.Fatalf("left in the temporary folder: %v (%v)", left, err)
		}
	}
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil || strings.Contains(string(mounts), os.Getenv("TMPDIR")) {
		t.Fatalf("left mounted (%v):\n%s", err, mounts)
	}
}
