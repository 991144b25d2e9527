package instance

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// mostPut is how many files one archive may bring.
const mostPut = 1_000_000

// put unpacks an archive in a layer. Names lead where they lead in the
// container. Folders that are there stay as they are.
func (d *dockerd) put(id string, r io.Reader) error {
	d.mu.Lock()
	l := d.layers[id]
	if l == nil || l.frozen {
		d.mu.Unlock()
		return errors.New("no such layer, or it is not written to any more")
	}
	err := d.show(l)
	l.users++
	d.mu.Unlock()
	defer func() {
		d.mu.Lock()
		l.users--
		d.mu.Unlock()
	}()
	if err != nil {
		return err
	}
	root, err := unix.Open(l.merged, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(root)
	t := tar.NewReader(r)
	for n := 0; ; n++ {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the archive: %w", err)
		}
		if n == mostPut {
			return fmt.Errorf("more than %d files", mostPut)
		}
		if err := d.putOne(root, h, t); err != nil {
			return fmt.Errorf("copy %q: %w", h.Name, err)
		}
	}
}

// putOne makes one file, folder or link.
func (d *dockerd) putOne(root int, h *tar.Header, content io.Reader) error {
	p := path.Clean("/" + h.Name)
	if p == "/" {
		return nil
	}
	base := d.i.base()
	uid, gid := base+h.Uid, base+h.Gid
	if h.Uid < 0 || h.Gid < 0 || h.Uid >= usersOfOne || h.Gid >= usersOfOne {
		return fmt.Errorf("owner %d:%d is none", h.Uid, h.Gid)
	}
	dir, err := d.makeFolders(root, path.Dir(p))
	if err != nil {
		return err
	}
	defer unix.Close(dir)
	name := path.Base(p)
	if h.Typeflag == tar.TypeDir {
		fd, err := openBelow(root, p, unix.O_PATH|unix.O_DIRECTORY)
		if err == nil {
			return unix.Close(fd) // it is there, perhaps by a link
		}
	}
	if err := unix.Unlinkat(dir, name, 0); err != nil && !errors.Is(err, unix.ENOENT) {
		if errors.Is(err, unix.EISDIR) {
			return errors.New("there is a folder of that name")
		}
		return err
	}
	switch h.Typeflag {
	case tar.TypeDir:
		err = unix.Mkdirat(dir, name, 0o700)
	case tar.TypeSymlink:
		if err = unix.Symlinkat(h.Linkname, dir, name); err == nil {
			err = unix.Fchownat(dir, name, uid, gid, unix.AT_SYMLINK_NOFOLLOW)
		}
		return err
	case tar.TypeReg:
		err = writeAt(dir, name, content)
	default:
		return nil // devices and pipes
	}
	if err == nil {
		err = unix.Fchownat(dir, name, uid, gid, unix.AT_SYMLINK_NOFOLLOW)
	}
	if err == nil {
		err = unix.Fchmodat(dir, name, uint32(h.Mode&0o7777), 0)
	}
	return err
}

// writeAt makes a file that is not there.
func writeAt(dir int, name string, content io.Reader) error {
	fd, err := unix.Openat(dir, name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return err
	}
	f := os.NewFile(uintptr(fd), name)
	_, err = io.Copy(f, content)
	return errors.Join(err, f.Close())
}

// makeFolders opens a folder, and makes it and those on the way where they are
// not there.
func (d *dockerd) makeFolders(root int, p string) (int, error) {
	fd, err := openBelow(root, p, unix.O_PATH|unix.O_DIRECTORY)
	if !errors.Is(err, unix.ENOENT) || p == "/" {
		return fd, err
	}
	up, err := d.makeFolders(root, path.Dir(p))
	if err != nil {
		return -1, err
	}
	defer unix.Close(up)
	name := path.Base(p)
	if err := unix.Mkdirat(up, name, 0o755); err != nil {
		return -1, err
	}
	if err := unix.Fchownat(up, name, d.i.base(), d.i.base(), unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return -1, err
	}
	return openBelow(root, p, unix.O_PATH|unix.O_DIRECTORY)
}

// get writes an archive of what matches a pattern in a layer.
func (d *dockerd) get(w http.ResponseWriter, r *http.Request) {
	at, err := d.files(r.FormValue("layer"))
	var root *os.Root
	if err == nil {
		root, err = os.OpenRoot(at)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	defer root.Close()
	pattern := strings.TrimPrefix(path.Clean("/"+r.FormValue("pattern")), "/")
	if pattern == "" {
		pattern = "."
	}
	found, err := fs.Glob(root.FS(), pattern)
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("%s: not found", pattern)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	t := tar.NewWriter(w)
	for _, f := range found {
		if err := d.archive(t, root, f); err != nil {
			return // without an end the archive is none
		}
	}
	t.Close()
}

// archive adds a file, or a folder and all that is below.
func (d *dockerd) archive(t *tar.Writer, root *os.Root, from string) error {
	return fs.WalkDir(root.FS(), from, func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		fi, err := root.Lstat(p)
		if err != nil {
			return err
		}
		link := ""
		switch {
		case fi.Mode()&fs.ModeSymlink != 0:
			if link, err = root.Readlink(p); err != nil {
				return err
			}
		case !fi.IsDir() && !fi.Mode().IsRegular():
			return nil
		}
		h, err := tar.FileInfoHeader(fi, link)
		if err != nil {
			return err
		}
		h.Name, h.Uname, h.Gname = p, "", ""
		if st, ok := fi.Sys().(*syscall.Stat_t); ok {
			h.Uid, h.Gid = int(st.Uid)-d.i.base(), int(st.Gid)-d.i.base()
		}
		if err := t.WriteHeader(h); err != nil || !fi.Mode().IsRegular() {
			return err
		}
		f, err := root.Open(p)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = io.CopyN(t, f, h.Size)
		return err
	})
}
