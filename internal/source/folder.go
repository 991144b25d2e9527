package source

import (
	"io"
	"io/fs"
	"os"
	"path"
)

// leftOut are folders that never belong to a bundle: EB CLI's and our own
// state, and the history.
var leftOut = map[string]bool{".git": true, ".elasticbeanstalk": true, ".beanpole": true}

func (b *Bundle) readFolder() error {
	root, err := os.OpenRoot(b.path)
	if err != nil {
		return unopenable(b.path, err)
	}
	b.shut = root.Close
	var skip ignore
	if data, err := root.ReadFile(".ebignore"); err == nil {
		skip = parseIgnore(string(data))
	}
	return fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return unopenable(path.Join(b.path, name), err)
		}
		if name == "." {
			return nil
		}
		if d.IsDir() && leftOut[d.Name()] {
			return fs.SkipDir
		}
		if skip.matches(name, d.IsDir()) {
			if wanted(name) {
				b.ignored = append(b.ignored, Ignored{name, skip.line(name, d.IsDir())})
			}
			if d.IsDir() && skip.wholeFolder(name) {
				return fs.SkipDir
			}
			return nil
		}
		return b.addFile(root, name, d)
	})
}

func (b *Bundle) addFile(root *os.Root, name string, d fs.DirEntry) error {
	if err := b.checkName(name); err != nil {
		return err
	}
	info, err := d.Info()
	if err != nil {
		return unopenable(path.Join(b.path, name), err)
	}
	switch mode := info.Mode(); {
	case mode.IsDir():
		b.dirs[name] = mode
		return nil
	case mode&fs.ModeSymlink != 0:
		target, err := root.Readlink(name)
		if err != nil {
			return unopenable(path.Join(b.path, name), err)
		}
		return b.add(name, &entry{link: target})
	case mode.IsRegular():
		open := func() (io.ReadCloser, error) { return root.Open(name) }
		return b.add(name, &entry{mode: mode, open: open, size: info.Size()})
	}
	return b.refuse(name, "is no file, folder or link")
}

// wanted are names that Elastic Beanstalk looks for in a bundle.
func wanted(name string) bool {
	switch name {
	case ".ebextensions", ".platform", "Procfile", "Buildfile":
		return true
	}
	return path.Dir(name) == ".ebextensions" && path.Ext(name) == ".config"
}
