package instance

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// readLimit is the largest file that is read out of an instance, in bytes.
const readLimit = 64 << 20

// readIn reads the plain file p of the tree below root as a process whose "/"
// is root would: links, absolute ones too, never lead out of it.
func readIn(root, p string) ([]byte, error) {
	f, err := openIn(root, p)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, readLimit+1))
	if err == nil && len(data) > readLimit {
		err = fmt.Errorf("read %s: larger than %d bytes", p, readLimit)
	}
	return data, err
}

// readEndIn is readIn for at most the last bytes of a file.
func readEndIn(root, p string, most int64) ([]byte, error) {
	f, err := openIn(root, p)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err == nil && fi.Size() > most {
		_, err = f.Seek(-most, io.SeekEnd)
	}
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(f, most))
}

// openIn opens the plain file p of the tree below root.
func openIn(root, p string) (*os.File, error) {
	dir, err := unix.Open(root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: root, Err: err}
	}
	defer unix.Close(dir)
	fd, err := openBelow(dir, p, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: p, Err: err}
	}
	f := os.NewFile(uintptr(fd), p)
	fi, err := f.Stat()
	if err == nil && !fi.Mode().IsRegular() {
		err = fmt.Errorf("read %s: not a plain file", p)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// openBelow opens what is at p below dir, as a process whose "/" is dir would.
func openBelow(dir int, p string, flags uint64) (int, error) {
	how := &unix.OpenHow{Flags: flags | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS}
	if p = strings.TrimLeft(p, "/"); p == "" {
		p = "."
	}
	for { // EAGAIN: something was renamed while the kernel looked
		fd, err := unix.Openat2(dir, p, how)
		if !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR) {
			return fd, err
		}
	}
}
