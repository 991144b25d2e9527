package instance

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// own starts a process that owns an instance, and ends it after a while, if it
// has not ended by itself.
func own(t *testing.T, dir, id string, after time.Duration) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(self, "test-owner", dir, id)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(after)
	c.Process.Kill()
	c.Wait()
}

// tokens are those of the instances in dir.
func tokens(t *testing.T, dir string) (out []string) {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(instancesDir(dir), "i-*", recordName))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		if fi, err := os.Stat(p); err == nil && fi.Size() > 0 {
			out = append(out, tokenIn(t, dir, filepath.Base(filepath.Dir(p))))
		}
	}
	return out
}

func TestAKillAtAnyMomentLeavesNothingBehindTheNextSweep(t *testing.T) {
	requireInstances(t)
	kills := 40
	if testing.Short() {
		kills = 6
	}
	dir := t.TempDir()
	live := start(t, &Spec{Dir: dir}) // of another process: it has to stay
	for n := range kills {
		var owners []time.Duration // two at once
		for range 2 {
			owners = append(owners, rand.N(400*time.Millisecond))
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			own(t, dir, fmt.Sprintf("i-0second%d", n), owners[1])
		}()
		own(t, dir, fmt.Sprintf("i-0first%d", n), owners[0])
		<-done
		made := tokens(t, dir)
		swept := make(chan error, 2)
		for range 2 { // and two that clear away at once
			go func() { swept <- Sweep(dir) }()
		}
		for range 2 {
			if err := <-swept; err != nil {
				t.Fatalf("killed after %v: %v", owners, err)
			}
		}
		for _, token := range made {
			if token == live.place.Token {
				continue
			}
			if left := traces(t, token); len(left) > 0 {
				t.Fatalf("killed after %v: left: %q", owners, left)
			}
		}
		if left, _ := filepath.Glob(filepath.Join(instancesDir(dir), "i-*")); len(left) != 1 {
			t.Fatalf("killed after %v: left: %q", owners, left)
		}
	}
	if _, err := live.Do(t.Context(), &Command{Name: "still there"}); err != nil {
		t.Errorf("the other instance: %v", err)
	}
	if err := live.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if mounted(t, dir) {
		t.Error("left: a mount")
	}
	for range 50 { // the kernel lets a loop device go a moment after its mount
		if len(loopsOf(t, dir)) == 0 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("left: %q", loopsOf(t, dir))
}
