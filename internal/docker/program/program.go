// Package program is the docker program of an instance: the part of Docker's
// command line that deployments and users' hooks call. What it does not carry
// out it says in one line, with an exit status of 125.
package program

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"beanpole/internal/docker"
)

// Exit statuses of docker itself. [docker run]
const (
	refused = 125
	failure = 1
)

// call is one call of the program.
type call struct {
	ctx       context.Context
	client    *docker.Client
	out, errs io.Writer
}

// subcommands are what is carried out.
var subcommands = map[string]func(*call, []string) error{
	"run": (*call).run, "exec": (*call).exec, "ps": (*call).ps, "images": (*call).images, "logs": (*call).logs, "kill": (*call).kill, "stop": (*call).stop,
	"pull": (*call).pull, "rmi": (*call).removeImages, "inspect": (*call).inspect, "info": (*call).info, "version": (*call).info,
}

// renamed are today's names of some of them.
var renamed = map[string]string{"container ls": "ps", "container ps": "ps", "container run": "run", "container exec": "exec", "container logs": "logs", "container stop": "stop",
	"container kill": "kill", "container inspect": "inspect", "image ls": "images", "image pull": "pull", "image rm": "rmi", "image inspect": "inspect"}

// pruning finds nothing to do here: what is not needed goes by itself.
var pruning = map[string]bool{"system prune": true, "image prune": true, "container prune": true, "volume prune": true, "builder prune": true, "network prune": true}

// usage is an error of who calls.
type usage string

func (u usage) Error() string { return string(u) }

// Main is the program; the result is its exit status.
func Main(args []string, out, errs io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGHUP)
	defer stop()
	c := &call{ctx: ctx, client: docker.Dial(docker.Socket), out: out, errs: errs}
	err := c.main(args)
	var exit docker.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return int(exit)
	}
	fmt.Fprintf(errs, "docker: %v\n", err)
	if errors.As(err, new(usage)) {
		return refused
	}
	return failure
}

func (c *call) main(args []string) error {
	if len(args) > 0 && (args[0] == "--version" || args[0] == "-v") {
		return c.info(nil)
	}
	if len(args) == 0 {
		return usage("this is beanpole, which stands for docker on its instances: run, exec, ps, images, logs, stop, kill, pull, rmi and inspect")
	}
	if _, err := os.Stat(docker.Socket); err != nil {
		return errors.New("permission denied or no daemon: this is beanpole, which stands for docker on its instances, for root")
	}
	name, rest := args[0], args[1:]
	if len(rest) > 0 {
		if pruning[name+" "+rest[0]] {
			fmt.Fprintln(c.out, "Total reclaimed space: 0B")
			return nil
		}
		if to := renamed[name+" "+rest[0]]; to != "" {
			name, rest = to, rest[1:]
		}
	}
	do := subcommands[name]
	if do == nil {
		return usage(fmt.Sprintf("beanpole, which stands for docker on its instances, does not carry out docker %s", name))
	}
	return do(c, rest)
}
