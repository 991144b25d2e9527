package cfninit

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// root is the file system that a build changes: the machine's own, or the one
// below a folder. Below a folder every path, and every symbolic link on the
// way, is resolved as after chroot by the kernel itself, so that no link of
// the instance leads out of it.
type root struct {
	dir   int                    // descriptor of the folder; -1: the machine's own root
	known map[string]accountFile // what accounts has read
}

// openRoot opens dir; "" and "/" mean the machine's own root.
func openRoot(dir string) (*root, error) {
	if dir == "" || path.Clean(dir) == "/" {
		return &root{dir: -1}, nil
	}
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open root %q: %w", dir, err)
	}
	return &root{dir: fd}, nil
}

func (r *root) close() {
	if r.dir >= 0 {
		unix.Close(r.dir)
	}
}

// open opens an absolute path of the file system.
func (r *root) open(name string, flags int, mode uint32) (int, error) {
	if strings.ContainsRune(name, 0) {
		return -1, unix.EINVAL
	}
	for {
		var fd int
		var err error
		if r.dir < 0 {
			fd, err = unix.Open(name, flags|unix.O_CLOEXEC, mode)
		} else {
			how := &unix.OpenHow{Flags: uint64(flags | unix.O_CLOEXEC), Resolve: unix.RESOLVE_IN_ROOT}
			if flags&unix.O_CREAT != 0 {
				how.Mode = uint64(mode)
			}
			fd, err = unix.Openat2(r.dir, name, how)
		}
		if err != unix.EINTR && err != unix.EAGAIN {
			return fd, err
		}
	}
}

// stat follows links, lstat does not.
func (r *root) stat(name string) (unix.Stat_t, error)  { return r.status(name, 0) }
func (r *root) lstat(name string) (unix.Stat_t, error) { return r.status(name, unix.O_NOFOLLOW) }

func (r *root) status(name string, flag int) (unix.Stat_t, error) {
	var st unix.Stat_t
	fd, err := r.open(name, unix.O_PATH|flag, 0)
	if err != nil {
		return st, err
	}
	defer unix.Close(fd)
	return st, unix.Fstat(fd, &st)
}

// exists, as Python's os.path.exists, is false for a dangling link.
func (r *root) exists(name string) bool {
	_, err := r.stat(name)
	return err == nil
}

func (r *root) isDir(name string) bool {
	st, err := r.stat(name)
	return err == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR
}

func (r *root) isLink(name string) bool {
	st, err := r.lstat(name)
	return err == nil && st.Mode&unix.S_IFMT == unix.S_IFLNK
}

// same reports whether two paths lead to the same file.
func (r *root) same(a, b string) (bool, error) {
	sa, err := r.stat(a)
	if err != nil {
		return false, err
	}
	sb, err := r.stat(b)
	return sa.Dev == sb.Dev && sa.Ino == sb.Ino, err
}

// create opens a file for writing and empties it, through links.
func (r *root) create(name string) (*os.File, error) {
	fd, err := r.open(name, unix.O_RDWR|unix.O_CREAT|unix.O_TRUNC, 0o666)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}

// read is the content of a file, at most limit bytes.
func (r *root) read(name string, limit int64) ([]byte, error) {
	fd, err := r.open(name, unix.O_RDONLY|unix.O_NONBLOCK, 0) // a pipe must not hold us up
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), name)
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit))
}

