package cli

import (
	"testing"
	"time"
)

func TestALogOfEarlierDeploymentsIsCutAtThisOne(t *testing.T) {
	from := time.Date(2026, 11, 26, 17, 24, 13, 400e6, time.UTC)
	for _, c := range []struct {
		name, text, rest string
		skipped          int
	}{
		{"engine", "2026/11/26 17:24:13.376014 [ERROR] old\nits second line\n2026/11/26 17:24:13.400001 [INFO] new\nmore\n", "2026/11/26 17:24:13.400001 [INFO] new\nmore\n", 2},
		{"cfn-init", "2026-11-26 17:24:13,375 [ERROR] old\n2026-11-26 17:24:14,380 [ERROR] new\n", "2026-11-26 17:24:14,380 [ERROR] new\n", 1},
		{"activity", "[2026-11-26T17:24:12.000Z] INFO old\n[2026-11-26T17:25:00.000Z] INFO new\n", "[2026-11-26T17:25:00.000Z] INFO new\n", 1},
		{"all of it", "2026-11-26 17:24:14,380 [ERROR] new\n", "2026-11-26 17:24:14,380 [ERROR] new\n", 0},
		{"nothing of it", "2026-11-26 17:24:13,375 [ERROR] old\n", "", 1},
	} {
		if rest, skipped := since(c.text, from); rest != c.rest || skipped != c.skipped {
			t.Errorf("%s: %q after %d lines", c.name, rest, skipped)
		}
	}
}
