package cfninit

import (
	"context"
	"errors"
	"os"
	"path"
	"sort"

	"golang.org/x/sys/unix"

	"beanpole/internal/source"
)

// What the agent's other programs do with the runner's file system.

// IsFolder tells whether a path is a folder, also by a link.
func (r *Runner) IsFolder(name string) bool {
	tree, err := openRoot(r.Root)
	if err != nil {
		return false
	}
	defer tree.close()
	return tree.isDir(name)
}

// Files are the names of the files in a folder, sorted; none when it can't be
// read.
func (r *Runner) Files(dir string) []string {
	tree, err := openRoot(r.Root)
	if err != nil {
		return nil
	}
	defer tree.close()
	fd, err := tree.open(dir, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil
	}
	f := os.NewFile(uintptr(fd), dir)
	defer f.Close()
	names, _ := f.Readdirnames(-1)
	var out []string
	for _, name := range names {
		if st, err := tree.stat(path.Join(dir, name)); err == nil && st.Mode&unix.S_IFMT == unix.S_IFREG {
			out = append(out, name)
		}
	}
	sort.Strings(out)
	return out
}

// WriteFile writes a file and the folders above it; the old content stays
// until the new one is whole.
func (r *Runner) WriteFile(name string, data []byte, mode uint32) error {
	tree, err := openRoot(r.Root)
	if err != nil {
		return err
	}
	defer tree.close()
	if err := tree.makeAll(path.Dir(name)); err != nil {
		return err
	}
	next := name + ".new"
	fd, err := tree.open(next, unix.O_WRONLY|unix.O_CREAT|unix.O_TRUNC|unix.O_NOFOLLOW, mode)
	if err != nil {
		return err
	}
	f := os.NewFile(uintptr(fd), next)
	_, err = f.Write(data)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = tree.rename(next, name)
	}
	if err != nil {
		tree.remove(next)
	}
	return err
}

// makeAll makes a folder and those above it.
func (r *root) makeAll(dir string) error {
	if r.isDir(dir) {
		return nil
	}
	if err := r.makeAll(path.Dir(dir)); err != nil {
		return err
	}
	if err := r.mkdirMode(dir, 0o755); err != nil && !errors.Is(err, unix.EEXIST) {
		return err
	}
	return nil
}

// RemoveFile removes a file; one that can't be removed stays.
func (r *Runner) RemoveFile(name string) {
	tree, err := openRoot(r.Root)
	if err != nil {
		return
	}
	defer tree.close()
	tree.remove(name)
}

// Start runs a program to its end and gives its exit status, negative for a
// signal, and its output. That goes to cfn-init-cmd.log too, if there is one.
func (r *Runner) Start(ctx context.Context, args, env []string) (code int, output string, err error) {
	tree, err := openRoot(r.Root)
	if err != nil {
		return 0, "", err
	}
	defer tree.close()
	b := &build{Runner: r, Result: &Result{}, root: tree}
	what := &source.Node{Kind: source.Seq}
	for _, a := range args {
		what.Items = append(what.Items, source.NewString(a, source.Pos{}))
	}
	p := &process{what: what, env: env}
	code, err = b.logged(ctx, args[len(args)-1], p)
	return code, p.stdout.String(), err
}
