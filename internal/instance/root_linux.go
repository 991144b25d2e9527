package instance

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// programPath is where the instance finds beanpole.
const programPath = "/opt/beanpole/beanpole"

// A machine's own root shows only what belongs to its operating system. This
// is a list of what may be seen, for a list of secrets would never be complete.
var (
	systemFolders = []string{"bin", "etc", "lib", "lib32", "lib64", "libx32", "sbin", "usr", "var"}
	systemState   = []string{"alternatives", "apt", "dnf", "dpkg", "pam", "python", "rpm", "ucf", "yum"} // of /var/lib
	// keyFolders of /etc hold keys and credentials of machines, containers and
	// clouds, whoever may read them.
	keyFolders = []string{"NetworkManager", "ansible", "apt/auth.conf.d", "aws", "azure", "boto.cfg", "cni", "containers", "docker", "gcloud", "google",
		"ipsec.d", "kubernetes", "letsencrypt", "openvpn", "ppp", "rancher", "samba", "vault.d", "wireguard", "wpa_supplicant"}
	nginxFiles = []string{"fastcgi.conf", "fastcgi_params", "koi-utf", "koi-win", "mime.types", "scgi_params", "uwsgi_params", "win-utf"}
)

type ownFolder struct {
	path string
	mode fs.FileMode
	keep bool
}

// ownFolders exist on every instance, empty. What a root that was made to be
// one (not the machine's own) has in those marked keep stays.
var ownFolders = []ownFolder{
	{"/boot", 0o555, true}, {"/dev", 0o755, false}, {"/home", 0o755, true}, {"/media", 0o755, true},
	{"/mnt", 0o755, true}, {"/opt", 0o755, true}, {"/proc", 0o555, false}, {"/root", 0o550, true},
	{"/run", 0o755, false}, {"/srv", 0o755, true}, {"/sys", 0o555, false}, {"/tmp", 0o777 | fs.ModeSticky, false},
	{"/etc/ssh", 0o755, true}, {"/etc/ssl/private", 0o700, true},
	{"/etc/nginx", 0o755, false}, {"/etc/nginx/conf.d", 0o755, false},
	{"/var/app", 0o755, true}, {"/var/cache", 0o755, true}, {"/var/log", 0o755, true}, {"/var/log/nginx", 0o755, true},
	{"/var/proxy", 0o755, true}, {"/var/spool", 0o755, true}, {"/var/tmp", 0o777 | fs.ModeSticky, false},
}

// buildCommon fills a layer with what all instances of one kind have in common:
// what is hidden, whom they trust, and programs in the place of the root's.
func buildCommon(l *layer, s *Spec) error {
	for _, f := range ownFolders {
		if l.makes(f) {
			l.gone[f.path] = true // each instance has its own there
		}
	}
	if l.lower == "/" {
		if err := hideMachine(l); err != nil {
			return err
		}
	}
	for _, p := range s.Hide {
		if l.lower == "/" {
			if real, err := filepath.EvalSymlinks(p); err == nil {
				p = real
			}
		}
		if err := l.hide(path.Clean(p)); err != nil {
			return err
		}
	}
	if err := writeTrust(l, s.CA); err != nil {
		return err
	}
	if err := shellOfEC2(l); err != nil {
		return err
	}
	return linkApplets(l)
}

// buildOwn fills an instance's upper layer with what is its own.
func buildOwn(l *layer) error {
	if err := makeFolders(l); err != nil {
		return err
	}
	for _, name := range nginxFiles {
		if err := l.copy("/etc/nginx/" + name); err != nil {
			return err
		}
	}
	if err := writeUsers(l); err != nil {
		return err
	}
	return l.file(programPath, nil, 0o755) // the mount point
}

