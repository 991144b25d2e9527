//go:build !linux

package instance

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
)

var errNotLinux = errors.New("start instance: instances need Linux")

// Instance is a running instance; there is none on this system.
type Instance struct{}

// Start fails: instances need Linux.
func Start(context.Context, *Spec) (*Instance, error) { return nil, errNotLinux }

// ID is the instance ID.
func (*Instance) ID() string { return "" }

// Address is the private address.
func (*Instance) Address() netip.Addr { return netip.Addr{} }

// Hostname is the private DNS name.
func (*Instance) Hostname() string { return "" }

// Done is closed when the instance has ended.
func (*Instance) Done() <-chan struct{} { return nil }

// Do gives PID 1 a command.
func (*Instance) Do(context.Context, *Command) (*Result, error) { return nil, errNotLinux }

// Exec runs a program on the instance.
func (*Instance) Exec(context.Context, []string, io.Reader, io.Writer, io.Writer) error {
	return errNotLinux
}

// ReadFile reads a file of the instance.
func (*Instance) ReadFile(string) ([]byte, error) { return nil, errNotLinux }

// ReadEnd reads the end of a file of the instance.
func (*Instance) ReadEnd(string, int64) ([]byte, error) { return nil, errNotLinux }

// Stop ends the instance.
func (*Instance) Stop(context.Context) error { return nil }

// Sweep has nothing to remove here.
func Sweep(string) error { return nil }

// Missing says what this machine lacks.
func Missing() []Need {
	return []Need{{What: "Linux", Remedy: "instances need Linux namespaces: run beanpole on Linux, or in a Linux virtual machine; check and fix work here"}}
}

// Attach fails: no instance runs here.
func Attach(context.Context, string, string, []string, io.Reader, io.Writer, io.Writer) error {
	return errNotLinux
}

// Outside is a dialer; no instance runs here.
func Outside() *net.Dialer { return &net.Dialer{} }
