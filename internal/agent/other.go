//go:build !linux

package agent

import (
	"context"
	"fmt"
	"io"
)

// Call is one call of a program.
type Call struct {
	Program     string
	Args        []string
	In          io.Reader
	Out, Errors io.Writer
	LocalCloud  bool
}

// NewCall is a call on this machine.
func NewCall(program string, args []string, in io.Reader, out, errs io.Writer, localCloud bool) *Call {
	return &Call{Program: program, Args: args, In: in, Out: out, Errors: errs, LocalCloud: localCloud}
}

// IsProgram: the agent changes Linux machines only.
func IsProgram(string) bool { return false }

// Init fails.
func Init(_ context.Context, c *Call) int {
	fmt.Fprintf(c.Errors, "%s: the agent changes Linux machines; beanpole check says elsewhere what it would do\n", c.Program)
	return 1
}

// Run fails.
func Run(ctx context.Context, c *Call) int { return Init(ctx, c) }
