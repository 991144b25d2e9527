package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// unitLinks is where systemd keeps what is to start with the machine.
const unitLinks = "/etc/systemd/system/"

// wanted are the links that enable a unit, by its [Install] section.
// [systemd.unit(5)]
func (u *unit) wanted() []string {
	var out []string
	for key, ending := range map[string]string{"Install.WantedBy": ".wants/", "Install.RequiredBy": ".requires/"} {
		for _, v := range u.file.values[key] {
			for _, target := range strings.Fields(v) {
				out = append(out, unitLinks+target+ending+u.file.name)
			}
		}
	}
	return out
}

// links are those of wanted that are there.
func (u *unit) links() []string {
	var out []string
	for _, at := range u.wanted() {
		if _, err := os.Lstat(u.e.root + at); err == nil {
			out = append(out, at)
		}
	}
	return out
}

// noInstall is what systemd says of a unit that nothing can enable.
const noInstall = `The unit files have no installation config (WantedBy=, RequiredBy=, Also=,
Alias= settings in the [Install] section, and DefaultInstance= for template
units). This means they are not meant to be enabled or disabled using systemctl.`

// enableUnit makes or removes a unit's links, as systemd does.
func (c *controlCall) enableUnit(verb string, u *unit) {
	all := u.wanted()
	if len(all) == 0 {
		c.fail(c.status, "%s", noInstall)
		return
	}
	for _, at := range all {
		real := u.e.root + at
		var err error
		if verb == "enable" {
			err = errors.Join(os.MkdirAll(filepath.Dir(real), 0o755), os.Symlink(u.file.path, real))
			fmt.Fprintf(&c.errs, "Created symlink %s → %s.\n", at, u.file.path)
		} else if err = os.Remove(real); err == nil {
			fmt.Fprintf(&c.errs, "Removed %q.\n", at)
		}
		if err != nil && !errors.Is(err, fs.ErrExist) && !errors.Is(err, fs.ErrNotExist) {
			c.fail(exitFailure, "Failed to %s unit: %v", verb, err)
		}
	}
}

// pathOf is where systemctl says that a service's unit lies.
func pathOf(s service) string {
	if u, ok := s.(*unit); ok {
		return u.file.path
	}
	return "/usr/lib/systemd/system/" + s.unit()
}
