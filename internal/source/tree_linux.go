package source

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"

	"golang.org/x/sys/unix"
)

// tree is a folder as rooted has it. One system call opens a name where os.Root
// takes several for each part of it; where the kernel does not know that call
// (before Linux 5.6), os.Root does the work.
type tree struct {
	rooted
	fd int
}

func openTree(name string) (*tree, error) {
	fd, err := retried(func() (int, error) {
		return unix.Open(name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	})
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return &tree{rooted{path: name}, fd}, nil
}

func (t *tree) close() error {
	err := unix.Close(t.fd)
	t.fd = -1
	return errors.Join(err, t.rooted.close())
}

// beneath opens a name below the folder.
func (t *tree) beneath(name string, flags uint64) (int, error) {
	// O_NONBLOCK: nobody waits for the writer of a pipe that took a file's place.
	how := &unix.OpenHow{Flags: flags | unix.O_RDONLY | unix.O_CLOEXEC | unix.O_NONBLOCK, Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_MAGICLINKS}
	fd, err := retried(func() (int, error) { return unix.Openat2(t.fd, name, how) })
	if err != nil {
		err = &fs.PathError{Op: "openat", Path: name, Err: err}
	}
	return fd, err
}

// unknownCall: the kernel, or a filter in front of it, does not know openat2,
// or could not decide since something was renamed meanwhile.
func unknownCall(err error) bool {
	return errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) || errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINVAL)
}

// open opens a file for reading.
func (t *tree) open(name string) (io.ReadCloser, error) {
	fd, err := t.beneath(name, 0)
	if err == nil {
		return rawFile(fd), nil
	}
	if !unknownCall(err) {
		return nil, err
	}
	return t.rooted.open(name)
}

// list is what a folder holds, sorted by name.
func (t *tree) list(dir string) ([]listed, error) {
	fd, err := t.beneath(dir, unix.O_DIRECTORY)
	if unknownCall(err) {
		return t.rooted.list(dir)
	}
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	var names []string
	buffer := make([]byte, 8<<10)
	for {
		n, err := retried(func() (int, error) { return unix.ReadDirent(fd, buffer) })
		if err != nil {
			return nil, &fs.PathError{Op: "readdirent", Path: dir, Err: err}
		}
		if n <= 0 {
			break
		}
		_, _, names = unix.ParseDirent(buffer[:n], -1, names)
	}
	slices.Sort(names)
	out := make([]listed, 0, len(names))
	for _, name := range names {
		var st unix.Stat_t
		_, err := retried(func() (int, error) { return 0, unix.Fstatat(fd, name, &st, unix.AT_SYMLINK_NOFOLLOW) })
		if err != nil {
			return nil, &fs.PathError{Op: "lstat", Path: path.Join(dir, name), Err: err}
		}
		out = append(out, listed{name, fileMode(st.Mode), st.Size})
	}
	return out, nil
}

// fileMode is a mode of the system's as Go has it.
func fileMode(m uint32) fs.FileMode {
	mode := fs.FileMode(m & 0o777)
	for _, bit := range []struct {
		system uint32
		ours   fs.FileMode
	}{{unix.S_ISUID, fs.ModeSetuid}, {unix.S_ISGID, fs.ModeSetgid}, {unix.S_ISVTX, fs.ModeSticky}} {
		if m&bit.system != 0 {
			mode |= bit.ours
		}
	}
	switch m & unix.S_IFMT {
	case unix.S_IFDIR:
		mode |= fs.ModeDir
	case unix.S_IFLNK:
		mode |= fs.ModeSymlink
	case unix.S_IFIFO:
		mode |= fs.ModeNamedPipe
	case unix.S_IFSOCK:
		mode |= fs.ModeSocket
	case unix.S_IFBLK:
		mode |= fs.ModeDevice
	case unix.S_IFCHR:
		mode |= fs.ModeDevice | fs.ModeCharDevice
	}
	return mode
}

// rawFile is an open regular file; it never has to wait for another.
type rawFile int

func (f rawFile) Read(p []byte) (int, error) {
	n, err := retried(func() (int, error) { return unix.Read(int(f), p) })
	switch {
	case err != nil:
		return 0, os.NewSyscallError("read", err)
	case n == 0 && len(p) > 0:
		return 0, io.EOF
	}
	return n, nil
}

func (f rawFile) Close() error { return os.NewSyscallError("close", unix.Close(int(f))) }

// retried makes a system call again that a signal interrupted.
func retried(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if err != unix.EINTR {
			return n, err
		}
	}
}
