//go:build linux

// Command bench measures beanpole against something else that runs beside it
// in the same minute, and prints ratios: `check` against cfn-lint on the same
// template, one decision of iam against iam-simulate's, the agent against
// heat-cfntools and curl, `up` to the first HTTPS answer against the sum of the
// parts that nobody can leave out, and `diagnose` of a long log against wc. It
// ends with status 1 when a goal is missed.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
)

// bench is one run of this program.
type bench struct {
	program  string // beanpole, absolute
	example  string // folder, absolute
	lint     string // cfn-lint
	runs     int
	port     int // first of the ports that may be used
	detailed bool
	missed   int // goals
}

func main() {
	log.SetFlags(0)
	var b bench
	only := flag.String("only", "", "check, decision, agent, up, redeploy, fleet or diagnose: measure that alone")
	flag.StringVar(&b.program, "beanpole", "bin/beanpole", "the program to measure")
	flag.StringVar(&b.example, "example", "examples/https-from-s3", "the example to measure it on")
	flag.StringVar(&b.lint, "cfn-lint", "cfn-lint", "the cfn-lint to compare with; give the program itself, not a version manager's wrapper")
	flag.IntVar(&b.runs, "runs", 9, "runs of each thing; the median counts")
	flag.IntVar(&b.port, "port", 24660, "first of five ports on 127.0.0.1 that nobody else uses")
	flag.BoolVar(&b.detailed, "v", false, "print every run")
	flag.Parse()
	for _, p := range []*string{&b.program, &b.example} {
		abs, err := filepath.Abs(*p)
		if err != nil {
			log.Fatal(err)
		}
		*p = abs
	}
	for _, m := range []struct {
		name string
		run  func() error
	}{{"check", b.check}, {"decision", b.decision}, {"agent", b.agent}, {"up", b.up}, {"redeploy", b.redeploy}, {"fleet", b.fleet}, {"diagnose", b.longLog}} {
		if *only != "" && *only != m.name {
			continue
		}
		if err := m.run(); err != nil {
			log.Fatalf("bench: %v", err)
		}
	}
	if b.missed > 0 {
		fmt.Printf("%d of the goals missed\n", b.missed)
		os.Exit(1)
	}
}

// goal says whether one was reached.
func (b *bench) goal(reached bool, format string, args ...any) {
	verdict := "reached"
	if !reached {
		verdict = "MISSED"
		b.missed++
	}
	fmt.Printf("  goal %s: %s\n", verdict, fmt.Sprintf(format, args...))
}
