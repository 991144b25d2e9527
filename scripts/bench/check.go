//go:build linux

package main

import (
	"fmt"
	"os/exec"
	"time"
)

// The goals of `check`.
const (
	fasterThanLint = 50                    // times
	withoutLint    = 40 * time.Millisecond // a 50th of the 2 s that cfn-lint takes for one template
	peakMemory     = 60 << 10              // KiB
)

// check measures `check` of the example as a whole process, and cfn-lint on
// the same template when it is installed.
func (b *bench) check() error {
	ours, err := repeat(b.runs*4, func() (measured, error) {
		return process(b.example, []int{1}, b.program, "check", "app", "--template", "infra.yaml")
	})
	if err != nil {
		return err
	}
	fmt.Printf("check of the example: %v, peak memory %.0f MiB\n", tenth(ours.took), float64(ours.peak)/1024)
	b.goal(ours.peak < peakMemory, "peak memory under %d MiB", peakMemory>>10)
	lint, err := exec.LookPath(b.lint)
	if err != nil {
		fmt.Println("  cfn-lint is not installed here (pip install cfn-lint), so there is nothing to compare with")
		b.goal(ours.took < withoutLint, "under %v", withoutLint)
		return nil
	}
	theirs, err := repeat(b.runs, func() (measured, error) {
		return process(b.example, []int{0, 2, 4, 6, 8, 10, 12, 14}, lint, "infra.yaml")
	})
	if err != nil {
		return err
	}
	ratio := float64(theirs.took) / float64(ours.took)
	fmt.Printf("cfn-lint on the same template: %v, peak memory %.0f MiB\n", theirs.took.Round(time.Millisecond), float64(theirs.peak)/1024)
	b.goal(ratio >= fasterThanLint, "check at least %d times faster than cfn-lint (it is %.0f times faster)", fasterThanLint, ratio)
	return nil
}
