package source

import (
	"io"
	"io/fs"
	"os"
	"strings"
)

// listed is one entry of a folder.
type listed struct {
	name string
	mode fs.FileMode
	size int64
}

// rooted is a folder whose names lead nowhere else, by way of os.Root.
type rooted struct {
	path string
	root *os.Root // opened when it is needed
}

func (t *rooted) ready() (*os.Root, error) {
	if t.root != nil {
		return t.root, nil
	}
	var err error
	t.root, err = os.OpenRoot(t.path)
	return t.root, err
}

func (t *rooted) close() error {
	if t.root == nil {
		return nil
	}
	return t.root.Close()
}

// open opens a file for reading.
func (t *rooted) open(name string) (io.ReadCloser, error) {
	root, err := t.ready()
	if err != nil {
		return nil, err
	}
	return root.Open(name)
}

// readlink is the target of a symbolic link.
func (t *rooted) readlink(name string) (string, error) {
	root, err := t.ready()
	if err != nil {
		return "", err
	}
	return root.Readlink(name)
}

// list is what a folder holds, sorted by name.
func (t *rooted) list(dir string) (out []listed, err error) {
	root, err := t.ready()
	if err != nil {
		return nil, err
	}
	entries, err := fs.ReadDir(root.FS(), dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return nil, err
		}
		out = append(out, listed{e.Name(), info.Mode(), info.Size()})
	}
	return out, nil
}

// below joins a folder of the tree and a name in it.
func below(dir, name string) string {
	return strings.TrimPrefix(dir+"/"+name, "./")
}
