//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// The goals of many instances in one environment.
const (
	fleetSize  = 20
	timesOne   = 4        // as long as one instance takes, at most
	eachAtMost = 25 << 10 // KiB of beanpole's own memory, each
)

// fleet measures `up` of the mended example with one instance and with twenty,
// until all are in service, and what each costs beyond its own processes: the
// memory of beanpole's processes on and beside it.
func (b *bench) fleet() error {
	s, done, err := b.stage("fleet")
	if s == nil {
		return err
	}
	defer done()
	var own [2]int64
	var things []timed
	for i, n := range []int{1, fleetSize} {
		things = append(things, timed{fmt.Sprintf("up with %d instances in service", n), func() (time.Duration, error) {
			took, kib, err := s.instances(n)
			own[i] = kib
			return took, err
		}})
	}
	ratio, one, err := s.turns(things)
	if err != nil {
		return err
	}
	b.goal(ratio <= timesOne, "%d instances in at most %d times the time of one, %v (it is %.2f times)", fleetSize, timesOne, tenth(one), ratio)
	each := (own[1] - own[0]) / (fleetSize - 1)
	b.goal(each < eachAtMost, "each instance under %d MiB beyond its own processes (it is %.1f MiB)", eachAtMost>>10, float64(each)/1024)
	return nil
}

var sizes = regexp.MustCompile(`(MinSize|MaxSize): "\d+"`)

// instances deploys the example with n instances, and measures time and memory.
func (s *stage) instances(n int) (took time.Duration, kib int64, err error) {
	file := filepath.Join(s.dir, "app", ".ebextensions", "https.config")
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, 0, err
	}
	if err := os.WriteFile(file, sizes.ReplaceAll(text, fmt.Appendf(nil, `$1: "%d"`, n)), 0o644); err != nil {
		return 0, 0, err
	}
	m, err := process(s.dir, []int{0}, s.program, s.upArgs()...)
	if err == nil {
		kib, err = s.ownMemory()
	}
	if out, downErr := exec.Command(s.program, "down", "--state", s.state()).CombinedOutput(); err == nil && downErr != nil {
		err = fmt.Errorf("down: %w\n%s", downErr, out)
	}
	return m.took, kib, err
}

// ownMemory is the proportional memory in KiB of all processes of the program
// that is measured, on instances and beside them, and of runc, which stays with
// each instance.
func (s *stage) ownMemory() (kib int64, err error) {
	all, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return 0, err
	}
	program, err := os.Stat(s.program)
	if err != nil {
		return 0, err
	}
	for _, p := range all {
		exe, err := os.Stat(filepath.Join(p, "exe"))
		if err != nil {
			continue
		}
		command, _ := os.ReadFile(filepath.Join(p, "cmdline"))
		ours := exe.Size() == program.Size() // instances hold a copy
		if !ours && !(bytes.HasPrefix(command, []byte("runc\x00")) && bytes.Contains(command, []byte(s.state()))) {
			continue
		}
		text, _ := os.ReadFile(filepath.Join(p, "smaps_rollup"))
		for line := range strings.Lines(string(text)) {
			if f := strings.Fields(line); len(f) > 1 && f[0] == "Pss:" {
				n, _ := strconv.ParseInt(f[1], 10, 64)
				kib += n
			}
		}
	}
	if kib == 0 {
		return 0, fmt.Errorf("no process of %s was found", s.program)
	}
	return kib, nil
}
