package instance

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"

	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// An instance's users 0 to 65535 are this machine's from base on, where nobody
// is: root on the instance is nobody here. The range is one that neither
// subordinate IDs nor systemd's own use. [systemd: UIDS-GIDS]
const (
	usersOfOne = 1 << 16
	firstUsers = 0x70000000
	mostUsers  = 1 << 12 // ranges
	usersLock  = "/run/beanpole-users"
)

// users is the user namespace of one instance, and the network namespace that
// belongs to it: only so may its root open ports below 1024.
type users struct {
	base           uint32
	space, network *os.File // namespaces
	lock           *os.File // of the range, while it is in use
}

// newUsers makes both namespaces.
func newUsers(token string) (*users, error) {
	u := &users{}
	err := u.takeRange(token)
	if err == nil {
		err = u.makeNamespaces()
	}
	if err != nil {
		u.close()
		return nil, err
	}
	return u, nil
}

func (u *users) close() {
	if u == nil {
		return
	}
	for _, f := range []*os.File{u.space, u.network, u.lock} {
		if f != nil {
			f.Close()
		}
	}
}

// takeRange locks a range that no other instance of this machine has. The lock
// dies with this process.
func (u *users) takeRange(token string) (err error) {
	u.lock, err = os.OpenFile(usersLock, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	h := fnv.New32a()
	h.Write([]byte(token))
	for i := range uint32(mostUsers) {
		slot := (h.Sum32() + i) % mostUsers
		one := &unix.Flock_t{Type: unix.F_WRLCK, Start: int64(slot), Len: 1}
		err := unix.FcntlFlock(u.lock.Fd(), unix.F_OFD_SETLK, one)
		if err == nil {
			u.base = firstUsers + slot*usersOfOne
			return nil
		}
		if !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EACCES) {
			return fmt.Errorf("lock a range of users: %w", err)
		}
	}
	return errors.New("lock a range of users: all are in use")
}

// makeNamespaces takes them from a process that is made for it, and ended
// before it has run a single instruction.
func (u *users) makeNamespaces() error {
	runtime.LockOSThread() // who traces a process is a thread
	defer runtime.UnlockOSThread()
	ids := []syscall.SysProcIDMap{{ContainerID: 0, HostID: int(u.base), Size: usersOfOne}}
	c := exec.Command("/proc/self/exe")
	c.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWUSER | unix.CLONE_NEWNET, UidMappings: ids, GidMappings: ids, GidMappingsEnableSetgroups: true,
		Ptrace: true, Pdeathsig: syscall.SIGKILL,
	}
	if err := c.Start(); err != nil {
		return fmt.Errorf("make user namespace: %w", err)
	}
	defer func() {
		c.Process.Kill()
		c.Wait()
	}()
	for name, to := range map[string]**os.File{"user": &u.space, "net": &u.network} {
		f, err := os.Open(fmt.Sprintf("/proc/%d/ns/%s", c.Process.Pid, name))
		if err != nil {
			return fmt.Errorf("open %s namespace: %w", name, err)
		}
		*to = f
	}
	return nil
}

// handle is the network namespace, to be closed by who asks for it.
func (u *users) handle() (netns.NsHandle, error) {
	fd, err := unix.FcntlInt(u.network.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return netns.None(), fmt.Errorf("keep network namespace: %w", err)
	}
	return netns.NsHandle(fd), nil
}

// show mounts the file system of folder from at folder to, with root's files
// as those of the instance's root, and so on. What is mounted below from does
// not show.
func (u *users) show(from, to string) error {
	fd, err := unix.OpenTree(unix.AT_FDCWD, from, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return fmt.Errorf("open %q: %w", from, err)
	}
	defer unix.Close(fd)
	attr := &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_IDMAP, Userns_fd: uint64(u.space.Fd())}
	if err := unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH, attr); err != nil {
		return fmt.Errorf("map the owners of %q's files: %w", from, err)
	}
	if err := unix.MoveMount(fd, "", unix.AT_FDCWD, to, unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		return fmt.Errorf("mount %q on %q: %w", from, to, err)
	}
	return nil
}

// own gives a tree of ours to the instance's users.
func (u *users) own(tree string) error {
	return filepath.WalkDir(tree, func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		fi, err := e.Info()
		if err != nil {
			return err
		}
		st, ok := fi.Sys().(*syscall.Stat_t)
		if !ok || st.Uid >= usersOfOne || st.Gid >= usersOfOne {
			return fmt.Errorf("give %q to the instance: owner %d:%d", p, st.Uid, st.Gid)
		}
		return os.Lchown(p, int(u.base+st.Uid), int(u.base+st.Gid))
	})
}
