package instance

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// busyboxRoot is a small root of another family, made of this machine's
// busybox.
func busyboxRoot(t *testing.T) string {
	t.Helper()
	requireInstances(t)
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		t.Skip("no busybox on this machine: apt install busybox-static")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{busybox, self} {
		if !static(p) {
			t.Skipf("%s is not linked statically", p)
		}
	}
	root := t.TempDir()
	data, err := os.ReadFile(busybox)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{"bin", "etc", "tmp", "home/app"} {
		if err := os.MkdirAll(filepath.Join(root, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for p, text := range map[string]string{
		"bin/busybox":    string(data),
		"etc/os-release": "NAME=Small\nPRETTY_NAME=\"Small Linux 1\"\n",
		"etc/passwd":     "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n",
		"etc/group":      "root:x:0:\napp:x:1000:\n",
		"etc/app.key":    "of the image",
	} {
		if err := os.WriteFile(filepath.Join(root, p), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range []string{"bin/busybox", "bin"} {
		if err := os.Chmod(filepath.Join(root, p), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, applet := range []string{"sh", "cat", "id", "stat", "su", "wget", "nslookup", "chown", "touch", "ls"} {
		if err := os.Symlink("busybox", filepath.Join(root, "bin", applet)); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestAnInstanceRunsOnARootOfAnotherFamily(t *testing.T) {
	root := busyboxRoot(t)
	var said []string
	i := start(t, &Spec{Root: root, Metadata: say("metadata"), Notice: func(text string) { said = append(said, text) }})
	for _, c := range []struct{ line, want string }{
		{"id -un", "root"},
		{"cat /etc/app.key", "of the image"},
		{"su app -c 'id -u; touch /home/app/x 2>/dev/null || echo refused; cat /etc/app.key 2>/dev/null || echo refused'", "1000\nrefused\nrefused"},
		{"su webapp -c 'id -un; touch ~/x && stat -c %U ~/x'", "webapp\nwebapp"},
		{"wget -qO- http://169.254.169.254/x", "metadata 169.254.169.254/x from " + i.Address().String()},
		{"ls -A /etc/nginx; ls /bin/systemctl", "conf.d\n/bin/systemctl"},
		{"touch /bin/made && stat -c %u:%g /bin/made /bin/busybox", "0:0\n0:0"},
	} {
		if got, _ := sh(t, i, c.line); got != c.want {
			t.Errorf("%s: got %q, want %q", c.line, got, c.want)
		}
	}
	if _, err := os.Stat(filepath.Join(root, "bin/made")); err == nil {
		t.Error("the root itself was written")
	}
	if r, err := i.Do(t.Context(), &Command{Name: "app-deploy"}); err != nil || r.Message != "app-deploy" {
		t.Errorf("PID 1 answers %v, %v", r, err)
	}
	all := strings.Join(said, "\n")
	if len(said) != 1 || !strings.HasPrefix(all, "the instances' root is Small Linux 1; it has no bash, nginx, ") || !strings.Contains(all, "neither dnf nor yum") {
		t.Errorf("said: %q", said)
	}
}

func TestARootThatHasAllIsNotTalkedAbout(t *testing.T) {
	root := t.TempDir()
	for _, p := range []string{"usr/bin/sh", "usr/bin/bash", "usr/sbin/nginx", "usr/bin/dnf-3"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, p)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, p), nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/usr/bin/dnf-3", filepath.Join(root, "usr/bin/dnf")); err != nil {
		t.Fatal(err)
	}
	l := &layer{lower: root}
	if got := l.lacks(); got != "" {
		t.Errorf("said: %s", got)
	}
	if err := os.Remove(filepath.Join(root, "usr/sbin/nginx")); err != nil {
		t.Fatal(err)
	}
	if got := l.lacks(); !strings.Contains(got, "no nginx, ") || !strings.Contains(got, "(dnf install -y nginx)") || strings.Contains(got, "neither") {
		t.Errorf("said: %s", got)
	}
}
