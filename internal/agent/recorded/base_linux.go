package recorded

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Base is the root file system that every case of a folder starts from.
type Base struct {
	Users, Groups []string
	Environment   map[string]string
	Directories   []entry
	Programs      []string

	ids      map[string]int // "user:root" → 0
	template string         // a root with the programs, made once
}

// ReadBase reads a folder's base.json and makes the root that cases are copied
// from; Close removes it. It takes root's rights.
func ReadBase(dir string) (*Base, error) {
	data, err := os.ReadFile(filepath.Join(dir, "base.json"))
	if err != nil {
		return nil, err
	}
	b := &Base{ids: map[string]int{}}
	if err := json.Unmarshal(data, b); err != nil {
		return nil, fmt.Errorf("read base.json: %w", err)
	}
	note := func(kind string, lines []string) {
		for _, line := range lines {
			if f := strings.Split(line, ":"); len(f) > 2 {
				b.ids[kind+":"+f[0]], _ = strconv.Atoi(f[2])
			}
		}
	}
	note("user", b.Users)
	note("group", b.Groups)
	if b.template, err = os.MkdirTemp("", "beanpole-base-"); err != nil {
		return nil, err
	}
	if err := b.install(); err != nil {
		b.Close()
		return nil, fmt.Errorf("make the root that cases start from: %w", err)
	}
	return b, nil
}

// Close removes what ReadBase made.
func (b *Base) Close() error { return os.RemoveAll(b.template) }

