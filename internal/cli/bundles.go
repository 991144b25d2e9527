package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// marks are what the root of a bundle is known by.
var marks = []string{extensions, ".platform", ".elasticbeanstalk"}

// fromBelow is the bundle that this folder lies in, found as git finds its
// repository: the nearest folder upwards that has one of the marks, "." where
// there is none.
func fromBelow() string {
	at, err := filepath.Abs(".")
	if err != nil {
		return "."
	}
	for up := "."; ; up = filepath.Join(up, "..") {
		for _, mark := range marks {
			if info, err := os.Stat(filepath.Join(at, mark)); err == nil && info.IsDir() {
				return up
			}
		}
		if _, err := os.Stat(filepath.Join(at, ".git")); err == nil || filepath.Dir(at) == at {
			return "." // a repository ends here
		}
		at = filepath.Dir(at)
	}
}

// expand turns patterns among the arguments into the folders and zips that
// they fit, sorted; an argument that names something is taken as it is.
func expand(args []string) (out []string, err error) {
	for _, a := range args {
		if _, err := os.Lstat(a); err == nil || !strings.ContainsAny(a, "*?[") {
			out = append(out, a)
			continue
		}
		found, err := filepath.Glob(a)
		if err != nil {
			return nil, usageError("%q is no pattern: %v", a, err)
		}
		found = slices.DeleteFunc(found, func(name string) bool {
			info, err := os.Stat(name)
			return err != nil || !info.IsDir() && !slices.Contains([]string{".zip", ".war"}, filepath.Ext(name))
		})
		if len(found) == 0 {
			return nil, usageError("%q fits no folder and no zip", a)
		}
		out = append(out, found...)
	}
	return out, nil
}
