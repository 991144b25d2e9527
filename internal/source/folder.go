package source

import (
	"io"
	"io/fs"
	"path"
)

// leftOut are folders that never belong to a bundle: EB CLI's and our own
// state, and the history.
var leftOut = map[string]bool{".git": true, ".elasticbeanstalk": true, ".beanpole": true}

func (b *Bundle) readFolder() error {
	t, err := openTree(b.path)
	if err != nil {
		return unopenable(b.path, err)
	}
	b.shut = t.close
	var skip ignore
	if data, err := readAll(t.open(".ebignore")); err == nil {
		skip = parseIgnore(string(data))
	}
	return b.walk(t, ".", skip)
}

// readAll reads what was opened, to its end.
func readAll(r io.ReadCloser, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// walk takes what the folder holds, and the folders in it.
func (b *Bundle) walk(t *tree, dir string, skip ignore) error {
	entries, err := t.list(dir)
	if err != nil {
		return unopenable(path.Join(b.path, dir), err)
	}
	for _, e := range entries {
		name, folder := below(dir, e.name), e.mode.IsDir()
		if folder && leftOut[e.name] {
			continue
		}
		kept := true
		if skip.matches(name, folder) {
			if wanted(name) {
				b.ignored = append(b.ignored, Ignored{name, skip.line(name, folder)})
			}
			if folder && skip.wholeFolder(name) {
				continue
			}
			kept = false
		}
		if kept {
			if err := b.addFile(t, name, e); err != nil {
				return err
			}
		}
		if folder {
			if err := b.walk(t, name, skip); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *Bundle) addFile(t *tree, name string, e listed) error {
	if err := b.checkName(name); err != nil {
		return err
	}
	switch {
	case e.mode.IsDir():
		b.dirs[name] = e.mode
		return nil
	case e.mode&fs.ModeSymlink != 0:
		target, err := t.readlink(name)
		if err != nil {
			return unopenable(path.Join(b.path, name), err)
		}
		return b.add(name, &entry{link: target})
	case e.mode.IsRegular():
		open := func() (io.ReadCloser, error) { return t.open(name) }
		return b.add(name, &entry{mode: e.mode, open: open, size: e.size})
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
