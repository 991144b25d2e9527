package engine

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// PID 1 takes in what others have left behind, and leaves to the engine what the
// engine itself has started.
func TestOrphansAreTakenInAndResultsStay(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("a PID namespace needs root")
	}
	c := exec.Command("/proc/self/exe", "test-init")
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS}
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// startAndLeave stands for the engine: from many threads it runs programs whose
// exit status counts, and that leave others behind. The result is 0 when each
// status came, and nothing that ended is left.
func startAndLeave() int {
	// This namespace's own processes are wanted, of the mount that is ours alone.
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return failed("private mounts: %v", err)
	}
	if err := syscall.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return failed("mount /proc: %v", err)
	}
	var all sync.WaitGroup
	wrong := make(chan error, 200)
	for i := range cap(wrong) {
		all.Go(func() {
			runtime.Gosched()
			err := exec.Command("/bin/sh", "-c", fmt.Sprintf("(sleep 0.0%d; exit 3) & exit 7", i%10)).Run()
			if e, ok := err.(*exec.ExitError); !ok || e.ExitCode() != 7 {
				wrong <- fmt.Errorf("a program's result is %v, not status 7", err)
			}
		})
	}
	all.Wait()
	close(wrong)
	for err := range wrong {
		return failed("%v", err)
	}
	var left []string
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if left = others(); len(left) == 0 {
			return 0
		}
	}
	return failed("processes that nobody has taken in: %s", strings.Join(left, "; "))
}

func failed(format string, args ...any) int {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
	return 1
}

// others are the processes besides PID 1.
func others() (out []string) {
	all, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, p := range all {
		if text, err := os.ReadFile(p); err == nil && p != "/proc/1/stat" {
			out = append(out, string(text[:min(len(text), 40)]))
		}
	}
	return out
}
