//go:build linux

package main

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"
)

// The goals for a long log: times of `wc -l`, and memory.
const (
	longLogBytes  = 200 << 20
	longLogTimes  = 10
	longLogMemory = 100 << 10 // KiB
)

// longLog measures `diagnose` on a log of 200 MB with one failure in it, and wc
// on the same file, in turns.
func (b *bench) longLog() error {
	dir, err := os.MkdirTemp("", "beanpole-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "eb-engine.log")
	if err := writeLongLog(file); err != nil {
		return err
	}
	var ours, theirs []time.Duration
	peak := int64(0)
	for range b.runs {
		m, err := process(dir, []int{0}, "wc", "-l", file)
		if err != nil {
			return err
		}
		theirs = append(theirs, m.took)
		if m, err = process(dir, []int{1}, b.program, "diagnose", "--log", file); err != nil {
			return err
		}
		ours, peak = append(ours, m.took), max(peak, m.peak)
	}
	times := float64(median(ours)) / float64(median(theirs))
	fmt.Printf("diagnose of a log of %d MB: %v, %d MiB; wc -l: %v\n", longLogBytes>>20, tenth(median(ours)), peak>>10, tenth(median(theirs)))
	b.goal(times <= longLogTimes, "at most %d times the time of wc -l: %.1f", longLogTimes, times)
	b.goal(peak < longLogMemory, "less than %d MiB: %d", longLogMemory>>10, peak>>10)
	return nil
}

// writeLongLog writes lines such as the engine's, with one failure in the middle.
func writeLongLog(file string) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	random := rand.New(rand.NewPCG(1, 2))
	ordinary := []string{"Executing instruction: RunAppDeployPreBuildHooks", "Running command: /bin/sh -c systemctl show -p PartOf eb-app.target",
		"Copying file /opt/elasticbeanstalk/config/private/healthd", "Instance is Leader."}
	failed := false
	for n := 0; n < longLogBytes; {
		text := ordinary[random.IntN(len(ordinary))]
		level := "INFO"
		if !failed && n > longLogBytes/2 {
			failed, level = true, "ERROR"
			text = "An error occurred during execution of command [app-deploy] - [PreBuildEbExtension]. Stop running the command. Error: no space left on device"
		}
		wrote, err := fmt.Fprintf(w, "2026/11/20 22:%02d:%02d.%06d [%s] %s\n", random.IntN(60), random.IntN(60), random.IntN(1000000), level, text)
		if err != nil {
			return err
		}
		n += wrote
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}
