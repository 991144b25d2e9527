package engine

import (
	"fmt"
	"os"
)

// firstUser is the ID of the first user that a platform adds: those below are
// the instance's own.
const firstUser = 910

// addUsers adds who runs the platform's applications, and httpd's user, unless
// they are there.
func (d *deployment) addUsers() error {
	for i, name := range []string{d.at.User, "apache"} {
		if _, _, err := ids(name); err == nil {
			continue
		}
		id := firstUser + i
		if err := appendTo(d.path("/etc/passwd"), fmt.Sprintf("%s:x:%d:%d::/home/%s:/sbin/nologin\n", name, id, id, name)); err != nil {
			return err
		}
		if err := appendTo(d.path("/etc/group"), fmt.Sprintf("%s:x:%d:\n", name, id)); err != nil {
			return err
		}
		home := d.path("/home/" + name)
		if err := os.MkdirAll(home, 0o700); err != nil {
			return err
		}
		if err := os.Chown(home, id, id); err != nil {
			return err
		}
	}
	return nil
}

func appendTo(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	if _, err := f.WriteString(text); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
