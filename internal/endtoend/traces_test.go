package endtoend

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// traces are the names of everything that a project's instances have had on
// this machine, noted while they ran. A network namespace has no name; it goes
// with the last process and the last interface in it.
type traces struct {
	state  string
	mu     sync.Mutex
	tokens []string // part of every name that an instance gives
}

// follow notes the instances of a state folder until the test ends.
func follow(t *testing.T, state string) *traces {
	s := &traces{state: state}
	stop := make(chan struct{})
	t.Cleanup(func() { close(stop) })
	go func() {
		for {
			s.note()
			select {
			case <-stop:
				return
			case <-time.After(2 * time.Millisecond):
			}
		}
	}()
	return s
}

func (s *traces) note() {
	records, _ := filepath.Glob(filepath.Join(s.state, "instances", "i-*", "record.json"))
	for _, r := range records {
		var record struct{ Token string }
		data, err := os.ReadFile(r)
		if err != nil || json.Unmarshal(data, &record) != nil || record.Token == "" {
			continue // it goes, or is just being written
		}
		s.mu.Lock()
		if !slices.Contains(s.tokens, record.Token) {
			s.tokens = append(s.tokens, record.Token)
		}
		s.mu.Unlock()
	}
}

// all are the tokens of all instances that there were.
func (s *traces) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.tokens)
}

// left is what this machine has of texts: the project's state folder and the
// instances' tokens. The kernel is given a moment to finish what it was told.
func left(texts ...string) []string {
	for deadline := time.Now().Add(2 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if found := slices.Concat(named(texts), mounted(texts), processes(texts)); len(found) == 0 || time.Now().After(deadline) {
			return found
		}
	}
}

func (s *traces) left() []string { return left(append(s.all(), s.state)...) }

func has(text string, any []string) bool {
	return slices.ContainsFunc(any, func(s string) bool { return strings.Contains(text, s) })
}

// named are interfaces, nftables tables and cgroups.
func named(texts []string) (found []string) {
	links, _ := os.ReadDir("/sys/class/net")
	for _, l := range links {
		if has(l.Name(), texts) {
			found = append(found, "interface "+l.Name())
		}
	}
	out, _ := exec.Command("nft", "list", "tables").Output()
	for line := range strings.Lines(string(out)) {
		if has(line, texts) {
			found = append(found, "nftables "+strings.TrimSpace(line))
		}
	}
	filepath.WalkDir("/sys/fs/cgroup", func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && has(d.Name(), texts) {
			found = append(found, "cgroup "+p)
		}
		return nil // others' come and go
	})
	return found
}

func mounted(texts []string) (found []string) {
	mounts, _ := os.ReadFile("/proc/self/mountinfo")
	for line := range strings.Lines(string(mounts)) {
		if has(line, texts) {
			found = append(found, "mount "+strings.TrimSpace(line))
		}
	}
	return found
}

// processes are those that name the project, and those on its instances: there
// the root is mounted from the state folder.
func processes(texts []string) (found []string) {
	all, _ := filepath.Glob("/proc/[0-9]*")
	for _, p := range all {
		command, _ := os.ReadFile(p + "/cmdline")
		mounts, _ := os.ReadFile(p + "/mountinfo")
		of := has(string(command), texts)
		for line := range strings.Lines(string(mounts)) {
			fields := strings.Fields(line)
			of = of || len(fields) > 4 && fields[4] == "/" && has(line, texts)
		}
		if of {
			found = append(found, fmt.Sprintf("process %s %s", filepath.Base(p), strings.ReplaceAll(string(command), "\x00", " ")))
		}
	}
	return found
}
