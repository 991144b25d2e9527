//go:build linux

package main

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// The goals of `check`.
const (
	fasterThanLint     = 100                   // times, one bundle
	manyFasterThanLint = 300                   // times, 1,000 bundles in one call
	withoutLint        = 20 * time.Millisecond // a 100th of the 2 s that cfn-lint takes for one template
	peakMemory         = 80 << 10              // KiB, one bundle
	manyPeakMemory     = 256 << 10             // KiB, 1,000 bundles
	steepest           = 1.05                  // exponent of the time over the number of bundles
	linted             = 100                   // templates that cfn-lint is given in one call
)

// lintStatuses are those with which cfn-lint has worked: a bit for each kind of
// message.
var lintStatuses = []int{0, 2, 4, 6, 8, 10, 12, 14}

// check measures `check` of the example as a whole process, and cfn-lint on
// the same template when it is installed; then of many bundles in one call.
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
		return b.many("")
	}
	theirs, err := repeat(b.runs, func() (measured, error) {
		return process(b.example, lintStatuses, lint, "infra.yaml")
	})
	if err != nil {
		return err
	}
	ratio := float64(theirs.took) / float64(ours.took)
	fmt.Printf("cfn-lint on the same template: %v, peak memory %.0f MiB\n", theirs.took.Round(time.Millisecond), float64(theirs.peak)/1024)
	b.goal(ratio >= fasterThanLint, "check at least %d times faster than cfn-lint (it is %.0f times faster)", fasterThanLint, ratio)
	return b.many(lint)
}

// many measures `check` of 10 to 10,000 bundles in one call each. cfn-lint is
// run on a hundred of their templates in one call; what it would take for a
// thousand is its time for one, and 999 times what each of the other 99 added.
func (b *bench) many(lint string) error {
	dir, err := os.MkdirTemp("", "beanpole-bench.")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	const most = 10_000
	if err := makeBundles(dir, most); err != nil {
		return err
	}
	times := map[int]measured{}
	for n := 10; n <= most; n *= 10 {
		args := []string{"check", "--template", "{}/infra.yaml"}
		for i := range n {
			args = append(args, fmt.Sprintf("service-%05d", i))
		}
		m, err := repeat(max(3, b.runs/2), func() (measured, error) {
			return process(dir, []int{1}, b.program, args...)
		})
		if err != nil {
			return err
		}
		times[n] = m
		fmt.Printf("check of %d bundles in one call: %v, peak memory %.0f MiB\n", n, tenth(m.took), float64(m.peak)/1024)
	}
	b.goal(times[1000].peak < manyPeakMemory, "peak memory for 1,000 bundles under %d MiB", manyPeakMemory>>10)
	exponent := slope(times)
	b.goal(exponent <= steepest, "time from 10 to %d bundles grows with exponent at most %.2f (it is %.2f)", most, steepest, exponent)
	if lint == "" {
		return nil
	}
	var templates []string
	for i := range linted {
		templates = append(templates, filepath.Join(fmt.Sprintf("service-%05d", i), "infra.yaml"))
	}
	pace := func(names ...string) (measured, error) {
		return repeat(3, func() (measured, error) { return process(dir, lintStatuses, lint, names...) })
	}
	one, err := pace(templates[0])
	if err != nil {
		return err
	}
	all, err := pace(templates...)
	if err != nil {
		return err
	}
	each := float64(all.took-one.took) / (linted - 1)
	whole := time.Duration(float64(one.took) + 999*each)
	ratio := float64(whole) / float64(times[1000].took)
	fmt.Printf("cfn-lint on %d of the templates in one call: %v; for 1,000, at the same pace, %v (not run)\n", linted, all.took.Round(time.Millisecond), whole.Round(time.Second))
	b.goal(ratio >= manyFasterThanLint, "check of 1,000 bundles at least %d times faster than cfn-lint on their templates (it is %.0f times faster)", manyFasterThanLint, ratio)
	return nil
}

// slope is the exponent of the time over the number, fitted to all of them.
func slope(times map[int]measured) float64 {
	var n, x, y, xx, xy float64
	for count, m := range times {
		a, b := math.Log(float64(count)), math.Log(m.took.Seconds())
		n, x, y, xx, xy = n+1, x+a, y+b, xx+a*a, xy+a*b
	}
	return (n*xy - x*y) / (n*xx - x*x)
}
