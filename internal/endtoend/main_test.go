package endtoend

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// What TestMain builds once: the program, and the example with its application
// compiled and its certificates made.
var program, example string

const root = "../.."

// asInstance is what this program is on an instance, where one can run.
var asInstance = func(args []string) {}

func TestMain(m *testing.M) {
	asInstance(os.Args)
	flag.Parse()
	os.Exit(func() int {
		if lacking("runc", "nginx") != "" {
			return m.Run() // every test skips
		}
		dir, err := os.MkdirTemp("", "beanpole-endtoend.")
		if err == nil {
			defer os.RemoveAll(dir)
			err = build(dir)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return m.Run()
	}())
}

// build makes everything that the tests share.
func build(dir string) error {
	program, example = filepath.Join(dir, "beanpole"), filepath.Join(dir, "shop")
	if err := os.CopyFS(example, os.DirFS(filepath.Join(root, "examples", "https-from-s3"))); err != nil {
		return err
	}
	app := filepath.Join(example, "app")
	for _, argv := range [][]string{
		{"go", "build", "-o", program, "."},
		{"go", "run", "./examples/https-from-s3/certs", filepath.Join(example, "certs")},
		{"go", "build", "-C", app, "-o", "bin/application", "."},
	} {
		c := exec.Command(argv[0], argv[1:]...)
		c.Dir, c.Env = root, append(os.Environ(), "CGO_ENABLED=0")
		if out, err := c.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", strings.Join(argv, " "), err, out)
		}
	}
	// The instances need not compile it: that takes longer than all else.
	return os.Remove(filepath.Join(app, "Buildfile"))
}

// lacking says what this machine does not have, "" for nothing.
func lacking(commands ...string) string {
	switch {
	case testing.Short():
		return "instances are left out with -short"
	case runtime.GOOS != "linux":
		return "instances need Linux"
	case os.Getuid() != 0:
		return "instances need root"
	}
	for _, c := range commands {
		if _, err := exec.LookPath(c); err != nil {
			return "this machine has no " + c
		}
	}
	return ""
}

// shop is a copy of the example in a folder of its own, with ports of its own.
type shop struct {
	t                *testing.T
	dir              string
	api, https, http int
	seen             *traces
}

func newShop(t *testing.T) *shop {
	t.Helper()
	if why := lacking("runc", "nginx"); why != "" {
		t.Skip(why)
	}
	// Not t.TempDir: nothing may be deleted through a mount that was left.
	dir, err := os.MkdirTemp("", "beanpole-endtoend.")
	if err != nil {
		t.Fatal(err)
	}
	s := &shop{t: t, dir: filepath.Join(dir, "shop"), api: freePort(t), https: freePort(t), http: freePort(t)}
	if err := os.CopyFS(s.dir, os.DirFS(example)); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(s.dir, "app", "bin", "application"), 0o755); err != nil {
		t.Fatal(err)
	}
	s.seen = follow(t, s.state())
	t.Cleanup(func() {
		if r := s.run("down"); r.status != 0 {
			t.Errorf("down: %s", r)
		}
		if found := s.seen.left(); len(found) > 0 {
			t.Errorf("left behind:\n  %s", strings.Join(found, "\n  "))
			return
		}
		os.RemoveAll(dir)
	})
	return s
}

func (s *shop) state() string { return filepath.Join(s.dir, ".beanpole") }

// fix names role and profile the same, as the story ends.
func (s *shop) fix() {
	s.t.Helper()
	if r := s.run("fix", "app", "--template", "infra.yaml", "--write"); r.status != 0 {
		s.t.Fatalf("fix: %s", r)
	}
}

// edit replaces a text, which must be there, in one of the shop's files.
func (s *shop) edit(name, old, new string) {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	data, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(data), old) {
		s.t.Fatalf("%s lacks %q (%v)", name, old, err)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(data), old, new, 1)), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// upArgs deploy the shop.
func (s *shop) upArgs(more ...string) []string {
	return append([]string{"up", "app", "--template", "infra.yaml",
		"--port", fmt.Sprint(s.api), "--listen", fmt.Sprintf("443=%d", s.https), "--listen", fmt.Sprintf("80=%d", s.http),
		"--object", "s3://shop-certificates/server.crt=certs/server.crt",
		"--object", "s3://shop-certificates/server.key=certs/server.key"}, more...)
}

// ended is how a program ended.
type ended struct {
	status    int
	out, errs string
}

func (e ended) String() string { return fmt.Sprintf("status %d\n%s%s", e.status, e.out, e.errs) }

// running is a program that runs.
type running struct {
	*exec.Cmd
	out, errs buffer
	done      chan struct{}
}

