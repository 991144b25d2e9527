// Package docker is what an instance and beanpole say to each other about
// containers. The instance decides what is built and run; beanpole, which keeps
// images and starts containers beside the instance, is what dockerd is on AWS.
// Whatever comes from the instance is hostile: who answers it trusts no word.
package docker

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Socket is where the instance's root finds beanpole.
const Socket = "/run/beanpole-docker.sock"

// Config is what an image says of how it is run.
type Config struct {
	Env         []string `json:",omitempty"` // NAME=value
	Entrypoint  []string `json:",omitempty"`
	Cmd         []string `json:",omitempty"`
	Dir         string   `json:",omitempty"` // "" is "/"
	User        string   `json:",omitempty"` // name or number, perhaps with :GROUP
	Ports       []string `json:",omitempty"` // "8080/tcp", in the order in which the Dockerfile exposes them
	Volumes     []string `json:",omitempty"`
	Shell       []string `json:",omitempty"` // of RUN; nil is /bin/sh -c
	HealthCheck bool     `json:",omitempty"` // there is one, which nobody looks at
}

// FirstPort is the first port that an image exposes, 0 for none.
func (c *Config) FirstPort() int {
	if len(c.Ports) == 0 {
		return 0
	}
	n, _, _ := strings.Cut(c.Ports[0], "/")
	p, err := strconv.ParseUint(n, 10, 16)
	if err != nil {
		return 0
	}
	return int(p)
}

// Argv is what a container of the image runs; either may be overridden, and an
// entry point of one's own takes the image's command away. [docker run]
func (c *Config) Argv(entrypoint, cmd []string) []string {
	switch {
	case entrypoint != nil:
		return slices.Concat(entrypoint, cmd)
	case len(cmd) > 0:
		return slices.Concat(c.Entrypoint, cmd)
	}
	return slices.Concat(c.Entrypoint, c.Cmd)
}

// Image is an image that the instance has.
type Image struct {
	ID      string // 64 hexadecimal digits
	Names   []string
	Layer   string // its files
	Created time.Time
	Config  Config
}

// Pull asks for an image of a registry.
type Pull struct {
	Name           string // as a Dockerfile's FROM has it
	User, Password string // "" for nobody
}

// Commit makes an image of a layer, which is not written to any more.
type Commit struct {
	Layer, Name string
	Config      Config
}

// Mount shows a file or folder of the instance in a container.
type Mount struct {
	Source, Target string // absolute
	ReadOnly       bool
}

// Run is a container: the process, and what it sees.
type Run struct {
	Layer   string // its files: written to when InPlace, else a new layer comes over them
	InPlace bool
	Image   string // what it was made of, for those who list containers
	Name    string // of the container; "" is its ID
	Args    []string
	Env     []string
	Dir     string // "" is "/"
	User    string // as in Config
	Mounts  []Mount
	Hosts   map[string]string // names of other containers, to their addresses
}

// Container is a running container.
type Container struct {
	ID      string // 64 hexadecimal digits
	Name    string
	Image   string
	Args    []string
	Address string // on the instance's bridge
	Started time.Time
}

// Exec runs one more process in a container.
type Exec struct {
	Args, Env []string
	Dir, User string
}

// Frame is one thing that happens while a process runs, a line of JSON each.
type Frame struct {
	Started  *Container `json:",omitempty"` // the first
	Out, Err []byte     `json:",omitempty"` // its output
	Exit     *int       `json:",omitempty"` // the last: its exit status
	Fault    string     `json:",omitempty"` // the last: why it could not be run
}

// Short is the form of an ID that docker shows.
func Short(id string) string { return id[:min(12, len(id))] }

// ExitError is a process's exit status other than 0.
type ExitError int

func (e ExitError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }
