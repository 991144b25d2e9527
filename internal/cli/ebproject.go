package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"beanpole/internal/ebext"
)

// ebFolder is where the EB CLI keeps what it knows of a project. It is never
// part of a bundle.
const ebFolder = ".elasticbeanstalk"

// readProject reads what the EB CLI's folder beside the bundle says: the saved
// configuration that was asked for, and the platform of new environments.
func (p *prediction) readProject() (err error) {
	root := p.path
	if info, err := os.Stat(root); err == nil && !info.IsDir() {
		root = filepath.Dir(root) // a zip lies in the project
	}
	if err := p.readSaved(filepath.Join(root, ebFolder)); err != nil {
		return err
	}
	file := filepath.Join(root, ebFolder, "config.yml")
	data, err := readSmall(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return usageError("cannot read the EB CLI's configuration: %v", err)
	}
	if p.ebDefault, err = ebext.DefaultPlatform(file, data); err != nil {
		p.unread = append(p.unread, "the EB CLI's default platform: "+err.Error())
	}
	return nil
}

// readSaved reads the saved configuration that was asked for: a file, or a
// name, for which the EB CLI looks in two folders [EB:eb3-config].
func (p *prediction) readSaved(folder string) error {
	if p.savedName == "" {
		return nil
	}
	candidates := []string{p.savedName}
	if name := strings.TrimSuffix(p.savedName, ".cfg.yml"); filepath.Base(name) == name {
		candidates = append(candidates, filepath.Join(folder, "saved_configs", name+".cfg.yml"), filepath.Join(folder, name+".cfg.yml"))
	}
	for _, file := range candidates {
		data, err := readSmall(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return usageError("cannot read the saved configuration: %v", err)
		}
		p.savedText = data
		p.saved, err = ebext.ParseSaved(file, data)
		return err
	}
	return usageError("there is no saved configuration %q%s", p.savedName, savedNames(folder))
}

// savedNames says which saved configurations there are.
func savedNames(folder string) string {
	found, _ := filepath.Glob(filepath.Join(escaped(folder), "saved_configs", "*.cfg.yml"))
	var names []string
	for _, f := range found {
		names = append(names, clean(strings.TrimSuffix(filepath.Base(f), ".cfg.yml")))
	}
	if len(names) == 0 {
		return " in " + filepath.Join(folder, "saved_configs") + "; eb config get NAME fetches it"
	}
	return "; there is: " + strings.Join(names, ", ")
}

// escaped is a path in which a pattern finds nothing but itself.
func escaped(path string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
}

// largestSmall is more than any file that the EB CLI writes.
const largestSmall = 1 << 20

// readSmall reads a plain file that is not large: the folder may be anybody's.
func readSmall(file string) ([]byte, error) {
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is no plain file", file)
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, largestSmall+1))
	if err == nil && len(data) > largestSmall {
		return nil, fmt.Errorf("%s is larger than %d bytes", file, largestSmall)
	}
	return data, err
}
