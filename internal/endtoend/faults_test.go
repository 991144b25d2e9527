package endtoend

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// slow makes the deployment wait at a known point, so that it can be
// disturbed there; the wait is longer than any test.
func (s *shop) slow() {
	s.t.Helper()
	text := "commands:\n  01_wait:\n    command: sleep 120\n"
	if err := os.WriteFile(filepath.Join(s.dir, "app", ".ebextensions", "a-slow.config"), []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) fast() {
	s.t.Helper()
	if err := os.Remove(filepath.Join(s.dir, "app", ".ebextensions", "a-slow.config")); err != nil {
		s.t.Fatal(err)
	}
}

// deploying waits until an instance waits in the middle of its deployment.
func (s *shop) deploying(up *running) {
	s.t.Helper()
	s.soon("an instance runs a command", func() bool {
		select {
		case <-up.done:
			s.t.Fatalf("up has ended: %s", s.end(up))
		default:
		}
		for _, i := range s.instances() {
			log, _ := os.ReadFile(filepath.Join(i, "disk", "upper", "var", "log", "cfn-init.log"))
			if strings.Contains(string(log), "Running config prebuild_0_") {
				return true
			}
		}
		return false
	})
}

// worksAgain wants `up` to work, whatever happened before, and to be the only
// one that has anything on this machine.
func (s *shop) worksAgain() {
	s.t.Helper()
	before := s.seen.all()
	s.must(0, s.upArgs()...)
	s.serves()
	if found := left(before...); len(before) > 0 && len(found) > 0 {
		s.t.Errorf("the earlier run left:\n  %s", strings.Join(found, "\n  "))
	}
	s.down()
}

func TestCtrlCAtAnyMomentOfUpLeavesNothing(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.fix()
	for range 8 {
		wait := time.Duration(rand.IntN(900)) * time.Millisecond
		up := s.start(s.upArgs()...)
		time.Sleep(wait)
		up.Process.Signal(os.Interrupt)
		r := s.end(up)
		if r.status == 0 {
			if !strings.Contains(r.out, "shop-production is up") {
				t.Errorf("interrupted after %v: %s", wait, r)
			}
			s.must(0, "down")
		}
		s.gone()
		if t.Failed() {
			t.Fatalf("interrupted after %v: %s", wait, r)
		}
	}
}

func TestCtrlCDuringADeploymentLeavesNothing(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.fix()
	s.slow()
	up := s.start(s.upArgs()...)
	s.deploying(up)
	began := time.Now()
	up.Process.Signal(os.Interrupt)
	r := s.end(up)
	if r.status == 0 || !strings.Contains(r.errs, "interrupted") {
		t.Errorf("interrupted: %s", r)
	}
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("it took %v", took)
	}
	s.gone()
	s.fast()
	s.worksAgain()
}

func TestUpWorksAfterUpWasKilledInTheMiddle(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.fix()
	s.slow()
	up := s.start(s.upArgs()...)
	s.deploying(up)
	s.kill(up.Process.Pid, syscall.SIGKILL)
	s.end(up)
	s.fast()
	s.worksAgain()
}

func TestUpWorksAfterTheServerWasKilledInTheMiddle(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.fix()
	s.slow()
	up := s.start(s.upArgs()...)
	s.deploying(up)
	s.kill(s.serverPID(), syscall.SIGKILL)
	if r := s.end(up); r.status == 0 || strings.Count(r.errs, "\n") != 1 {
		t.Errorf("up without its server: %s", r)
	}
	if r := s.run("status"); r.status != 2 {
		t.Errorf("status without a server: %s", r)
	}
	s.fast()
	s.worksAgain()
}

func TestUpWorksAfterTheServerOfARunningEnvironmentWasKilled(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.fix()
	s.must(0, s.upArgs()...)
	s.kill(s.serverPID(), syscall.SIGKILL)
	s.worksAgain()
}

func TestDownClearsAwayWhatAKilledServerLeft(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.fix()
	s.must(0, s.upArgs()...)
	s.kill(s.serverPID(), syscall.SIGKILL)
	r := s.run("status")
	for end := time.Now().Add(10 * time.Second); r.status != 2 && time.Now().Before(end); r = s.run("status") {
		time.Sleep(50 * time.Millisecond) // it takes a moment to die
	}
	if !strings.Contains(r.errs, "clear away what it left: beanpole down") {
		t.Errorf("status after a kill: %s", r)
	}
	s.down()
}

func TestUpTwiceAtOnceInOneFolderBothEndWell(t *testing.T) {
	t.Parallel()
	for _, pause := range []time.Duration{0, 30 * time.Millisecond, 300 * time.Millisecond} {
		s := newShop(t)
		s.fix()
		first := s.start(s.upArgs()...)
		time.Sleep(pause)
		second := s.start(s.upArgs()...)
		good := 0
		for _, r := range []ended{s.end(first), s.end(second)} {
			if r.status == 0 {
				good++
			} else if r.status != 2 || strings.Count(r.errs, "\n") != 1 {
				t.Errorf("%v apart, neither well nor in one line: %s", pause, r)
			}
		}
		if good == 0 {
			t.Errorf("%v apart, neither worked", pause)
		} else {
			s.serves()
		}
		s.down()
	}
}

func TestTwoProjectsAtOnceDoNotDisturbEachOther(t *testing.T) {
	t.Parallel()
	one, two := newShop(t), newShop(t)
	one.fix()
	two.fix()
	first, second := one.start(one.upArgs()...), two.start(two.upArgs()...)
	if a, b := one.end(first), two.end(second); a.status != 0 || b.status != 0 {
		t.Fatalf("%s\n%s", a, b)
	}
	one.serves()
	two.serves()
	one.down()
	two.serves()
	two.down()
}

// occupied takes a port until the test ends.
func occupied(t *testing.T, port int) {
	t.Helper()
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
}

func TestAPortInUseIsOneLineWithARemedyAndLeavesNothing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		port func(*shop) int
		want string
	}{
		{"of the local AWS", func(s *shop) int { return s.api }, "--port"},
		{"of the HTTPS listener", func(s *shop) int { return s.https }, "--listen 443="},
		{"of the HTTP listener", func(s *shop) int { return s.http }, "--listen 80="},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newShop(t)
			s.fix()
			occupied(t, c.port(s))
			oneLine(t, s.run(s.upArgs()...), 2, fmt.Sprintf("port %d is in use", c.port(s)), c.want)
			s.gone()
		})
	}
}

func TestEverythingWorksASecondTimeRightAfterTheFirst(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	for range 2 {
		s.must(1, s.upArgs()...)
		s.down()
	}
	s.fix()
	s.worksAgain()
	s.must(0, s.upArgs()...)
	r := s.must(0, s.upArgs()...) // again, without down
	contains(t, r.out, "nothing has changed")
	s.serves()
	s.down()
	if r := s.must(0, "down"); !strings.Contains(r.out, "nothing to end") {
		t.Errorf("down once more: %s", r)
	}
}