// at calls f with a descriptor of the folder that holds name and the last
// element of name.
func (r *root) at(name string, f func(dir int, base string) error) error {
	dir, base := path.Split(strings.TrimRight(name, "/"))
	if base == "" || base == "." || base == ".." {
		return unix.EINVAL
	}
	fd, err := r.open(dir, unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return f(fd, base)
}

func (r *root) mkdir(name string) error { return r.mkdirMode(name, 0o777) }

func (r *root) mkdirMode(name string, mode uint32) error {
	if strings.HasSuffix(name, "/..") {
		if _, err := r.stat(name); err == nil {
			return unix.EEXIST
		}
		return unix.ENOENT
	}
	return r.at(name, func(dir int, base string) error { return unix.Mkdirat(dir, base, mode) })
}

func (r *root) mknod(name string, mode uint32, device uint64) error {
	return r.at(name, func(dir int, base string) error { return unix.Mknodat(dir, base, mode, int(device)) })
}

// link makes a hard link, of a symbolic link to the link itself.
func (r *root) link(to, name string) error {
	return r.at(to, func(toDir int, toBase string) error {
		return r.at(name, func(dir int, base string) error { return unix.Linkat(toDir, toBase, dir, base, 0) })
	})
}

// readLink is where a symbolic link leads, false for anything else.
func (r *root) readLink(name string) (target string, id linkID, ok bool) {
	fd, err := r.open(name, unix.O_PATH|unix.O_NOFOLLOW, 0)
	if err != nil {
		return "", id, false
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFLNK {
		return "", id, false
	}
	buffer := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(fd, "", buffer)
	if err != nil {
		return "", id, false
	}
	return string(buffer[:n]), linkID{uint64(st.Dev), st.Ino}, true
}

// touch sets the times of a file, through links.
func (r *root) touch(name string, modified time.Time) error {
	fd, err := r.open(name, unix.O_PATH, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	ts, err := unix.TimeToTimespec(modified)
	if err != nil {
		return unix.EINVAL
	}
	return unix.UtimesNanoAt(unix.AT_FDCWD, fmt.Sprintf("/proc/self/fd/%d", fd), []unix.Timespec{ts, ts}, 0)
}

func (r *root) remove(name string) error {
	return r.at(name, func(dir int, base string) error { return unix.Unlinkat(dir, base, 0) })
}

func (r *root) symlink(target, name string) error {
	return r.at(name, func(dir int, base string) error { return unix.Symlinkat(target, dir, base) })
}

func (r *root) rename(from, to string) error {
	return r.at(from, func(fromDir int, fromBase string) error {
		return r.at(to, func(toDir int, toBase string) error {
			return unix.Renameat(fromDir, fromBase, toDir, toBase)
		})
	})
}

// chmod changes permissions through links.
func (r *root) chmod(name string, mode uint32) error {
	if r.dir < 0 {
		return unix.Fchmodat(unix.AT_FDCWD, name, mode, 0)
	}
	fd, err := r.open(name, unix.O_PATH, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return unix.Fchmodat(unix.AT_FDCWD, fmt.Sprintf("/proc/self/fd/%d", fd), mode, 0)
}

// lchown changes owner and group of a link itself; -1 leaves one alone.
func (r *root) lchown(name string, uid, gid int) error {
	return r.at(name, func(dir int, base string) error {
		return unix.Fchownat(dir, base, uid, gid, unix.AT_SYMLINK_NOFOLLOW)
	})
}

// equal compares two files as cfn-init does: size, identity, bytes.
func (r *root) equal(a, b string) (bool, error) {
	sa, err := r.stat(a)
	if err != nil {
		return false, err
	}
	sb, err := r.stat(b)
	if err != nil || sa.Size != sb.Size {
		return false, err
	}
	if sa.Dev == sb.Dev && sa.Ino == sb.Ino {
		return true, nil
	}
	fa, err := r.read(a, sa.Size)
	if err != nil {
		return false, err
	}
	fb, err := r.read(b, sb.Size)
	return string(fa) == string(fb), err
}

// id looks a name up in /etc/passwd or /etc/group of the file system.
func (r *root) id(file, name string) (int, bool) {
	for _, f := range r.accounts(file) {
		var id int
		if f[0] == name && len(f) > 2 {
			if _, err := fmt.Sscanf(f[2], "%d", &id); err == nil {
				return id, true
			}
		}
	}
	return 0, false
}

// accounts are the lines of /etc/passwd or /etc/group, split at the colons.
// They are read again when the file is another one, or was changed.
func (r *root) accounts(file string) [][]string {
	st, err := r.stat(file)
	if err != nil {
		return nil
	}
	now := state{linkID{uint64(st.Dev), st.Ino}, st.Size, st.Mtim, st.Ctim}
	if known, ok := r.known[file]; ok && known.state == now {
		return known.lines
	}
	data, _ := r.read(file, 16<<20)
	var out [][]string
	for line := range strings.Lines(string(data)) {
		out = append(out, strings.Split(strings.TrimSuffix(line, "\n"), ":"))
	}
	if r.known == nil {
		r.known = map[string]accountFile{}
	}
	r.known[file] = accountFile{now, out}
	return out
}

// state is what changes with a file's content.
type state struct {
	id           linkID
	size         int64
	mtime, ctime unix.Timespec
}

type accountFile struct {
	state state
	lines [][]string
}

// osError is a failed system call as Python words it; name is the path in the
// message, already quoted, or "" [cb-run].
func osError(err error, name string) *BuildError {
	text := ": " + name
	if name == "" {
		text = ""
	}
	return &BuildError{Text: errnoText(err) + text}
}

// errnoText is "[Errno 2] No such file or directory".
func errnoText(err error) string {
	var no unix.Errno
	if !errors.As(err, &no) {
		return err.Error()
	}
	return fmt.Sprintf("[Errno %d] %s", int(no), errnoName(no))
}

// errnoName is the C library's text, which Go writes in small letters.
func errnoName(no unix.Errno) string {
	s := no.Error()
	return strings.ToUpper(s[:1]) + s[1:]
}

// ReadFile reads a file of the runner's file system, at most limit bytes.
func (r *Runner) ReadFile(name string, limit int64) ([]byte, error) {
	data, _, err := r.ReadOwnFile(name, limit)
	return data, err
}

// ReadOwnFile is ReadFile, and the file's permissions.
func (r *Runner) ReadOwnFile(name string, limit int64) (data []byte, mode uint32, err error) {
	tree, err := openRoot(r.Root)
	if err != nil {
		return nil, 0, err
	}
	defer tree.close()
	st, err := tree.stat(name)
	if err != nil {
		return nil, 0, err
	}
	data, err = tree.read(name, limit)
	return data, st.Mode & 0o7777, err
}
