package cli

import (
	"os"
	"path"
	"path/filepath"
	"strings"

	"beanpole/internal/source"
)

const extensions = ".ebextensions"

// openBundle opens the bundle at PATH, and refuses what is one only by
// mistake: the folder .ebextensions, a single file of it, nothing at all.
func openBundle(at string) (*source.Bundle, error) {
	abs, err := filepath.Abs(at)
	if err != nil {
		abs = at
	}
	if filepath.Base(abs) == extensions {
		return nil, usageError("%s is not the bundle, only a folder of it; name the folder above: %s", at, above(at, 1))
	}
	if filepath.Base(filepath.Dir(abs)) == extensions {
		return nil, usageError("%s is not the bundle, only a file of it; name the folder above %s: %s", at, extensions, above(at, 2))
	}
	if strings.HasSuffix(at, ".config") {
		return nil, usageError("%s is one configuration file; name the folder in whose %s it lies", at, extensions)
	}
	b, err := source.OpenBundle(at)
	if err != nil {
		return nil, err
	}
	if len(b.Names()) == 0 {
		b.Close()
		return nil, usageError("%s holds no file; name the folder of your application, or its source bundle (a zip)", at)
	}
	for _, name := range b.Names() {
		if path.Dir(name) != extensions {
			continue
		}
		// What this user may not read says nothing of what AWS would do.
		if _, err := b.Read(name); err != nil {
			b.Close()
			return nil, err
		}
	}
	return b, nil
}

// templateAlone: PATH is a CloudFormation template, whose own instances run
// cfn-init; there is no bundle then.
func (p *prediction) templateAlone() bool {
	switch strings.ToLower(filepath.Ext(p.path)) {
	case ".yaml", ".yml", ".json", ".template":
	default:
		return false
	}
	st, err := os.Stat(p.path)
	if err != nil || !st.Mode().IsRegular() || p.template != "" {
		return false
	}
	p.template = p.path
	return true
}

// above is the folder n steps above a path, as the user would write it.
func above(at string, n int) string {
	if at = filepath.Clean(at); at == "." {
		return strings.TrimSuffix(strings.Repeat("../", n), "/")
	}
	for range n {
		at = filepath.Dir(at)
	}
	return at
}

// notTheRoot tells that a bundle's configuration files lie one or more folders
// too deep, where Elastic Beanstalk does not read them: the wrong PATH, or a
// zip made from outside the application's folder. Neither may look clean.
func notTheRoot(b *source.Bundle) error {
	deep := ""
	for _, name := range b.Names() {
		dir, file := path.Split(name)
		if !strings.HasSuffix(file, ".config") {
			continue
		}
		if dir == extensions+"/" {
			return nil
		}
		if parent, ok := strings.CutSuffix(dir, "/"+extensions+"/"); ok && deep == "" {
			deep = parent
		}
	}
	switch {
	case deep == "":
		return nil
	case filepath.Ext(b.Path()) == ".zip":
		return usageError("%s: Elastic Beanstalk reads %s at the root of the bundle only, and here it lies in %s; make the zip from inside that folder", b.Path(), extensions, deep)
	}
	return usageError("%s: Elastic Beanstalk reads %s at the root of the bundle only, and here it lies in %s; name that folder: %s", b.Path(), extensions, deep, word(filepath.Join(b.Path(), deep)))
}
