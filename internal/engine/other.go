//go:build !linux

package engine

import (
	"fmt"
	"io"
	"os"
)

// Main fails: instances need Linux.
func Main(io.Reader, io.Writer) int {
	fmt.Fprintln(os.Stderr, "beanpole: instances need Linux")
	return 1
}

// IsApplet: there are no instances here.
func IsApplet(string) bool { return false }

// Applet is not there, as there are no instances.
func Applet([]string, io.Writer, io.Writer) int { return 1 }

// OnInstance: there are no instances here.
func OnInstance() bool { return false }
