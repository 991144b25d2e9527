// Command bench measures beanpole against something else that runs beside it
// in the same minute, and prints ratios: `check` against cfn-lint on the same
// template, and `up` to the first HTTPS answer against the sum of the parts
// that nobody can leave out.
package main

import (
	"flag"
	"fmt"
	"log"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

func main() {
	log.SetFlags(0)
	program := flag.String("beanpole", "bin/beanpole", "the program to measure")
	example := flag.String("example", "examples/https-from-s3", "the example to measure it on")
	runs := flag.Int("runs", 5, "runs of each thing; the median counts")
	flag.Parse()
	self, err := filepath.Abs(*program)
	if err != nil {
		log.Fatal(err)
	}
	if err := checkBench(self, *example, *runs); err != nil {
		log.Fatal(err)
	}
	if err := upBench(self, *example, *runs); err != nil {
		log.Fatal(err)
	}
}

// measured is one whole process.
type measured struct {
	time time.Duration
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
	use, _ := c.ProcessState.SysUsage().(*syscall.Rusage)
	return measured{took, use.Maxrss}, nil
}

// median runs f several times and returns the middle time and the largest peak.
func median(runs int, f func() (measured, error)) (measured, error) {
	var all []measured
	for range runs {
		m, err := f()
		if err != nil {
			return m, err
		}
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b measured) int { return int(a.time - b.time) })
	m := all[len(all)/2]
	for _, x := range all {
		m.peak = max(m.peak, x.peak)
	}
	return m, nil
}

func checkBench(self, example string, runs int) error {
	ours, err := median(runs*4, func() (measured, error) {
		return process(example, []int{1}, self, "check", "app", "--template", "infra.yaml")
	})
	if err != nil {
		return err
	}
	fmt.Printf("check: %v, peak memory %.0f MiB (goal: under 60 MiB)\n", ours.time.Round(time.Millisecond/10), float64(ours.peak)/1024)
	lint, err := exec.LookPath("cfn-lint")
	if err != nil {
		fmt.Println("check against cfn-lint: skipped, cfn-lint is not installed (pip install cfn-lint)")
		return nil
	}
	theirs, err := median(runs, func() (measured, error) {
		return process(example, []int{0, 2, 4, 6, 8, 10, 12, 14}, lint, "infra.yaml")
	})
	if err != nil {
		return err
	}
	fmt.Printf("check against cfn-lint on the same template: %.0f times faster (goal: 50; cfn-lint %v, %.0f MiB)\n",
		float64(theirs.time)/float64(ours.time), theirs.time.Round(time.Millisecond), float64(theirs.peak)/1024)
	return nil
}
