package engine

import (
	"os"
	"os/signal"
	"runtime"
	"syscall"
)

// PID 1 keeps to its first thread: see asInit.
func init() {
	if os.Getpid() == 1 {
		runtime.LockOSThread()
	}
}

// asInit runs the engine as PID 1, and takes in every process whose parent is
// gone. The kernel makes such a process a child of PID 1's first thread. The
// engine's own processes are children of the threads that started them, never of
// that one, which does nothing else. So who waits for children of this thread
// alone takes no result away from the engine.
func asInit(run func() int) int {
	children := make(chan os.Signal, 1)
	signal.Notify(children, syscall.SIGCHLD)
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	ended := make(chan int, 1)
	go func() { ended <- run() }()
	for {
		takeIn()
		select {
		case <-children: // one signal may stand for several
		case status := <-ended:
			return status
		case <-stop:
			return 1
		}
	}
}

// takeIn waits for this thread's children that have ended.
func takeIn() {
	for {
		pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG|syscall.WNOTHREAD, nil)
		if err != syscall.EINTR && pid <= 0 {
			return // none, or none that has ended
		}
	}
}
