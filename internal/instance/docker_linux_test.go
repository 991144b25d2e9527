package instance

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"beanpole/internal/docker"
	"beanpole/internal/docker/testimage"
)

// dockerOf starts an instance and gives the client of its containers, and an
// image of this machine's programs.
func dockerOf(t *testing.T, s *Spec, programs ...string) (*Instance, *docker.Client, *docker.Image) {
	t.Helper()
	requireInstances(t)
	root := testimage.Root(t, programs...)
	s.Pull = func(_ context.Context, p docker.Pull) (*Pulled, error) {
		if p.Name != "test" {
			return nil, errors.New("pull access denied for " + p.Name)
		}
		return &Pulled{Root: root, Digest: "sha256:" + strings.Repeat("ab", 32), Config: docker.Config{Env: []string{"A=b"}}}, nil
	}
	i := start(t, s)
	c := docker.Dial(mountpointsOf(i.place.Token).socket())
	img, err := c.Pull(t.Context(), docker.Pull{Name: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return i, c, img
}

// says runs a container and gives what it says.
func says(t *testing.T, c *docker.Client, r docker.Run) string {
	t.Helper()
	var out, errs bytes.Buffer
	if err := c.Run(t.Context(), r, nil, &out, &errs); err != nil {
		t.Fatalf("%q: %v\n%s%s", r.Args, err, out.String(), errs.String())
	}
	return out.String()
}

func TestAContainerStandsBesideItsInstance(t *testing.T) {
	i, c, img := dockerOf(t, &Spec{Metadata: say("metadata")}, "sh", "cat", "id", "ls", "touch", "curl", "sleep")
	run := func(line string) docker.Run {
		return docker.Run{Layer: img.Layer, Args: []string{"/bin/sh", "-c", line}}
	}

	if got := says(t, c, run("id -u; cat /proc/self/uid_map; echo pid $$; ls -ln / | cat")); !strings.HasPrefix(got, "0\n         0 ") ||
		strings.Contains(got, "         0          0 4294967295") || !strings.Contains(got, "pid 1\n") {
		t.Errorf("who it is: %s", got)
	}
	r := run("id -u; id -g; touch /x && echo wrote")
	r.User = "app"
	var errs bytes.Buffer
	var out bytes.Buffer
	if err := c.Run(t.Context(), r, nil, &out, &errs); !errors.As(err, new(docker.ExitError)) || out.String() != "1000\n1000\n" {
		t.Errorf("as app: %v: %s%s", err, out.String(), errs.String())
	}
	if got := says(t, c, run("curl -s http://169.254.169.254/x")); got != "metadata 169.254.169.254/x from "+i.Address().String() {
		t.Errorf("metadata: %q", got)
	}
	if err := i.Exec(t.Context(), []string{"mkdir", "-p", "/srv/data"}, nil, nil, nil); err != nil {
		t.Fatal(err)
	}
	r = run("echo hello > /data/from; cat /etc/hosts")
	r.Mounts = []docker.Mount{{Source: "/srv/data", Target: "/data"}}
	r.Hosts = map[string]string{"db": "172.17.0.9"}
	if got := says(t, c, r); !strings.Contains(got, "172.17.0.9\tdb\n") {
		t.Errorf("hosts: %s", got)
	}
	if data, err := i.ReadFile("/srv/data/from"); string(data) != "hello\n" {
		t.Errorf("volume: %q, %v", data, err)
	}
}

func TestLayersAreBuiltAndBecomeImages(t *testing.T) {
	_, c, img := dockerOf(t, &Spec{}, "sh", "cat", "ls", "rm")
	one, err := c.NewLayer(t.Context(), img.Layer)
	if err != nil {
		t.Fatal(err)
	}
	says(t, c, docker.Run{Layer: one, InPlace: true, Args: []string{"/bin/sh", "-c", "echo one > /one; rm /bin/ls"}})
	built, err := c.Commit(t.Context(), docker.Commit{Layer: one, Name: "built"})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Run(t.Context(), docker.Run{Layer: one, InPlace: true, Args: []string{"/bin/sh"}}, nil, io.Discard, io.Discard); err == nil {
		t.Error("an image's layer is written to")
	}
	for range 2 { // each in a layer of its own
		if got := says(t, c, docker.Run{Layer: built.Layer, Args: []string{"/bin/sh", "-c", "cat /one; test -e /bin/ls || echo no ls; test -e /two || echo > /two && echo new"}}); got != "one\nno ls\nnew\n" {
			t.Errorf("in the image: %q", got)
		}
	}
	two, err := c.NewLayer(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	from, err := c.Get(t.Context(), built.Layer, "/on*")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Put(t.Context(), two, from); err != nil {
		t.Fatal(err)
	}
	again, err := c.Get(t.Context(), two, "one")
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(again)
	if err != nil || !bytes.Contains(data, []byte("one\n")) {
		t.Errorf("copied: %q, %v", data, err)
	}
	if err := c.RemoveImage(t.Context(), "built"); err != nil {
		t.Error(err)
	}
	if all, err := c.Images(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("images: %v, %v", all, err)
	}
}

func TestAContainersPortIsReachedFromItsInstance(t *testing.T) {
	i, c, img := dockerOf(t, &Spec{}, "sh", "sleep")
	_ = i
	ctx, cancel := context.WithCancel(t.Context())
	started := make(chan docker.Container, 1)
	ended := make(chan error, 1)
	go func() {
		ended <- c.Run(ctx, docker.Run{Layer: img.Layer, Name: "web", Args: []string{"/bin/sh", "-c", "echo up; sleep 60"}}, func(c docker.Container) { started <- c }, io.Discard, io.Discard)
	}()
	var about docker.Container
	select {
	case about = <-started:
	case err := <-ended:
		t.Fatal(err)
	}
	if about.Address != "172.17.0.2" || about.Name != "web" {
		t.Errorf("%+v", about)
	}
	deadline := time.Now().Add(10 * time.Second)
	for {
		if said, _ := c.Log(ctx, "web"); string(said) == "up\n" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("it says nothing")
		}
		time.Sleep(20 * time.Millisecond)
	}
	var out bytes.Buffer
	if err := c.Exec(ctx, "web", docker.Exec{Args: []string{"/bin/sh", "-c", "echo $B; exit 3"}, Env: []string{"B=c"}}, &out, io.Discard); err != docker.ExitError(3) || out.String() != "c\n" {
		t.Errorf("exec: %v, %q", err, out.String())
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
	for range 100 {
		if all, err := c.Containers(t.Context()); err == nil && len(all) == 0 {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Error("it still runs")
}

func TestHostileFilesStayInTheLayer(t *testing.T) {
	i, c, img := dockerOf(t, &Spec{}, "sh")
	l, err := c.NewLayer(t.Context(), img.Layer)
	if err != nil {
		t.Fatal(err)
	}
	outside := filepath.Join(t.TempDir(), "outside")
	var b bytes.Buffer
	archive(t, &b, "../../up", "x", "")
	archive(t, &b, "abs", "", filepath.Dir(outside))
	archive(t, &b, "abs/outside", "x", "")
	finishArchive(t, &b)
	if err := c.Put(t.Context(), l, &b); err != nil {
		t.Logf("refused: %v", err)
	}
	if _, err := os.Lstat(outside); err == nil {
		t.Error("a link led outside")
	}
	for _, m := range []docker.Mount{{Source: "relative", Target: "/x"}, {Source: "/srv", Target: "/"}, {Source: "/srv", Target: "x"}} {
		if err := c.Run(t.Context(), docker.Run{Layer: l, Args: []string{"/bin/sh"}, Mounts: []docker.Mount{m}}, nil, io.Discard, io.Discard); err == nil {
			t.Errorf("mounted %+v", m)
		}
	}
	_ = i
}

func TestWhoHasNoAccountThereIsRefused(t *testing.T) {
	_, c, img := dockerOf(t, &Spec{}, "sh")
	err := c.Run(t.Context(), docker.Run{Layer: img.Layer, Args: []string{"/bin/sh"}, User: "nobody-here"}, nil, io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "unable to find user nobody-here") {
		t.Errorf("got %v", err)
	}
	if _, err := c.Pull(t.Context(), docker.Pull{Name: "other"}); err == nil || err.Error() != "pull access denied for other" {
		t.Errorf("pull: %v", err)
	}
}

// archive adds a file, or a link to target, to an archive.
func archive(t *testing.T, b *bytes.Buffer, name, text, target string) {
	t.Helper()
	h := &tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(text))}
	if target != "" {
		h = &tar.Header{Name: name, Typeflag: tar.TypeSymlink, Linkname: target}
	}
	w := tar.NewWriter(b)
	if err := w.WriteHeader(h); err != nil {
		t.Fatal(err)
	}
	io.WriteString(w, text)
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
}

func finishArchive(t *testing.T, b *bytes.Buffer) {
	t.Helper()
	if err := tar.NewWriter(b).Close(); err != nil {
		t.Fatal(err)
	}
}

// ownContainer is owner with a container that ignores being asked to end.
func ownContainer(dir, root string) {
	i, err := Start(context.Background(), &Spec{ID: "i-0c0ffee", Dir: dir, Args: []string{"test-pid-1"},
		Pull: func(context.Context, docker.Pull) (*Pulled, error) {
			return &Pulled{Root: root, Digest: "sha256:" + strings.Repeat("ab", 32)}, nil
		}})
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
	c := docker.Dial(mountpointsOf(i.place.Token).socket())
	img, err := c.Pull(context.Background(), docker.Pull{Name: "test"})
	if err == nil {
		err = c.Run(context.Background(), docker.Run{Layer: img.Layer, Args: []string{"/bin/sh", "-c", "echo up; sleep 60; echo"}}, nil, os.Stdout, os.Stdout)
	}
	fmt.Println("failed:", err)
	os.Exit(1)
}

func TestAKilledOwnersContainersGoWithTheNextSweep(t *testing.T) {
	requireInstances(t)
	root, dir := testimage.Root(t, "sh", "sleep"), t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	o := exec.Command(self, "test-container-owner", dir, root)
	out, err := o.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "up\n" {
		t.Fatalf("it says %q, %v", line, err)
	}
	token := tokenIn(t, dir, "i-0c0ffee")
	o.Process.Kill()
	o.Wait()
	if err := Sweep(dir); err != nil {
		t.Fatal(err)
	}
	if left := traces(t, token); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
	groups, _ := filepath.Glob("/sys/fs/cgroup/*/" + dockerGroup(token))
	processes, _ := exec.Command("pgrep", "-f", "beanpole-"+token).Output()
	if len(groups) > 0 || len(processes) > 0 {
		t.Errorf("left: %q, processes %s", groups, processes)
	}
}
