package instance

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/nftables"
	"github.com/vishvananda/netlink"
)

// traces is everything of beanpole's on this machine that names token.
func traces(t *testing.T, token string) []string {
	t.Helper()
	var out []string
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	links, err := netlink.LinkList()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range links {
		if l.Attrs().Name == linkPrefix+token {
			out = append(out, "link "+l.Attrs().Name)
		}
	}
	c, err := nftables.New()
	if err != nil {
		t.Fatal(err)
	}
	tables, err := c.ListTables()
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range tables {
		if x.Name == tableName(token) {
			out = append(out, "table "+x.Name)
		}
	}
	if _, err := os.Stat(mountpointsOf(token).dir); err == nil {
		out = append(out, "folder "+mountpointsOf(token).dir)
	}
	for _, line := range strings.Split(string(mounts), "\n") {
		if strings.Contains(line, token) {
			out = append(out, "mount "+line)
		}
		f := strings.Fields(line)
		if len(f) > 4 {
			if _, err := os.Stat(filepath.Join(f[4], "beanpole-"+token)); err == nil && strings.Contains(line, " - cgroup") {
				out = append(out, "cgroup in "+f[4])
			}
		}
	}
	procs, _ := filepath.Glob("/proc/[0-9]*/cgroup")
	for _, p := range procs {
		if data, _ := os.ReadFile(p); bytes.Contains(data, []byte("beanpole-"+token)) {
			stat, _ := os.ReadFile(filepath.Join(filepath.Dir(p), "stat"))
			if bytes.Contains(stat, []byte(") Z ")) {
				continue // dead: the machine's init has not looked yet
			}
			out = append(out, "process "+string(stat))
		}
	}
	return out
}

func mounted(t *testing.T, dir string) bool {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(mounts), dir)
}

func tokenIn(t *testing.T, dir, id string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(instancesDir(dir), id, recordName))
	if err != nil {
		t.Fatal(err)
	}
	var r record
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	return r.Token
}

func TestStopLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	i := start(t, &Spec{Dir: dir, Metadata: say("metadata")})
	token := tokenIn(t, dir, i.ID())
	if got := traces(t, token); len(got) < 4 {
		t.Fatalf("the test does not see what an instance makes: only %q", got)
	}
	sh(t, i, "sleep 1000 >/dev/null 2>&1 &")
	if err := i.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := traces(t, token); len(got) > 0 {
		t.Errorf("left: %q", got)
	}
	if mounted(t, dir) {
		t.Error("left: a mount")
	}
	if left, _ := filepath.Glob(filepath.Join(instancesDir(dir), "i-*")); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

func TestAFailedStartLeavesNothing(t *testing.T) {
	requireInstances(t)
	dir := t.TempDir()
	_, err := Start(t.Context(), &Spec{ID: "i-0failed", Dir: dir, Binary: "/bin/false"})
	if err == nil {
		t.Fatal("started /bin/false as PID 1")
	}
	if mounted(t, dir) {
		t.Error("left: a mount")
	}
	if left, _ := filepath.Glob(filepath.Join(instancesDir(dir), "i-*")); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

func TestSweepRemovesWhatAKilledProcessLeftAndNothingElse(t *testing.T) {
	requireInstances(t)
	dir := t.TempDir()
	live := start(t, &Spec{Dir: dir})
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "test-owner", dir, "i-0owned")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := make([]byte, 200)
	n, _ := out.Read(said)
	if !strings.HasPrefix(string(said[:n]), "started") {
		t.Fatalf("child said %q", said[:n])
	}
	token := tokenIn(t, dir, "i-0owned")
	if err := Sweep(dir); err != nil {
		t.Fatal(err)
	}
	if len(traces(t, token)) == 0 {
		t.Fatal("sweep took a living process's instance")
	}
	cmd.Process.Kill()
	cmd.Wait()
	for range 2 {
		if err := Sweep(dir); err != nil {
			t.Fatal(err)
		}
	}
	if got := traces(t, token); len(got) > 0 {
		t.Errorf("left: %q", got)
	}
	if mounted(t, "i-0owned") {
		t.Error("left: a mount")
	}
	if _, err := live.Do(t.Context(), &Command{Name: "still there"}); err != nil {
		t.Errorf("the other instance: %v", err)
	}
}
