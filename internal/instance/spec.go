// Package instance runs an OCI container that passes for an EC2 instance: its
// own root over an overlay, its own network in which instance metadata, DNS
// and the local AWS answer, and a control channel to its PID 1. It promises to
// leave nothing behind, and to change nothing of the host.
package instance

import (
	"context"
	"crypto/tls"
	"io"
	"net/http"

	"beanpole/internal/docker"
)

// Spec says what one instance is made of.
type Spec struct {
	ID       string       // instance ID, "i-0123456789abcdef0"
	Dir      string       // state directory, absolute; the instance lives in Dir/instances/ID
	Root     string       // lower layer of the instance's root, "" is the host's "/"
	Binary   string       // program on the host that becomes PID 1, absolute; "" is this program
	Args     []string     // its arguments
	CA       []byte       // PEM certificates that this instance alone trusts as well
	Hide     []string     // more absolute paths that the instance must not see
	Cache    string       // folder of the host that outlives the instance as its /var/cache/go-build; "" is none
	Metadata http.Handler // answers at 169.254.169.254, port 80
	AWS      http.Handler // answers for *.amazonaws.com, ports 443 and 80
	TLS      *tls.Config  // certificates for AWS
	Hostname string       // "" is made from the private address as EC2 does
	Ways     *Ways        // how far packets get in the instance's VPC; nil: everywhere
	Patient  bool         // connections that get no answer end after as long as on AWS, not earlier
	Offline  bool         // no way out to the internet, and no names of it
	// Pull fetches an image for the instance's containers; nil: it runs none.
	Pull   func(context.Context, docker.Pull) (*Pulled, error)
	Notice func(string) // gets in one line what the user should know of the instance; nil: nobody does
	Log    io.Writer    // PID 1's standard error; nil discards it

	Volume    int64 // size of the disk for what the instance writes, in bytes; 0 is DefaultVolume
	Memory    int64 // limit of all processes together in bytes; 0 is half of this machine's
	Processes int64 // limit of processes and threads; 0 is 2048
}

// Pulled is an image that lies unpacked on this machine.
type Pulled struct {
	Root   string // folder, which is never written to
	Digest string // of its manifest, "sha256:…"
	Config docker.Config
}

// Ways are what the routes, endpoints, security groups and network ACLs of a
// VPC let an instance reach.
type Ways struct {
	// Name says whether connections to a name of AWS on a port (80 or 443) get
	// there; it is asked with each lookup. nil: all do.
	Name func(host string, port uint16) bool
	// NoNames: the VPC's DNS server does not answer.
	NoNames bool
	// TCP and UDP are the open ports of the internet.
	TCP, UDP []Ports
}

// Ports are those from From to To.
type Ports struct{ From, To uint16 }

// DefaultVolume is a root volume's size in bytes on Amazon Linux 2 and 2023
// when the option RootVolumeSize does not say. [EB:command-options-general]
const DefaultVolume = 8 << 30

// Need is something that this machine lacks.
type Need struct {
	What   string // "runc", "root", "overlay", …
	Remedy string // one line: what to do
}