// shellOfEC2 makes bash what /bin/sh is, as on every Amazon Linux: its users
// write "source" and "[[" in commands, which Debian's dash does not know. An
// image or a root of the user's own stays as it is.
func shellOfEC2(l *layer) error {
	if l.lower != "/" {
		return nil
	}
	for _, dir := range []string{"/bin", "/usr/bin"} {
		if fi, ok := l.stat(dir + "/bash"); !ok || !fi.Mode().IsRegular() {
			continue // no bash, or this folder is a link to the other
		}
		if err := l.link(dir+"/sh", "bash"); err != nil {
			return err
		}
	}
	return nil
}

// linkApplets puts Applets where a machine keeps programs of their kind, in
// the place of its own, which talk to an init that is not on the instance.
func linkApplets(l *layer) error {
	for _, dir := range []string{"/bin", "/sbin", "/usr/bin", "/usr/sbin"} {
		if err := l.remove(dir + "/update-rc.d"); err != nil { // Debian's chkconfig
			return err
		}
		fi, ok := l.stat(dir)
		if !ok || !fi.IsDir() {
			continue // a link to another one of them
		}
		for _, name := range Applets {
			if err := l.link(path.Join(dir, name), programPath); err != nil {
				return err
			}
		}
	}
	for _, dir := range []string{"/usr/local/bin", "/usr/local/sbin"} { // which come first
		for _, name := range Applets {
			if err := l.remove(path.Join(dir, name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// makes says whether an instance has a folder of its own: not where the root's is
// kept, or where it has a link, as /var/run is.
func (l *layer) makes(f ownFolder) bool {
	fi, ok := l.stat(f.path)
	return !ok || fi.IsDir() && (!f.keep || l.lower == "/")
}

// makeFolders makes ownFolders.
func makeFolders(l *layer) error {
	for _, f := range ownFolders {
		if !l.makes(f) {
			continue
		}
		if err := l.empty(f.path); err != nil {
			return err
		}
		if err := os.Chmod(l.upper+f.path, f.mode); err != nil {
			return err
		}
	}
	return nil
}

// hideMachine hides what a developer's machine holds besides its system.
func hideMachine(l *layer) error {
	entries, err := os.ReadDir(l.lower)
	if err != nil {
		return err
	}
	shown := map[string]bool{}
	for _, name := range systemFolders {
		shown[name] = true
	}
	for _, f := range ownFolders {
		shown[strings.Split(f.path, "/")[1]] = true
	}
	for _, e := range entries {
		if shown[e.Name()] {
			continue
		}
		if err := l.remove("/" + e.Name()); err != nil {
			return err
		}
	}
	if err := l.only("/var", "lib"); err != nil {
		return err
	}
	if err := l.only("/var/lib", systemState...); err != nil {
		return err
	}
	for _, name := range keyFolders {
		if err := l.hide("/etc/" + name); err != nil {
			return err
		}
	}
	found, err := machinesOwn.do(func(int) ([]kept, error) { return privateBelow("/etc", "/usr/local/etc") })
	if err != nil {
		return err
	}
	return l.hideAll(found)
}

// mountOverlay mounts upper over lowers, of which the first is the uppermost.
func mountOverlay(lowers []string, upper, work, merged string) error {
	for _, p := range append([]string{upper, work}, lowers...) {
		if strings.ContainsAny(p, ",:\\") {
			return fmt.Errorf("mount overlay on %q: %q holds a comma, a colon or a backslash, which the kernel's mount options cannot carry", merged, p)
		}
	}
	opts := "lowerdir=" + strings.Join(lowers, ":") + ",upperdir=" + upper + ",workdir=" + work
	err := unix.Mount("overlay", merged, "overlay", 0, opts)
	if errors.Is(err, unix.EINVAL) {
		return fmt.Errorf("mount overlay on %q: %w: the state directory has to be on a disk's own file system (ext4, xfs, btrfs, tmpfs), not on an overlay or a network's", merged, err)
	}
	if err != nil {
		return fmt.Errorf("mount overlay on %q: %w", merged, err)
	}
	return nil
}