// buffer may be read while it is written.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// environment is this process's without what AWS's tools take from it.
func environment(more ...string) []string {
	var env []string
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "AWS_") {
			env = append(env, e)
		}
	}
	return append(env, more...)
}

// start runs beanpole in the shop's folder.
func (s *shop) start(args ...string) *running {
	s.t.Helper()
	r := &running{Cmd: exec.Command(program, args...), done: make(chan struct{})}
	r.Dir, r.Env, r.Stdout, r.Stderr = s.dir, environment(), &r.out, &r.errs
	if err := r.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() {
		r.Wait()
		close(r.done)
	}()
	return r
}

// end waits for a program; one that takes more than a minute has failed.
func (s *shop) end(r *running) ended {
	s.t.Helper()
	select {
	case <-r.done:
	case <-time.After(time.Minute):
		r.Process.Kill()
		<-r.done
		s.t.Errorf("%v did not end within a minute", r.Args)
	}
	return ended{r.ProcessState.ExitCode(), r.out.String(), r.errs.String()}
}

func (s *shop) run(args ...string) ended {
	s.t.Helper()
	return s.end(s.start(args...))
}

// must runs beanpole and wants a status.
func (s *shop) must(status int, args ...string) ended {
	s.t.Helper()
	r := s.run(args...)
	if r.status != status {
		s.t.Fatalf("beanpole %s: want status %d: %s", strings.Join(args, " "), status, r)
	}
	return r
}

// down ends everything, and nothing may be left.
func (s *shop) down() {
	s.t.Helper()
	s.must(0, "down")
	s.gone()
}

// gone wants nothing of the shop on this machine but its own files.
func (s *shop) gone() {
	s.t.Helper()
	if _, err := os.Stat(s.state()); !errors.Is(err, os.ErrNotExist) {
		s.t.Errorf("the state folder is left: %v", err)
	}
	if found := s.seen.left(); len(found) > 0 {
		s.t.Errorf("left behind:\n  %s", strings.Join(found, "\n  "))
	}
}

// soon waits for something that takes a moment.
func (s *shop) soon(what string, is func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(40 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("waited 40 s in vain until %s", what)
		}
	}
}

// instances are the folders of the instances that there are.
func (s *shop) instances() []string {
	all, _ := filepath.Glob(filepath.Join(s.state(), "instances", "i-*"))
	return all
}

// free ports come from a range in which nothing asks the kernel for any port.
var (
	portMu   sync.Mutex
	lastPort = 22000 + os.Getpid()%40
)

func freePort(t *testing.T) int {
	portMu.Lock()
	defer portMu.Unlock()
	for range 100 {
		lastPort++
		if lastPort > 22099 {
			lastPort = 22000
		}
		if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", lastPort)); err == nil {
			l.Close()
			return lastPort
		}
	}
	t.Fatal("no free port from 22000 to 22099")
	return 0
}

// serverPID is the process of the background server, 0 for none.
func (s *shop) serverPID() int {
	data, err := os.ReadFile(filepath.Join(s.state(), "serve.json"))
	if err != nil {
		return 0
	}
	m := regexp.MustCompile(`"pid":(\d+)`).FindSubmatch(data)
	if m == nil {
		return 0
	}
	var pid int
	fmt.Sscan(string(m[1]), &pid)
	return pid
}

func (s *shop) kill(pid int, sig syscall.Signal) {
	s.t.Helper()
	if err := syscall.Kill(pid, sig); err != nil {
		s.t.Fatalf("signal process %d: %v", pid, err)
	}
}

// contains wants texts in an output, however it is wrapped.
func contains(t *testing.T, out string, all ...string) {
	t.Helper()
	flat := strings.Join(strings.Fields(out), " ")
	for _, want := range all {
		if !strings.Contains(flat, strings.Join(strings.Fields(want), " ")) {
			t.Errorf("output lacks %q:\n%s", want, out)
		}
	}
}

// oneLine wants a user's mistake told as such.
func oneLine(t *testing.T, r ended, status int, all ...string) {
	t.Helper()
	if r.status != status || strings.Count(r.errs, "\n") != 1 || !strings.HasPrefix(r.errs, "beanpole: ") {
		t.Errorf("want status %d and one line: %s", status, r)
	}
	contains(t, r.errs, all...)
}

// output runs another program.
func output(ctx context.Context, env []string, stdin io.Reader, argv ...string) ended {
	c := exec.CommandContext(ctx, argv[0], argv[1:]...)
	var out, errs bytes.Buffer
	c.Env, c.Stdin, c.Stdout, c.Stderr = env, stdin, &out, &errs
	if err := c.Run(); err != nil && c.ProcessState == nil {
		return ended{-1, "", err.Error()}
	}
	return ended{c.ProcessState.ExitCode(), out.String(), errs.String()}
}
