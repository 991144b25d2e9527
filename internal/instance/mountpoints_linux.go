package instance

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// runFolder is where the instances' roots are mounted: the state folder may be
// below one that others, and so root on an instance, may not enter.
const runFolder = "/run/beanpole"

// mountpoints of one instance. Only the machine's root and the instance's own
// root may enter the folder.
type mountpoints struct{ dir string }

func mountpointsOf(token string) mountpoints {
	return mountpoints{filepath.Join(runFolder, token)}
}

func (m mountpoints) root() string   { return filepath.Join(m.dir, "root") }
func (m mountpoints) lower() string  { return filepath.Join(m.dir, "lower") }
func (m mountpoints) common() string { return filepath.Join(m.dir, "common") }
func (m mountpoints) cache() string  { return filepath.Join(m.dir, "cache") }

// docker is the folder of the mount points of containers, socket where the
// instance's root asks for them.
func (m mountpoints) docker() string { return filepath.Join(m.dir, "docker") }
func (m mountpoints) socket() string { return filepath.Join(m.dir, "docker.sock") }

func (m mountpoints) all() []string { return []string{m.root(), m.lower(), m.common(), m.cache()} }

// make makes the folders, empty.
func (m mountpoints) make() error {
	for try := 0; ; try++ { // clear of another instance may take runFolder away
		err := os.Mkdir(runFolder, 0o711)
		if err == nil {
			err = os.Chmod(runFolder, 0o711)
		}
		if err != nil && !errors.Is(err, fs.ErrExist) && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("make folder of mount points: %w", err)
		}
		if err = os.Mkdir(m.dir, 0o700); err == nil {
			break
		}
		if !errors.Is(err, fs.ErrNotExist) || try == 100 {
			return fmt.Errorf("make mount points: %w", err)
		}
	}
	for _, p := range m.all() {
		if err := os.Mkdir(p, 0o755); err != nil {
			return fmt.Errorf("make mount point: %w", err)
		}
	}
	return nil
}

// clear unmounts what is mounted and removes the folders. That they are gone
// already is fine.
func (m mountpoints) clear() error {
	containers, err := filepath.Glob(filepath.Join(m.docker(), "*"))
	if err != nil {
		return err
	}
	for _, p := range append(append(containers, m.docker()), m.all()...) {
		if err := unmount(p); err != nil {
			return err
		}
		// Only a folder that holds nothing is no mount: never delete through one.
		if err := os.Remove(p); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove mount point: %w", err)
		}
	}
	if err := os.Remove(m.socket()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove socket: %w", err)
	}
	if err := os.Remove(m.dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove mount points: %w", err)
	}
	os.Remove(runFolder) // the last one does
	return nil
}

// unmount undoes a mount; that it is gone already is fine.
func unmount(p string) error {
	for {
		err := unix.Unmount(p, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW)
		switch {
		case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOENT):
			return nil // nothing is mounted there
		case err != nil:
			return fmt.Errorf("unmount %q: %w", p, err)
		}
	}
}
