package instance

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminal is both ends of a new one.
func terminal(t *testing.T) (ours, theirs *os.File) {
	t.Helper()
	ours, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no terminals here: %v", err)
	}
	t.Cleanup(func() { ours.Close() })
	if err := unix.IoctlSetPointerInt(int(ours.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(ours.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { theirs.Close() })
	return ours, theirs
}

func TestAShellHasATerminalOfTheRightSizeAndItsExitStatus(t *testing.T) {
	dir := t.TempDir()
	i := start(t, &Spec{Dir: dir})
	ours, theirs := terminal(t)
	if err := unix.IoctlSetWinsize(int(ours.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 33, Col: 99}); err != nil {
		t.Fatal(err)
	}
	seen := make(chan string, 1)
	go func() {
		var out bytes.Buffer
		buffer := make([]byte, 4096)
		for !strings.Contains(out.String(), "bye") {
			n, err := ours.Read(buffer)
			out.Write(buffer[:n])
			if err != nil {
				break
			}
		}
		seen <- out.String()
	}()
	io.WriteString(ours, "answer\n")
	err := Attach(t.Context(), dir, i.ID(), []string{"/bin/sh", "-c", "tty; for n in 1 2 3 4 5 6 7 8 9; do [ \"$(stty size)\" = \"33 99\" ] && break; sleep 0.2; done; stty size; id -un; read x; echo got $x; echo bye; exit 7"}, theirs, theirs, theirs)
	var status *exec.ExitError
	if !errors.As(err, &status) || status.ExitCode() != 7 {
		t.Errorf("ended with %v", err)
	}
	select {
	case out := <-seen:
		for _, want := range []string{"/dev/pts/", "33 99", "root", "got answer"} {
			if !strings.Contains(out, want) {
				t.Errorf("no %q in %q", want, out)
			}
		}
	case <-time.After(10 * time.Second):
		t.Error("nothing came to the terminal")
	}
}

func TestACommandOnAnInstanceHasItsStreamsAndExitStatus(t *testing.T) {
	dir := t.TempDir()
	i := start(t, &Spec{Dir: dir})
	var out, errs bytes.Buffer
	err := Attach(t.Context(), dir, i.ID(), []string{"/bin/sh", "-c", "cat; echo to stderr >&2; exit 3"}, strings.NewReader("from stdin"), &out, &errs)
	var status *exec.ExitError
	if !errors.As(err, &status) || status.ExitCode() != 3 || out.String() != "from stdin" || strings.TrimSpace(errs.String()) != "to stderr" {
		t.Errorf("%v, %q, %q", err, out.String(), errs.String())
	}
	if err := Attach(t.Context(), dir, "../"+i.ID()+"x", []string{"true"}, nil, &out, &errs); err == nil || !strings.Contains(err.Error(), "no instance") {
		t.Errorf("another instance: %v", err)
	}
}
