package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"beanpole/internal/docker/program"
)

// socketPath is where the engine answers systemctl and service.
const socketPath = "/run/beanpole.sock"

// appletCall is what an applet asks the engine, appletAnswer what it then
// prints and how it ends: one JSON value each on the socket.
type appletCall struct{ Args []string } // Args[0] is the applet's name

type appletAnswer struct {
	Status      int
	Out, Errors string
}

// IsApplet tells whether this program was called as one of the programs that
// it stands for on an instance.
func IsApplet(argv0 string) bool {
	return isTool(filepath.Base(argv0))
}

// OnInstance tells whether this is an instance of the local cloud.
func OnInstance() bool {
	_, err := os.Stat(socketPath)
	return err == nil
}

// Applet is systemctl, service, initctl, get-config or another of the platform's
// programs on an instance, whichever argv[0] says. It has the engine do the work; the result is the exit status.
func Applet(argv []string, out, errs io.Writer) int {
	name := filepath.Base(argv[0])
	if name == "docker" {
		return program.Main(argv[1:], out, errs)
	}
	c, err := net.Dial("unix", socketPath)
	if errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintf(errs, "%s: this is beanpole, which stands for %s on its instances only\n", name, name)
		return 1
	}
	if err != nil {
		fmt.Fprintf(errs, "%s: reach the instance's engine: %v\n", name, err)
		return 1
	}
	defer c.Close()
	var answer appletAnswer
	if err = json.NewEncoder(c).Encode(appletCall{append([]string{name}, argv[1:]...)}); err == nil {
		err = json.NewDecoder(c).Decode(&answer)
	}
	if err != nil {
		fmt.Fprintf(errs, "%s: ask the instance's engine: %v\n", name, err)
		return 1
	}
	io.WriteString(out, answer.Out)
	io.WriteString(errs, answer.Errors)
	return answer.Status
}

// listen answers applets until the listener is closed. Every user of the
// instance may ask; who may change something is judged by user ID.
func (e *engine) listen() (io.Closer, error) {
	at := e.root + socketPath
	if err := os.Remove(at); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: at, Net: "unix"})
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(at, 0o666); err != nil {
		l.Close()
		return nil, err
	}
	go func() {
		for {
			c, err := l.AcceptUnix()
			if err != nil {
				return
			}
			go e.answer(c)
		}
	}()
	return l, nil
}

const (
	callTimeout = 10 * time.Second // for a caller to say what it wants
	largestCall = 64 << 10         // bytes
)

func (e *engine) answer(c *net.UnixConn) {
	defer c.Close()
	uid, err := callerOf(c)
	if err != nil {
		return
	}
	c.SetReadDeadline(time.Now().Add(callTimeout))
	var call appletCall
	if json.NewDecoder(io.LimitReader(c, largestCall)).Decode(&call) != nil || len(call.Args) == 0 {
		return
	}
	json.NewEncoder(c).Encode(e.applet(call.Args, uid == 0))
}

// callerOf is the user ID at the other end.
func callerOf(c *net.UnixConn) (uid uint32, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, err
	}
	var who *unix.Ucred
	if e := raw.Control(func(fd uintptr) { who, err = unix.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED) }); e != nil {
		return 0, e
	}
	if err != nil {
		return 0, err
	}
	return who.Uid, nil
}
