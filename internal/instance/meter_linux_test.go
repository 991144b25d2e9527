package instance

import (
	"testing"
	"time"
)

func TestTheProcessorTimeOfAnInstanceIsThatOfItsPrograms(t *testing.T) {
	i := start(t, &Spec{})
	user, system, ok := i.Processor()
	if !ok {
		t.Skip("the control groups of this machine do not count processor time")
	}
	if out, ok := sh(t, i, "for n in $(seq 300000); do :; done; echo done"); !ok || out != "done" {
		t.Fatalf("the loop: %s", out)
	}
	later, systemLater, ok := i.Processor()
	if took := later - user + systemLater - system; !ok || took < 20*time.Millisecond || took > 30*time.Second {
		t.Errorf("a loop of 300,000 rounds took %v", took)
	}
	if load := i.Load(); len(load) != 3 || load[0] < 0 {
		t.Errorf("load averages %v", load)
	}
}
