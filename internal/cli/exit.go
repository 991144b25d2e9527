package cli

import (
	"errors"
	"fmt"
	"io"

	"beanpole/internal/source"
)

// Exit statuses. "Could not tell" never looks like exitClean.
const (
	exitClean    = 0
	exitFindings = 1 // findings, or a deployment that failed
	exitUsage    = 2 // bad usage, or input that cannot be read
	exitOurs     = 3 // beanpole failed
)

// exitError ends the program with a status. Its message, if any, is one line
// that says what is wrong and what to do.
type exitError struct {
	code int
	msg  string
}

func (e *exitError) Error() string { return e.msg }

// usageError is the user's: wrong flags, missing files, a port in use.
func usageError(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Sprintf(format, args...)}
}

// errFindings ends a command whose output has already said everything.
var errFindings = &exitError{code: exitFindings}

// reportError prints err as one line and returns the exit status that it stands
// for: a Problem is the user's, any other error is ours.
func reportError(w io.Writer, err error) int {
	if err == nil {
		return exitClean
	}
	var exit *exitError
	var problem *source.Problem
	switch {
	case errors.As(err, &exit):
		if exit.msg != "" {
			fmt.Fprintln(w, "beanpole: "+clean(exit.msg))
		}
		return exit.code
	case errors.As(err, &problem):
		fmt.Fprintln(w, "beanpole: "+clean(problem.Error()))
		return exitUsage
	}
	fmt.Fprintln(w, "beanpole: "+clean(err.Error()))
	return exitOurs
}
