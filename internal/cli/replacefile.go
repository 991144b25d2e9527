package cli

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// replaceFiles gives files new contents, each at once: what a reader, or a
// crash, finds is the old file or the new one. All new ones lie beside the old
// before the first takes its place. A link stays one; mode stays, and owner
// where this user may set it. written are those that have their new content.
func replaceFiles(contents map[string][]byte) (written []string, err error) {
	type pending struct{ name, real, new string }
	var all []pending
	defer func() {
		for _, p := range all {
			os.Remove(p.new) // gone where it took its place
		}
	}()
	for _, name := range slices.Sorted(maps.Keys(contents)) {
		real, err := filepath.EvalSymlinks(name)
		if err != nil {
			return nil, usageError("cannot write: %v", err)
		}
		made, err := beside(real, contents[name])
		if made != "" {
			all = append(all, pending{name, real, made})
		}
		if err != nil {
			return nil, usageError("cannot write: %v", err)
		}
	}
	for _, p := range all {
		if err := os.Rename(p.new, p.real); err != nil {
			return written, usageError("cannot write: %v", err)
		}
		written = append(written, p.name)
	}
	return written, nil
}

// beside writes a content into a new file beside an existing one, with its
// mode. It names the file whenever one was made.
func beside(name string, content []byte) (made string, err error) {
	info, err := os.Stat(name)
	if err != nil {
		return "", err
	}
	probe, err := os.OpenFile(name, os.O_WRONLY, 0) // a file that this user may not write stays
	if err != nil {
		return "", err
	}
	probe.Close()
	f, err := os.CreateTemp(filepath.Dir(name), ".beanpole-*")
	if err != nil {
		return "", err
	}
	_, err = f.Write(content)
	sameOwner(f, info)
	return f.Name(), errors.Join(err, f.Chmod(info.Mode().Perm()), f.Sync(), f.Close())
}

// sameOwner gives f the owner of the file that it will replace, where this
// user may.
func sameOwner(f *os.File, of os.FileInfo) {
	if st, ok := of.Sys().(*syscall.Stat_t); ok {
		_ = f.Chown(int(st.Uid), int(st.Gid))
	}
}
