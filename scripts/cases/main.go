//go:build linux

// Command cases runs the agent on a folder of recorded runs of Amazon's
// cfn-init (see package recorded), each on a fresh instance root, and prints
// how many agree and how each of the others differs. It ends with status 1
// when one differs that is not known to.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"runtime"
	"slices"
	"strings"

	"beanpole/internal/agent/recorded"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("cases: ")
	dir := flag.String("dir", "", "folder of the cases: base.json and cases/*.json")
	only := flag.String("run", "", "run only the cases whose file name has this in it")
	workers := flag.Int("workers", max(runtime.NumCPU(), 2), "processes that run cases")
	worker := flag.Bool("worker", false, "read file names on standard input and run them (this program starts itself so)")
	flag.Parse()
	if *dir == "" {
		log.Print("say where the cases are: make cases DIR=folder")
		os.Exit(2)
	}
	if os.Getuid() != 0 {
		log.Print("needs root: files get owners, and commands run by chroot")
		os.Exit(2)
	}
	if *worker {
		work(*dir, os.Stdin, os.Stdout)
		return
	}
	names, err := recorded.Names(*dir)
	if err != nil {
		log.Print(err)
		os.Exit(2)
	}
	names = slices.DeleteFunc(names, func(n string) bool { return !strings.Contains(n, *only) })
	if !report(spread(*dir, names, *workers)) {
		os.Exit(1)
	}
}

// report prints the outcomes; false when one is neither agreement nor known.
func report(all []outcome) bool {
	known := recorded.Differences()
	agreed, expected, failed := 0, 0, 0
	for _, o := range all {
		reason, listed := known[o.Name]
		switch {
		case o.Trouble != "":
			failed++
			fmt.Printf("%s: %s\n", o.File, o.Trouble)
		case len(o.Differences) == 0:
			agreed++
		case listed:
			expected++
			fmt.Printf("%s differs, as is known: %s\n", o.File, reason)
		default:
			failed++
			fmt.Printf("%s differs:\n", o.File)
			for _, d := range o.Differences {
				fmt.Printf("\t%v\n", d)
			}
		}
	}
	fmt.Printf("%d cases: %d agree, %d differ for a reason that is listed (internal/agent/recorded/differences.tsv), %d differ\n",
		len(all), agreed, expected, failed)
	return failed == 0
}