// install copies the programs with their libraries into the template. A
// program that this machine lacks is missing there too.
func (b *Base) install() error {
	if err := b.skeleton(b.template); err != nil {
		return err
	}
	modules, _ := filepath.Glob("/lib/*/security/pam_permit.so")
	for _, m := range modules { // su asks PAM
		if err := copyFile(m, b.template+m); err != nil {
			return err
		}
	}
	const pam = "auth required pam_permit.so\naccount required pam_permit.so\nsession required pam_permit.so\n"
	if err := os.WriteFile(b.template+"/etc/pam.d/su", []byte(pam), 0o644); err != nil {
		return err
	}
	for _, p := range b.Programs {
		name := filepath.Base(p)
		if name == "sh" {
			name = "bash"
		}
		src, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		if err := copyFile(src, b.template+p); err != nil {
			return err
		}
		out, _ := exec.Command("ldd", src).Output()
		for _, w := range strings.Fields(string(out)) {
			if strings.HasPrefix(w, "/") {
				if err := copyFile(w, b.template+w); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// skeleton makes folders, accounts and /dev/null.
func (b *Base) skeleton(dir string) error {
	for _, d := range b.Directories {
		if err := b.put(dir, &entry{Path: d.Path, Type: "dir", Mode: d.Mode, Owner: d.Owner, Group: d.Group}); err != nil {
			return err
		}
	}
	for path, text := range map[string]string{
		"/etc/passwd": strings.Join(b.Users, "\n") + "\n",
		"/etc/group":  strings.Join(b.Groups, "\n") + "\n",
		"/etc/hosts":  "", "/etc/resolv.conf": "", "/etc/shadow": "", "/etc/gshadow": "",
		"/etc/login.defs":    "SYS_UID_MIN 201\nSYS_UID_MAX 499\nSYS_GID_MIN 201\nSYS_GID_MAX 499\nUSERGROUPS_ENAB yes\n",
		"/etc/nsswitch.conf": "passwd: files\ngroup: files\n",
	} {
		if err := os.WriteFile(dir+path, []byte(text), 0o644); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(dir+"/dev", 0o755); err != nil {
		return err
	}
	if err := syscall.Mknod(dir+"/dev/null", syscall.S_IFCHR|0o666, 1<<8|3); err != nil {
		return fmt.Errorf("make /dev/null of an instance root: %w", err)
	}
	return os.Chmod(dir+"/dev/null", 0o666)
}

// fresh makes the root of one case.
func (b *Base) fresh(c *Case) (dir string, err error) {
	defer syscall.Umask(syscall.Umask(0o022))
	if dir, err = os.MkdirTemp("", "beanpole-case-"); err != nil {
		return "", err
	}
	if b.needsPrograms(c) {
		err = b.link(dir)
	} else {
		err = b.skeleton(dir)
	}
	for _, e := range c.Before {
		if err == nil {
			err = b.put(dir, &e)
		}
	}
	for path, rules := range c.Tools {
		if err == nil {
			err = b.put(dir, &entry{Path: path, Mode: "0755", Owner: "root", Group: "root", content: script(rules)})
		}
	}
	for _, p := range c.Absent {
		if err == nil {
			err = os.Remove(dir + p)
		}
	}
	if err != nil {
		os.RemoveAll(dir)
		return "", fmt.Errorf("make the root of %s: %w", c.Name, err)
	}
	return dir, nil
}

// needsPrograms: most cases start none, and a root without any is made faster.
func (b *Base) needsPrograms(c *Case) bool {
	return len(c.Expect.Commands) > 0 || c.Absent != nil || c.Area != "files" && c.Area != "auth" && c.Area != "s3"
}

// link fills dir with hard links to the template's files; what cases change
// in place is copied.
func (b *Base) link(dir string) error {
	if out, err := exec.Command("cp", "-al", b.template+"/.", dir).CombinedOutput(); err != nil {
		return fmt.Errorf("link the programs: %w: %s", err, out)
	}
	for _, p := range []string{"/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow"} {
		data, err := os.ReadFile(dir + p)
		if err == nil {
			err = os.Remove(dir + p)
		}
		if err == nil {
			err = os.WriteFile(dir+p, data, 0o644)
		}
		if err != nil {
			return err
		}
	}
	return os.Chmod(dir, 0o755)
}

// put makes one file, directory or link.
func (b *Base) put(dir string, e *entry) error {
	path := dir + e.Path
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err != nil {
		return err
	}
	switch e.Type {
	case "dir":
		err = os.MkdirAll(path, 0o755)
	case "link":
		err = os.Symlink(e.Target, path)
	default:
		data := []byte(e.content)
		if e.content == "" {
			if data, err = e.decode(); err != nil {
				return err
			}
		}
		os.Remove(path) // it may be a link to the template's
		err = os.WriteFile(path, data, 0o644)
	}
	if err == nil {
		err = os.Lchown(path, b.id("user", e.Owner), b.id("group", e.Group))
	}
	if err != nil || e.Type == "link" {
		return err
	}
	mode, err := strconv.ParseUint(e.Mode, 8, 32)
	if err != nil {
		return err
	}
	return syscall.Chmod(path, uint32(mode))
}

func (b *Base) id(kind string, name any) int {
	switch v := name.(type) {
	case string:
		return b.ids[kind+":"+v]
	case float64:
		return int(v)
	}
	return 0
}

// ignored are the paths that the cases do not compare.
func (b *Base) ignored(path string) bool {
	switch path {
	case "", "/etc/hosts", "/etc/shadow", "/etc/gshadow", "/etc/passwd", "/etc/group", "/tmp/metadata.json",
		"/etc/passwd-", "/etc/group-", "/etc/shadow-", "/etc/gshadow-", "/etc/subuid", "/etc/subgid", "/etc/subuid-", "/etc/subgid-", "/etc/.pwd.lock":
		return true
	}
	for _, p := range []string{"/var/log", "/var/lib/cfn-init", "/proc", "/dev", "/lib", "/lib64", "/usr/lib"} {
		if path == p || strings.HasPrefix(path, p+"/") {
			return true
		}
	}
	return false
}

// environment is what the agent finds set.
func (b *Base) environment(c *Case) []string {
	env := maps.Clone(b.Environment)
	maps.Copy(env, c.Environment)
	var out []string
	for k, v := range env {
		out = append(out, k+"="+v)
	}
	return out
}

// copyFile copies a program, once.
func copyFile(from, to string) error {
	if _, err := os.Stat(to); err == nil {
		return nil
	}
	data, err := os.ReadFile(from)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(to), 0o755)
	}
	if err == nil {
		err = os.WriteFile(to, data, 0o755)
	}
	return err
}
