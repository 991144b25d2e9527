// Command testreport reads `go test -json` and prints what people want to
// know: a line a package, the whole output of each test that failed, the
// reasons of those that were skipped, and one closing line with the counts.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
)

// event is one line of `go test -json` (go doc test2json).
type event struct {
	Action, Package, Test, Output, ImportPath string
	Elapsed                                   float64
}

type tally struct {
	passed, failed, skipped int
	output                  map[string][]string // of running tests, by package and name
	reasons                 map[string]int
}

func main() {
	t := &tally{output: map[string][]string{}, reasons: map[string]int{}}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			fmt.Println(lines.Text()) // not from a test: a build's own words
			continue
		}
		t.take(e)
	}
	var reasons []string
	for r, n := range t.reasons {
		reasons = append(reasons, fmt.Sprintf("skipped %d: %s", n, r))
	}
	slices.Sort(reasons)
	for _, r := range reasons {
		fmt.Println(r)
	}
	fmt.Printf("%d passed, %d failed, %d skipped\n", t.passed, t.failed, t.skipped)
	if t.failed > 0 || lines.Err() != nil {
		os.Exit(1)
	}
}

func (t *tally) take(e event) {
	key := e.Package + "\x00" + e.Test
	switch e.Action {
	case "output":
		t.output[key] = append(t.output[key], e.Output)
		return
	case "build-output":
		fmt.Print(e.Output)
		return
	case "build-fail":
		t.failed++
		return
	case "pass", "fail", "skip":
	default:
		return
	}
	if e.Test == "" {
		t.packageDone(e, key)
	} else {
		t.testDone(e, key)
	}
	delete(t.output, key)
}

func (t *tally) packageDone(e event, key string) {
	name := strings.TrimPrefix(e.Package, "beanpole/")
	switch e.Action {
	case "pass":
		fmt.Printf("ok    %-34s %.1fs\n", name, e.Elapsed)
	case "fail":
		// A package can fail outside of its tests: a panic, TestMain.
		fmt.Printf("FAIL  %-34s %.1fs\n%s", name, e.Elapsed, strings.Join(t.output[key], ""))
		t.failed++
	}
}

func (t *tally) testDone(e event, key string) {
	switch e.Action {
	case "pass":
		t.passed++
	case "fail":
		t.failed++
		fmt.Printf("FAIL  %s %s\n%s", e.Package, e.Test, strings.Join(t.output[key], ""))
	case "skip":
		t.skipped++
		t.reasons[reason(t.output[key])]++
	}
}

// reason is what a skipped test said: its line "file.go:12: why".
func reason(output []string) string {
	for _, line := range output {
		if _, why, ok := strings.Cut(strings.TrimSpace(line), ".go:"); ok {
			if _, text, ok := strings.Cut(why, ": "); ok {
				return text
			}
		}
	}
	return "no reason given"
}
