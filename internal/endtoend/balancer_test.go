package endtoend

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// outWithin is how long an instance that is gone may stay in service: five
// checks, half a second apart, each with its timeout of five seconds at worst.
const outWithin = 5*500*time.Millisecond + 5*time.Second

// asked is one request that was made.
type asked struct {
	began  time.Time
	status int
	err    error
}

// initPID is the process of an instance's PID 1 as this machine sees it.
func initPID(t *testing.T, instance string) int {
	t.Helper()
	states, _ := filepath.Glob(filepath.Join(instance, "runc", "*", "state.json"))
	if len(states) != 1 {
		t.Fatalf("%s has %d containers", instance, len(states))
	}
	var state struct {
		PID int `json:"init_process_pid"`
	}
	data, err := os.ReadFile(states[0])
	if err == nil {
		err = json.Unmarshal(data, &state)
	}
	if err != nil || state.PID < 2 {
		t.Fatalf("process of %s: %d, %v", instance, state.PID, err)
	}
	return state.PID
}

func TestNoRequestFailsAfterAKilledInstanceIsOutOfService(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.fix()
	s.edit("infra.yaml", "      OptionSettings:\n", `      OptionSettings:
        - Namespace: aws:autoscaling:asg
          OptionName: MinSize
          Value: "2"
`)
	r := s.must(0, s.upArgs()...)
	contains(t, r.out, "Added instances [i-")
	both := s.instances()
	if len(both) != 2 {
		t.Fatalf("%d instances run, not 2:\n%s", len(both), r.out)
	}

	var mu sync.Mutex
	var all []asked
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for _, p := range []struct {
		scheme string
		port   int
	}{{"https", s.https}, {"http", s.http}} {
		clients.Go(func() {
			for {
				a := asked{began: time.Now()}
				a.status, _, _, a.err = s.get(p.scheme, p.port)
				mu.Lock()
				all = append(all, a)
				mu.Unlock()
				select {
				case <-stop:
					return
				case <-time.After(10 * time.Millisecond):
				}
			}
		})
	}
	time.Sleep(time.Second)
	killed := time.Now()
	s.kill(initPID(t, both[0]), syscall.SIGKILL)
	time.Sleep(outWithin + 3*time.Second)
	close(stop)
	clients.Wait()

	before, meanwhile, after := 0, 0, 0
	for _, a := range all {
		bad := a.err != nil || a.status != http.StatusOK
		switch {
		case a.began.Before(killed.Add(-100 * time.Millisecond)):
			before++
			if bad {
				t.Errorf("a request before the kill: %d, %v", a.status, a.err)
			}
		case a.began.After(killed.Add(outWithin)):
			after++
			if bad {
				t.Errorf("a request %v after the kill: %d, %v", a.began.Sub(killed), a.status, a.err)
			}
		case bad:
			meanwhile++
		}
	}
	if before < 10 || after < 10 {
		t.Errorf("only %d requests before and %d after", before, after)
	}
	t.Logf("%d requests; %d failed before the instance was out of service", len(all), meanwhile)
	if log := s.run("shell", filepath.Base(both[1]), "--", "tail", "-n", "1", "/var/log/nginx/access.log"); log.status != 0 || !strings.Contains(log.out, " 200 ") {
		t.Errorf("the other instance answered nothing: %s", log)
	}
	s.down()
}
