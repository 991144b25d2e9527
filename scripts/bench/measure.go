//go:build linux

package main

import (
	"fmt"
	"os/exec"
	"slices"
	"syscall"
	"time"
)

// measured is one whole process.
type measured struct {
	took time.Duration
	peak int64 // peak resident memory in KiB
}

// process runs a whole process and measures it; the statuses in ok count as
// having worked.
func process(dir string, ok []int, name string, args ...string) (measured, error) {
	c := exec.Command(name, args...)
	c.Dir = dir
	start := time.Now()
	out, err := c.CombinedOutput()
	took := time.Since(start)
	if c.ProcessState == nil {
		return measured{}, fmt.Errorf("run %s: %w", name, err)
	}
	if !slices.Contains(ok, c.ProcessState.ExitCode()) {
		return measured{}, fmt.Errorf("run %s %v: %v\n%s", name, args, err, out)
	}
	use, ok2 := c.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok2 {
		return measured{}, fmt.Errorf("run %s: its memory use is not known", name)
	}
	return measured{took, use.Maxrss}, nil
}

// median is the middle one of several times.
func median(all []time.Duration) time.Duration {
	all = slices.Sorted(slices.Values(all))
	return all[len(all)/2]
}

// repeat runs f several times: the middle time and the largest peak.
func repeat(runs int, f func() (measured, error)) (measured, error) {
	var times []time.Duration
	var peak int64
	for range runs {
		m, err := f()
		if err != nil {
			return m, err
		}
		times, peak = append(times, m.took), max(peak, m.peak)
	}
	return measured{median(times), peak}, nil
}

func tenth(d time.Duration) time.Duration { return d.Round(time.Millisecond / 10) }
