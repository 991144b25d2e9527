package engine

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// reap is the whole of PID 1: it starts this program once more as the engine,
// and takes in every process whose parent is gone. Two processes, because one
// that waits for any child would take the engine's own results away from it.
func reap() int {
	child, err := os.StartProcess("/proc/self/exe", os.Args, &os.ProcAttr{Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}})
	if err != nil {
		fmt.Fprintf(os.Stderr, "beanpole: start the engine: %v\n", err)
		return 1
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		for s := range stop {
			syscall.Kill(child.Pid, s.(syscall.Signal))
		}
	}()
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return 1
		case pid == child.Pid:
			return status.ExitStatus()
		}
	}
}
