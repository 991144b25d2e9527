package instance

import (
	"strings"
	"testing"
)

func TestAForkBombStopsAtTheInstancesLimit(t *testing.T) {
	i := start(t, &Spec{Processes: 64})
	// Each child waits, so that every one of them counts.
	out, ok := sh(t, i, "for n in $(seq 200); do sleep 30 >/dev/null 2>&1 & done; echo started all")
	if ok || !strings.Contains(strings.ToLower(out), "fork") {
		t.Errorf("200 processes were started where 64 may be: %s", out)
	}
}

func TestAProcessThatTakesTooMuchMemoryEndsAndNotTheMachine(t *testing.T) {
	i := start(t, &Spec{Memory: 96 << 20})
	if out, _ := sh(t, i, "head -c 300m /dev/zero | tail -c 250m | wc -c"); strings.Contains(out, "262144000") || !strings.Contains(out, "Killed") {
		t.Errorf("250 MiB were held in 96 MiB: %s", out)
	}
	if out, ok := sh(t, i, "echo alive"); !ok || out != "alive" {
		t.Errorf("the instance did not survive it: %s", out)
	}
}

func TestAnInstanceHasLimitsWithoutBeingTold(t *testing.T) {
	r := resources(&Spec{})
	if *r.Pids.Limit != mostProcesses || *r.Memory.Limit < leastMemory {
		t.Errorf("limits are %d processes, %d bytes", *r.Pids.Limit, *r.Memory.Limit)
	}
}
