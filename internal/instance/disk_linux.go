package instance

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"beanpole/internal/source"
)

// An instance's own files are on a disk of its own, as on EC2: a file system
// in a file that takes no more room than what is written. So a full disk is
// the instance's, and not this machine's.
const (
	leastVolume = 256 << 20 // bytes
	sector      = 4096      // bytes, in which a formatted file is looked through
)

// diskIn is the folder of an instance's disk below its own; upper and work of
// the overlay are there.
func diskIn(place string) string { return filepath.Join(place, "disk") }

// makeDisk makes the disk of an instance. Where this machine has no way to make
// one, the folder is on its own disk, and the reason is said.
func makeDisk(place string, size int64, notice func(string)) error {
	at := diskIn(place)
	if err := os.Mkdir(at, 0o700); err != nil {
		return err
	}
	size, err := fitting(place, size)
	if err != nil {
		return err
	}
	if err := mountVolume(filepath.Join(place, "volume"), at, size); err != nil {
		notice(fmt.Sprintf("instances have no disk limit on this machine: %v", err))
	}
	return nil
}

// fitting is the size that a volume may have: what is free on this machine
// bounds it.
func fitting(dir string, size int64) (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, fmt.Errorf("look at the disk of %q: %w", dir, err)
	}
	if size == 0 {
		size = DefaultVolume
	}
	size = min(size, int64(st.Bavail)*st.Bsize) / sector * sector
	if size < leastVolume {
		return 0, &source.Problem{What: fmt.Sprintf("less than %d MiB are free on the disk of %s", leastVolume>>20, dir), Remedy: "make room, or give another folder with --state"}
	}
	return size, nil
}

// mountVolume makes a file with a file system in it, and mounts it.
func mountVolume(file, at string, size int64) error {
	blocks, err := formatted(size)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Truncate(size); err != nil {
		return err
	}
	for offset, data := range blocks {
		if _, err := f.WriteAt(data, offset); err != nil {
			return err
		}
	}
	loop, err := attachLoop(f)
	if err != nil {
		return err
	}
	defer loop.Close() // the kernel lets the device go with the mount
	// No program on it runs with an owner's rights but through the instance's
	// own root.
	if err := unix.Mount(loop.Name(), at, "ext4", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOATIME, "noinit_itable"); err != nil {
		return fmt.Errorf("mount %s: %w", loop.Name(), err)
	}
	return nil
}

// attachLoop gives a file to a free loop device.
func attachLoop(f *os.File) (*os.File, error) {
	control, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("%w (modprobe loop)", err)
	}
	defer control.Close()
	for try := 0; ; try++ {
		n, err := unix.IoctlRetInt(int(control.Fd()), unix.LOOP_CTL_GET_FREE)
		if err != nil {
			return nil, fmt.Errorf("find a free loop device: %w", err)
		}
		loop, err := os.OpenFile(fmt.Sprintf("/dev/loop%d", n), os.O_RDWR, 0)
		if err != nil {
			return nil, err
		}
		c := &unix.LoopConfig{Fd: uint32(f.Fd()), Info: unix.LoopInfo64{Flags: unix.LO_FLAGS_AUTOCLEAR | unix.LO_FLAGS_DIRECT_IO}}
		err = unix.IoctlLoopConfigure(int(loop.Fd()), c)
		if err == nil {
			return loop, nil
		}
		loop.Close()
		if !errors.Is(err, unix.EBUSY) || try == 100 { // another process was faster
			return nil, fmt.Errorf("attach %s: %w", loop.Name(), err)
		}
	}
}

// formats are the file systems that were made in this process, by size.
var formats struct {
	sync.Mutex
	of map[int64]map[int64][]byte // size; offset of a block that is not empty
}

// formatted is a new file system of this size. mkfs runs once; what it writes
// is little, and is copied for each instance.
func formatted(size int64) (map[int64][]byte, error) {
	formats.Lock()
	defer formats.Unlock()
	if f := formats.of[size]; f != nil {
		return f, nil
	}
	fd, err := unix.MemfdCreate("volume", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make file in memory: %w", err)
	}
	f := os.NewFile(uintptr(fd), "volume")
	defer f.Close()
	if err := f.Truncate(size); err != nil {
		return nil, err
	}
	mkfs, err := exec.LookPath("mkfs.ext4")
	if err != nil {
		mkfs = "/sbin/mkfs.ext4"
	}
	// Nothing on it outlives the instance: no journal, no room kept for root, nor
	// for growing, whose 1,024 blocks would be most of what is written.
	c := exec.Command(mkfs, "-q", "-F", "-m", "0", "-O", "^has_journal,^resize_inode", "-E", "nodiscard,lazy_itable_init=1", "/dev/fd/3")
	c.ExtraFiles = []*os.File{f}
	if out, err := c.CombinedOutput(); err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil, errors.New("mkfs.ext4 is not there (apt install e2fsprogs)")
		}
		return nil, fmt.Errorf("mkfs.ext4: %w: %s", err, strings.TrimSpace(string(out)))
	}
	blocks, err := written(f)
	if err != nil {
		return nil, err
	}
	if formats.of == nil {
		formats.of = map[int64]map[int64][]byte{}
	}
	formats.of[size] = blocks
	return blocks, nil
}

// written are the blocks of a sparse file that are not empty.
func written(f *os.File) (map[int64][]byte, error) {
	empty := make([]byte, sector)
	blocks := map[int64][]byte{}
	for at := int64(0); ; {
		data, err := f.Seek(at, unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) {
			return blocks, nil // no more data
		}
		if err != nil {
			return nil, err
		}
		end, err := f.Seek(data, unix.SEEK_HOLE)
		if err != nil {
			return nil, err
		}
		for at = data; at < end; at += sector {
			block := make([]byte, sector)
			if _, err := f.ReadAt(block, at); err != nil && !errors.Is(err, io.EOF) {
				return nil, err
			}
			if !bytes.Equal(block, empty) {
				blocks[at] = block
			}
		}
	}
}
