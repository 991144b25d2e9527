package cfninit

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"beanpole/internal/source"
)

// onSmallDisk calls f with a folder on a disk of 64 KiB that only its thread
// sees; the thread ends with it, and the disk too.
func onSmallDisk(t *testing.T, f func(dir string)) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root: a disk is mounted")
	}
	dir, done := t.TempDir(), make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		err := unix.Unshare(unix.CLONE_NEWNS)
		if err == nil {
			err = unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
		}
		if err == nil {
			err = unix.Mount("none", dir, "tmpfs", 0, "size=64k")
		}
		if err != nil {
			t.Errorf("mount a small disk: %v", err)
			return
		}
		f(dir)
	}()
	<-done
}

func TestAFullDiskInTheMiddleOfAFileLeavesTheOldOne(t *testing.T) {
	onSmallDisk(t, func(dir string) {
		name := dir + "/app.conf"
		if err := os.WriteFile(name, []byte("as it was"), 0o640); err != nil {
			t.Error(err)
			return
		}
		_, err := (&Runner{}).Build(context.Background(), parse(t, `AWS::CloudFormation::Init: {config: {files: {`+name+`: {content: "`+strings.Repeat("x", 200<<10)+`", mode: "000600"}}}}`), nil)
		if err == nil || err.Error() != "[Errno 28] No space left on device" {
			t.Errorf("ended with %v", err)
		}
		entries, _ := os.ReadDir(dir)
		data, _ := os.ReadFile(name)
		st, err := os.Stat(name)
		if err != nil || string(data) != "as it was" || st.Mode() != 0o640 || len(entries) != 1 {
			t.Errorf("left %.20q, %v, %v", data, entries, err)
		}
	})
}

func TestAFullDiskForTheStateIsAnErrorOfTheBuild(t *testing.T) {
	onSmallDisk(t, func(dir string) {
		for _, d := range []string{"/var/lib/cfn-init/data", "/etc"} {
			if err := os.MkdirAll(dir+d, 0o755); err != nil {
				t.Error(err)
			}
		}
		_, err := (&Runner{Root: dir, KeepState: true}).Build(context.Background(), parse(t, `AWS::CloudFormation::Init: {config: {files: {/etc/a: {content: "`+strings.Repeat("x", 40<<10)+`"}}}}`), nil)
		var fault *BuildError
		if !errors.As(err, &fault) || fault.Text != "[Errno 28] No space left on device" {
			t.Errorf("ended with %v", err)
		}
		if _, err := os.Stat(dir + "/etc/a"); err == nil {
			t.Error("the build went on")
		}
	})
}

// longBuild writes many files and unpacks an archive, for long enough to be
// killed in the middle.
func longBuild(root string) *source.Node {
	files := source.NewMap(source.Pos{})
	text := func(s string) *source.Node { return source.NewString(s, source.Pos{}) }
	for i := range 150 {
		f := source.NewMap(source.Pos{})
		f.Set("content", text(strings.Repeat(fmt.Sprintf("file %d\n", i), 2000)))
		f.Set("mode", text("000640"))
		files.Set(fmt.Sprintf("/etc/app/%03d.conf", i), f)
	}
	sources, config, init, all := source.NewMap(source.Pos{}), source.NewMap(source.Pos{}), source.NewMap(source.Pos{}), source.NewMap(source.Pos{})
	sources.Set("/srv/app", text("/opt/app.tar"))
	config.Set("sources", sources)
	config.Set("files", files)
	init.Set("config", config)
	all.Set(initKey, init)
	return all
}

func TestAnAgentKilledAtAnyMomentConvergesWhenItRunsAgain(t *testing.T) {
	root := stateRoot(t)
	if err := os.MkdirAll(root+"/opt", 0o755); err != nil {
		t.Fatal(err)
	}
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	for i := range 50 {
		data := bytes.Repeat([]byte{byte(i)}, 20000)
		if err := w.WriteHeader(&tar.Header{Name: fmt.Sprintf("f%02d", i), Mode: 0o644, Size: int64(len(data)), Uid: os.Getuid(), Gid: os.Getgid()}); err != nil {
			t.Fatal(err)
		}
		w.Write(data)
	}
	w.Close()
	if err := os.WriteFile(root+"/opt/app.tar", archive.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if out, err := agentFor(t, root).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	took, want := time.Since(began), contents(t, root)
	killed := 0
	for range 15 {
		c := agentFor(t, root)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(rand.Float64() * float64(took)))
		c.Process.Kill()
		if err := c.Wait(); err != nil {
			killed++
		}
	}
	if killed == 0 {
		t.Error("no agent was killed before it was done")
	}
	if out, err := agentFor(t, root).CombinedOutput(); err != nil {
		t.Fatalf("the run after %d killed ones: %v: %s", killed, err, out)
	}
	for name, text := range contents(t, root) {
		if strings.HasSuffix(name, ".bak") || strings.HasSuffix(name, ".bak2") {
			continue // what AWS's agent keeps of the run before
		}
		if was, ok := want[name]; !ok || was != text {
			t.Errorf("%s: other than after a run that was not disturbed (there before: %v)", name, ok)
		}
		delete(want, name)
	}
	for name := range want {
		t.Errorf("%s is missing", name)
	}
}

func agentFor(t *testing.T, root string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(self)
	c.Env = append(os.Environ(), "BEANPOLE_TEST_BUILD="+root)
	return c
}

// contents are mode and content of all files below root but its logs.
func contents(t *testing.T, root string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(name, root+"/var/log/") {
			return err
		}
		st, err := d.Info()
		if err != nil {
			return err
		}
		data, err := os.ReadFile(name)
		out[strings.TrimPrefix(name, root)] = st.Mode().String() + " " + string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
