package instance

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// ownUsers starts an instance that has users of its own, or skips.
func ownUsers(t *testing.T, s *Spec) *Instance {
	t.Helper()
	var said string
	s.Notice = func(text string) { said = text }
	i := start(t, s)
	if i.users == nil {
		t.Skipf("not with this kernel and root: %s", said)
	}
	return i
}

func TestRootOnTheInstanceIsNobodyHere(t *testing.T) {
	i := ownUsers(t, &Spec{})
	if out, ok := sh(t, i, "echo x > /srv/made && chmod 4755 /srv/made && stat -c %u /srv/made"); !ok || out != "0" {
		t.Fatalf("on the instance its owner is %s", out)
	}
	upper := filepath.Join(i.place.dir, "disk", "upper")
	var st unix.Stat_t
	if err := unix.Stat(filepath.Join(upper, "srv/made"), &st); err != nil {
		t.Fatal(err)
	}
	if st.Uid != i.users.base || st.Gid != i.users.base || st.Uid < firstUsers {
		t.Errorf("a file of root's belongs to %d:%d here", st.Uid, st.Gid)
	}
	filepath.Walk(upper, func(p string, fi os.FileInfo, err error) error {
		if err == nil && fi.Sys().(*syscall.Stat_t).Uid < firstUsers && fi.Mode()&os.ModeCharDevice == 0 {
			t.Errorf("%s belongs to user %d of this machine", p, fi.Sys().(*syscall.Stat_t).Uid)
		}
		return nil
	})
	procs, err := filepath.Glob("/proc/[0-9]*/cgroup")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, p := range procs {
		if data, _ := os.ReadFile(p); !strings.Contains(string(data), "beanpole-"+i.place.Token) {
			continue
		}
		if err := unix.Stat(filepath.Dir(p), &st); err == nil && st.Uid != i.users.base {
			t.Errorf("%s runs as user %d of this machine", filepath.Dir(p), st.Uid)
		}
		seen++
	}
	if seen == 0 {
		t.Error("the test does not see the instance's processes")
	}
}

func TestUsersOfTheInstanceAreAsOnEC2(t *testing.T) {
	i := ownUsers(t, &Spec{})
	for _, c := range []struct{ line, want string }{
		{"stat -c %u:%g /etc/passwd /usr/bin/env /usr /", "0:0\n0:0\n0:0\n0:0"},
		{"stat -c %a:%u /etc/shadow", "600:0"},
		{"id -u", "0"},
		{"[[ a == a ]] && echo x=7 > /tmp/vars && source /tmp/vars && echo $x", "7"}, // sh is bash, as on Amazon Linux
		{"touch /srv/a && chown webapp:webapp /srv/a && stat -c %U:%G /srv/a", "webapp:webapp"},
		{"su webapp -s /bin/sh -c 'id -un; cat /etc/shadow 2>/dev/null || echo refused; touch /etc/x 2>/dev/null || echo refused'", "webapp\nrefused\nrefused"},
		{"useradd --create-home worker && su worker -c 'touch ~/mine && stat -c %U ~/mine'", "worker"},
		{"groupadd team && usermod -aG team worker && id -Gn worker", "worker team"},
		{"echo 'worker:secret' | chpasswd && grep -c '^worker:[$]' /etc/shadow", "1"},
		{"chmod u+s /usr/bin/id && su worker -c '/usr/bin/id -u'", "0"}, // a copy of the machine's own file
		{"cat /proc/sys/net/ipv4/ip_unprivileged_port_start", "1024"},
	} {
		if got, _ := sh(t, i, c.line); got != c.want {
			t.Errorf("%s: got %q, want %q", c.line, got, c.want)
		}
	}
	if fi, err := os.Stat("/usr/bin/id"); err != nil || fi.Mode()&os.ModeSetuid != 0 {
		t.Errorf("the machine's own file: %v, %v", fi.Mode(), err)
	}
}

func TestNginxServesPort443AsRootAndItsWorkersAsNginx(t *testing.T) {
	if _, err := exec.LookPath("nginx"); err != nil {
		t.Skip("no nginx on this machine")
	}
	i := ownUsers(t, &Spec{})
	conf := `user nginx; events {} http { server { listen 443; return 200 "from the instance"; } }`
	if out, ok := sh(t, i, "printf '%s' '"+conf+"' > /etc/nginx/nginx.conf && nginx >/dev/null 2>&1; ps -o user:8= -C nginx | sort -u"); !ok || out != "nginx\nroot" {
		t.Errorf("nginx runs as %q", out)
	}
	resp, err := (&http.Client{Timeout: 5 * time.Second}).Get("http://" + i.Address().String() + ":443/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); string(body) != "from the instance" {
		t.Errorf("got %q", body)
	}
}

func TestPortsBelow1024AreRootsAndThoseOfProgramsThatRootLets(t *testing.T) {
	for _, tool := range []string{"/usr/bin/python3", "/usr/sbin/setcap"} {
		if _, err := os.Stat(tool); err != nil {
			t.Skipf("no %s on this machine", tool)
		}
	}
	i := ownUsers(t, &Spec{})
	bind := ` -c "import socket; socket.socket().bind((\"\", 80)); print(\"bound\")"' 2>&1 | tail -1`
	if out, _ := sh(t, i, "su webapp -s /bin/sh -c '/usr/bin/python3"+bind); !strings.Contains(out, "Permission denied") {
		t.Errorf("webapp at port 80: %s", out)
	}
	lets := "cp /usr/bin/python3 /srv/python && setcap cap_net_bind_service=ep /srv/python && "
	if out, _ := sh(t, i, lets+"su webapp -s /bin/sh -c '/srv/python"+bind); out != "bound" {
		t.Errorf("webapp at port 80 with a program that may: %s", out)
	}
}

func TestTwoInstancesDoNotShareUsers(t *testing.T) {
	a, b := ownUsers(t, &Spec{}), ownUsers(t, &Spec{})
	if a.users.base == b.users.base {
		t.Errorf("both have users from %d on", a.users.base)
	}
}

func TestARootOnWhichTheKernelCannotMapUsersIsSaid(t *testing.T) {
	requireInstances(t)
	if self, err := os.Executable(); err != nil || !static(self) {
		t.Skip("the test is linked dynamically")
	}
	// The kernel does not map the owners of an overlay's files.
	root, empty := t.TempDir(), t.TempDir()
	if err := unix.Mount("tmpfs", empty, "tmpfs", 0, ""); err != nil { // outside of "/"
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Unmount(empty, unix.MNT_DETACH) })
	if err := unix.Mount("overlay", root, "overlay", unix.MS_RDONLY, "lowerdir=/:"+empty); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Unmount(root, unix.MNT_DETACH) })
	var said []string
	i := start(t, &Spec{Root: root, Notice: func(text string) { said = append(said, text) }})
	if i.users != nil {
		t.Skip("this kernel maps them")
	}
	if len(said) == 0 || !strings.Contains(said[0], "root's user ID") || strings.Contains(said[0], "\n") {
		t.Errorf("said: %q", said)
	}
	if out, ok := sh(t, i, "id -u"); !ok || out != "0" {
		t.Errorf("it does not run: %s", out)
	}
	if out, ok := sh(t, i, "ip link set lo down 2>&1"); ok {
		t.Errorf("its root has power over its network: %s", out)
	}
}
