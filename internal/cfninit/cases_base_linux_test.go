package cfninit

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// base is the root file system that every recorded case starts from.
type base struct {
	Users, Groups []string
	Environment   map[string]string
	Directories   []entry
	Programs      []string

	ids      map[string]int // "user:root" → 0
	template string         // a root with the programs, made once
}

func readBase(t *testing.T, dir string) *base {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "base.json"))
	if err != nil {
		t.Fatal(err)
	}
	b := &base{ids: map[string]int{}}
	if err := json.Unmarshal(data, b); err != nil {
		t.Fatal(err)
	}
	note := func(kind string, lines []string) {
		for _, line := range lines {
			f := strings.Split(line, ":")
			b.ids[kind+":"+f[0]], _ = strconv.Atoi(f[2])
		}
	}
	note("user", b.Users)
	note("group", b.Groups)
	b.template = t.TempDir()
	b.install(t)
	return b
}

// install copies the programs with their libraries into the template.
func (b *base) install(t *testing.T) {
	t.Helper()
	b.skeleton(t, b.template)
	modules, _ := filepath.Glob("/lib/*/security/pam_permit.so")
	for _, m := range modules { // su asks PAM
		copyFile(t, m, b.template+m)
	}
	must(t, os.WriteFile(b.template+"/etc/pam.d/su", []byte("auth required pam_permit.so\naccount required pam_permit.so\nsession required pam_permit.so\n"), 0o644))
	for _, p := range b.Programs {
		name := filepath.Base(p)
		if name == "sh" {
			name = "bash"
		}
		src, err := exec.LookPath(name)
		if err != nil {
			continue // the cases that need it will say so
		}
		copyFile(t, src, b.template+p)
		out, _ := exec.Command("ldd", src).Output()
		for _, w := range strings.Fields(string(out)) {
			if strings.HasPrefix(w, "/") {
				copyFile(t, w, b.template+w)
			}
		}
	}
}

func (b *base) skeleton(t *testing.T, dir string) {
	t.Helper()
	for _, d := range b.Directories {
		b.put(t, dir, entry{Path: d.Path, Type: "dir", Mode: d.Mode, Owner: d.Owner, Group: d.Group})
	}
	write := func(path, text string) {
		must(t, os.WriteFile(dir+path, []byte(text), 0o644))
	}
	write("/etc/passwd", strings.Join(b.Users, "\n")+"\n")
	write("/etc/group", strings.Join(b.Groups, "\n")+"\n")
	for _, p := range []string{"/etc/hosts", "/etc/resolv.conf", "/etc/shadow", "/etc/gshadow"} {
		write(p, "")
	}
	write("/etc/login.defs", "SYS_UID_MIN 201\nSYS_UID_MAX 499\nSYS_GID_MIN 201\nSYS_GID_MAX 499\nUSERGROUPS_ENAB yes\n")
	write("/etc/nsswitch.conf", "passwd: files\ngroup: files\n")
	must(t, os.MkdirAll(dir+"/dev", 0o755))
	must(t, syscall.Mknod(dir+"/dev/null", syscall.S_IFCHR|0o666, 1<<8|3))
	must(t, os.Chmod(dir+"/dev/null", 0o666))
}

// fresh makes the root of one case.
func (b *base) fresh(t *testing.T, c *recorded) string {
	t.Helper()
	defer syscall.Umask(syscall.Umask(0o022))
	dir, err := os.MkdirTemp("", "beanpole-case-")
	must(t, err)
	if c.Area != "files" && c.Area != "auth" && c.Area != "s3" {
		out, err := exec.Command("cp", "-al", b.template+"/.", dir).CombinedOutput()
		if err != nil {
			t.Fatalf("link the base: %v: %s", err, out)
		}
		for _, p := range []string{"/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow"} { // not shared with the template
			data, _ := os.ReadFile(dir + p)
			must(t, os.Remove(dir+p))
			must(t, os.WriteFile(dir+p, data, 0o644))
		}
		must(t, os.Chmod(dir, 0o755))
	} else {
		b.skeleton(t, dir)
	}
	for _, e := range c.Before {
		b.put(t, dir, e)
	}
	for _, p := range c.Absent {
		must(t, os.Remove(dir+p))
	}
	return dir
}

// put makes one file, directory or link.
func (b *base) put(t *testing.T, dir string, e entry) {
	t.Helper()
	path := dir + e.Path
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	switch e.Type {
	case "dir":
		must(t, os.MkdirAll(path, 0o755))
	case "link":
		must(t, os.Symlink(e.Target, path))
	default:
		must(t, os.WriteFile(path, e.decode(t), 0o644))
	}
	must(t, os.Lchown(path, b.id("user", e.Owner), b.id("group", e.Group)))
	if e.Type != "link" {
		mode, err := strconv.ParseUint(e.Mode, 8, 32)
		must(t, err)
		must(t, syscall.Chmod(path, uint32(mode)))
	}
}

func (b *base) id(kind string, name any) int {
	switch v := name.(type) {
	case string:
		return b.ids[kind+":"+v]
	case float64:
		return int(v)
	}
	return 0
}

// ignored are the paths that the cases do not compare.
func (b *base) ignored(path string) bool {
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

func (b *base) environment(c *recorded) []string {
	env := map[string]string{}
	for k, v := range b.Environment {
		env[k] = v
	}
	for k, v := range c.Environment {
		env[k] = v
	}
	var out []string
	for k, v := range env {
		out = append(out, fmt.Sprintf("%s=%s", k, v))
	}
	return out
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	if _, err := os.Stat(to); err == nil {
		return
	}
	data, err := os.ReadFile(from)
	must(t, err)
	must(t, os.MkdirAll(filepath.Dir(to), 0o755))
	must(t, os.WriteFile(to, data, 0o755))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
