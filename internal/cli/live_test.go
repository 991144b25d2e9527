package cli

import (
	"strings"
	"testing"
)

// asking sets the environment for commands that ask a local AWS.
func (w *localAWS) asking(t *testing.T) {
	for _, v := range w.env {
		k, x, _ := strings.Cut(v, "=")
		t.Setenv(k, x)
	}
}

func TestTheStorysCauseIsNamedOfTheLiveEnvironmentAlone(t *testing.T) {
	w := deployShop(t, t.TempDir(), failedBuild, asIs)
	w.asking(t)
	status, out, errs := command(t, t.TempDir(), "diagnose", "--environment", "shop-production", "-v")
	t.Log(out, errs)
	if status != exitFindings {
		t.Errorf("status %d", status)
	}
	expect(t, out, "[role-name-is-profile]")
}
