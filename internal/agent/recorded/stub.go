package recorded

import (
	"fmt"
	"strings"
)

// stub is one rule of a program that stands in for another.
type stub struct {
	Args           *[]string
	ArgsPrefix     *[]string `json:"args_prefix"`
	Stdout, Stderr string
	Exit           int
}

// script is the stand-in as a shell script: the first rule that fits prints
// and ends; without one, nothing is printed and the exit status is 0.
func script(rules []stub) string {
	var b strings.Builder
	b.WriteString("#!/bin/sh\n")
	for _, r := range rules {
		b.WriteString("if ")
		switch {
		case r.Args != nil:
			fmt.Fprintf(&b, "[ $# -eq %d ]%s", len(*r.Args), equal(*r.Args))
		case r.ArgsPrefix != nil:
			fmt.Fprintf(&b, "[ $# -ge %d ]%s", len(*r.ArgsPrefix), equal(*r.ArgsPrefix))
		default:
			b.WriteString("true")
		}
		fmt.Fprintf(&b, "; then printf %%s %s; printf %%s %s >&2; exit %d; fi\n", quoted(r.Stdout), quoted(r.Stderr), r.Exit)
	}
	b.WriteString("exit 0\n")
	return b.String()
}

// equal compares the shell's arguments with args.
func equal(args []string) string {
	var b strings.Builder
	for i, a := range args {
		fmt.Fprintf(&b, ` && [ "${%d}" = %s ]`, i+1, quoted(a))
	}
	return b.String()
}

// quoted is a text as one word of the shell.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
