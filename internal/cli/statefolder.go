package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// ownEntries is everything that beanpole makes in a state folder; a name with
// a star stands for all that begin so. Folders are marked with a slash.
var ownEntries = []string{
	"serve.lock", "serve.json", "serve.json.new", "serve.log", "state.db", "credentials", "credentials-*",
	"authority/", "cache/", "images/", "instances/", "objects/",
}

// ownEntry says whether a name is one of beanpole's.
func ownEntry(name string, dir bool) bool {
	if dir {
		name += "/"
	}
	for _, own := range ownEntries {
		head, _, star := strings.Cut(own, "*")
		if own == name || star && strings.HasPrefix(name, head) && strings.HasSuffix(own, "/") == dir {
			return true
		}
	}
	return false
}

// check refuses a state folder that somebody else may have prepared: root
// writes into it, and shares a folder of it with the instances. That it is not
// there is fine.
func (p *project) check() error {
	fi, err := os.Lstat(p.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if errors.Is(err, syscall.ENOTDIR) || err == nil && !fi.IsDir() {
		return usageError("--state %s is not a folder; give a new or empty one", p.dir)
	}
	if err != nil {
		return usageError("cannot read the state folder: %v; give another with --state", err)
	}
	st, ok := fi.Sys().(*syscall.Stat_t)
	switch {
	case ok && st.Uid == 0 && os.Geteuid() != 0:
		return usageError("the local AWS of %s belongs to another user; run this command with sudo", p.dir)
	case ok && int(st.Uid) != os.Geteuid():
		return usageError("the state folder %s belongs to another user (number %d), who could change it; remove it, or give another with --state", p.dir, st.Uid)
	}
	return nil
}

// own refuses a state folder that holds other things than beanpole's: "down"
// removes it whole, and what is not in use there is swept.
func (p *project) own() error {
	if err := p.check(); err != nil {
		return err
	}
	entries, err := os.ReadDir(p.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return usageError("cannot read the state folder: %v; give another with --state", err)
	}
	foreign, err := p.foreign(entries)
	if err != nil {
		return err
	}
	if len(foreign) > 0 {
		return usageError("%s holds other things than a local AWS; give a new or empty folder with --state (found %s)", p.dir, some(foreign))
	}
	if len(entries) > 0 && !p.used() {
		return usageError("%s holds other things than a local AWS; give a new or empty folder with --state", p.dir)
	}
	return nil
}

// make makes the folder, for its owner alone, or tightens and checks the one
// that is there.
func (p *project) make() error {
	if err := p.own(); err != nil {
		return err
	}
	if err := os.MkdirAll(p.dir, 0o700); err != nil {
		return usageError("cannot make the state folder: %v; give another with --state", err)
	}
	// Instances leave programs there that run as root for whoever starts them.
	if err := os.Chmod(p.dir, 0o700); err != nil {
		return fmt.Errorf("keep the state folder to its owner: %w", err)
	}
	return nil
}

// apart refuses a state folder inside the bundle, whose keys would be deployed
// with it. One of the usual name is always left out of bundles.
func (p *project) apart(bundle string) error {
	if filepath.Base(p.dir) == stateName {
		return nil
	}
	from, err := filepath.EvalSymlinks(bundle)
	if err == nil {
		from, err = filepath.Abs(from)
	}
	if err != nil {
		return fmt.Errorf("find the bundle: %w", err)
	}
	to := p.dir
	if real, err := filepath.EvalSymlinks(filepath.Dir(p.dir)); err == nil {
		to = filepath.Join(real, filepath.Base(p.dir))
	}
	if rel, err := filepath.Rel(from, to); err == nil && filepath.IsLocal(rel) {
		return usageError("the state folder %s lies inside the bundle, and its keys would be deployed; give another with --state", p.dir)
	}
	return nil
}

// foreign are the names in the folder that are not beanpole's, links under
// beanpole's own names and right below its folders among them.
func (p *project) foreign(entries []fs.DirEntry) ([]string, error) {
	var out []string
	for _, e := range entries {
		switch {
		case !ownEntry(e.Name(), e.IsDir()), !e.IsDir() && !e.Type().IsRegular():
			out = append(out, e.Name())
		case e.IsDir():
			below, err := os.ReadDir(p.path(e.Name()))
			if err != nil {
				return nil, usageError("cannot read the state folder: %v; give another with --state", err)
			}
			for _, b := range below {
				if b.Type()&fs.ModeSymlink != 0 {
					out = append(out, e.Name()+"/"+b.Name())
				}
			}
		}
	}
	return out, nil
}

// some is a list's beginning.
func some(names []string) string {
	if len(names) > 3 {
		names = append(names[:3:3], "…")
	}
	return strings.Join(names, ", ")
}

// remove removes what beanpole made in the folder, its lock last, and the
// folder itself.
func (p *project) remove() error {
	entries, err := os.ReadDir(p.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() == "serve.lock" || !ownEntry(e.Name(), e.IsDir()) {
			continue
		}
		if err := os.RemoveAll(p.path(e.Name())); err != nil {
			return err
		}
	}
	if err := os.Remove(p.path("serve.lock")); err != nil {
		return err
	}
	return os.Remove(p.dir)
}

// used says whether the folder is a local AWS's.
func (p *project) used() bool {
	for _, name := range []string{"serve.lock", "serve.log", "state.db"} {
		if fi, err := os.Lstat(p.path(name)); err == nil && fi.Mode().IsRegular() {
			return true
		}
	}
	return false
}

// openOwn opens a file of the state folder, never through a link.
func (p *project) openOwn(name string, flags int) (*os.File, error) {
	return os.OpenFile(p.path(name), flags|unix.O_NOFOLLOW, 0o600)
}
