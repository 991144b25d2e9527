package instance

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// notices collects what is said of an instance.
type notices struct {
	mu  sync.Mutex
	all []string
}

func (n *notices) add(text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.all = append(n.all, text)
}

// wait waits for a notice with these words, and for no other.
func (n *notices) wait(t *testing.T, words ...string) {
	t.Helper()
	for range 100 {
		n.mu.Lock()
		all := strings.Join(n.all, "\n")
		n.mu.Unlock()
		missing := false
		for _, w := range words {
			missing = missing || !strings.Contains(all, w)
		}
		if !missing {
			if strings.Contains(all, "\n") {
				t.Errorf("said more than once: %s", all)
			}
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Errorf("not said: %q; said: %q", words, n.all)
}

func TestAForkBombStopsAtTheInstancesLimit(t *testing.T) {
	said := &notices{}
	i := start(t, &Spec{Processes: 64, Notice: said.add})
	// Each child waits, so that every one of them counts.
	out, ok := sh(t, i, "for n in $(seq 200); do sleep 30 >/dev/null 2>&1 & done; echo started all")
	if ok || !strings.Contains(strings.ToLower(out), "fork") {
		t.Errorf("200 processes were started where 64 may be: %s", out)
	}
	said.wait(t, i.ID(), "limit of 64 processes")
}

func TestAProcessThatTakesTooMuchMemoryEndsAndNotTheMachine(t *testing.T) {
	said := &notices{}
	i := start(t, &Spec{Memory: 96 << 20, Notice: said.add})
	if out, _ := sh(t, i, "head -c 300m /dev/zero | tail -c 250m | wc -c; echo tail ended with ${PIPESTATUS[1]}"); strings.Contains(out, "262144000") || !strings.Contains(out, "ended with 137") {
		t.Errorf("250 MiB were held in 96 MiB: %s", out)
	}
	if out, ok := sh(t, i, "echo alive"); !ok || out != "alive" {
		t.Errorf("the instance did not survive it: %s", out)
	}
	said.wait(t, i.ID(), "memory limit of 96 MiB")
}

func TestAnInstanceHasLimitsWithoutBeingTold(t *testing.T) {
	r := resources(&Spec{})
	if *r.Pids.Limit != mostProcesses || *r.Memory.Limit < leastMemory {
		t.Errorf("limits are %d processes, %d bytes", *r.Pids.Limit, *r.Memory.Limit)
	}
}

func TestAnInstanceFillsItsOwnDiskAndNotTheMachines(t *testing.T) {
	said := &notices{}
	dir := t.TempDir()
	i := start(t, &Spec{Dir: dir, Volume: 300 << 20, Notice: said.add})
	if _, ok := i.volume(); !ok {
		t.Skipf("no disks of their own here: %q", said.all)
	}
	if out, ok := sh(t, i, "df -m / | awk 'END { print ($2 > 200 && $2 <= 300) }'"); !ok || out != "1" {
		t.Errorf("its disk is not of the size: %s", out)
	}
	out, ok := sh(t, i, "head -c 1G /dev/zero > /var/app/big")
	if ok || !strings.Contains(out, "No space left on device") {
		t.Errorf("1 GiB was written to 300 MiB: %s", out)
	}
	said.wait(t, "disk of instance "+i.ID(), "300 MiB", "RootVolumeSize")
	var st unix.Stat_t
	if err := unix.Stat(filepath.Join(i.place.dir, "volume"), &st); err != nil || st.Blocks*512 > 310<<20 {
		t.Errorf("the volume takes %d bytes: %v", st.Blocks*512, err)
	}
	if out, ok := sh(t, i, "rm /var/app/big && echo x > /var/app/small && cat /var/app/small"); !ok || out != "x" {
		t.Errorf("with room again: %s", out)
	}
	if err := i.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if mounted(t, dir) {
		t.Error("left: a mount")
	}
	// The kernel lets a loop device go a moment after its mount.
	for range 50 {
		if len(loopsOf(t, dir)) == 0 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("left: %q", loopsOf(t, dir))
}

// loopsOf are the files below dir that loop devices hold.
func loopsOf(t *testing.T, dir string) (out []string) {
	t.Helper()
	all, err := filepath.Glob("/sys/block/loop*/loop/backing_file")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		if data, err := os.ReadFile(p); err == nil && strings.HasPrefix(string(data), dir) {
			out = append(out, strings.TrimSpace(string(data)))
		}
	}
	return out
}
