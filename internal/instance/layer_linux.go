package instance

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// layer is the upper directory of an overlay before it is mounted. Paths are
// the instance's, absolute and clean.
type layer struct {
	lower, upper string
	hidden       map[string]bool // directories whose lower content does not show
	gone         map[string]bool // paths that the instance does not see at all
}

func newLayer(lower, upper string) *layer {
	return &layer{lower: lower, upper: upper, hidden: map[string]bool{}, gone: map[string]bool{}}
}

// stat is what the lower layer has at p; symbolic links on the way count as
// nothing there, since they would lead out of a lower layer that is not "/".
func (l *layer) stat(p string) (fs.FileInfo, bool) {
	at := l.lower
	var fi fs.FileInfo
	var err error
	parts := strings.Split(strings.Trim(p, "/"), "/")
	for i, name := range parts {
		at = filepath.Join(at, name)
		if fi, err = os.Lstat(at); err != nil {
			return nil, false
		}
		if i < len(parts)-1 && !fi.IsDir() {
			return nil, false
		}
	}
	return fi, true
}

// covered says whether an ancestor of p hides it already.
func (l *layer) covered(p string) bool {
	for d := path.Dir(p); d != "/"; d = path.Dir(d) {
		if l.hidden[d] || l.gone[d] {
			return true
		}
	}
	return false
}

// dir makes p in the upper layer, as the lower layer has it, else plain.
func (l *layer) dir(p string) error {
	if p == "/" {
		return nil
	}
	if _, err := os.Lstat(l.upper + p); err == nil {
		return nil
	}
	if err := l.dir(path.Dir(p)); err != nil {
		return err
	}
	if err := os.Mkdir(l.upper+p, 0o755); err != nil {
		return err
	}
	fi, ok := l.stat(p)
	if !ok || !fi.IsDir() {
		return os.Chmod(l.upper+p, 0o755)
	}
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		if err := os.Chown(l.upper+p, int(st.Uid), int(st.Gid)); err != nil {
			return err
		}
	}
	return os.Chmod(l.upper+p, fi.Mode())
}

// empty makes p an empty directory, whatever the lower layer has there.
func (l *layer) empty(p string) error {
	if l.covered(p) || l.hidden[p] {
		return l.dir(p)
	}
	if err := l.dir(p); err != nil {
		return err
	}
	if err := unix.Setxattr(l.upper+p, "trusted.overlay.opaque", []byte("y"), 0); err != nil {
		return fmt.Errorf("hide %s: %w", p, err)
	}
	l.hidden[p] = true
	return nil
}

// remove takes p out of what the instance sees.
func (l *layer) remove(p string) error {
	if _, ok := l.stat(p); !ok || l.covered(p) {
		return nil
	}
	if err := l.dir(path.Dir(p)); err != nil {
		return err
	}
	if err := unix.Mknod(l.upper+p, unix.S_IFCHR, 0); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("hide %s: %w", p, err)
	}
	l.gone[p] = true
	return nil
}

// hide keeps what is at p out of sight; a directory stays, empty.
func (l *layer) hide(p string) error {
	fi, ok := l.stat(p)
	switch {
	case !ok || l.covered(p):
		return nil
	case fi.IsDir():
		return l.empty(p)
	}
	return l.remove(p)
}

// only hides everything in directory p but the names given and symbolic links.
func (l *layer) only(p string, names ...string) error {
	fi, ok := l.stat(p)
	if !ok || !fi.IsDir() {
		return nil
	}
	entries, err := os.ReadDir(filepath.Join(l.lower, p))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if slices.Contains(names, e.Name()) || e.Type()&fs.ModeSymlink != 0 {
			continue
		}
		if err := l.hide(path.Join(p, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// hideAll hides what a walk has found.
func (l *layer) hideAll(found []kept) error {
	for _, k := range found {
		hide := l.remove
		if k.dir {
			hide = l.hide
		}
		if err := hide(k.path); err != nil {
			return err
		}
	}
	return nil
}

// file writes a file of root's.
func (l *layer) file(p string, data []byte, mode fs.FileMode) error {
	if err := l.dir(path.Dir(p)); err != nil {
		return err
	}
	at := l.upper + p
	if err := os.Remove(at); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.WriteFile(at, data, mode); err != nil {
		return err
	}
	return os.Chmod(at, mode)
}

// link makes p a symbolic link.
func (l *layer) link(p, target string) error {
	if err := l.dir(path.Dir(p)); err != nil {
		return err
	}
	if err := os.Remove(l.upper + p); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Symlink(target, l.upper+p)
}

// copy brings a plain file of the lower layer into a directory that hides it.
func (l *layer) copy(p string) error {
	fi, ok := l.stat(p)
	if !ok || !fi.Mode().IsRegular() {
		return nil
	}
	data, err := os.ReadFile(filepath.Join(l.lower, p))
	if err != nil {
		return err
	}
	return l.file(p, data, fi.Mode().Perm())
}
