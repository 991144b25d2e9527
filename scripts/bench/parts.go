//go:build linux

package main

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// The parts run on what a real instance was made of: rehearse deploys once and
// keeps that instance's container configuration and its disk, as it was when
// nginx and the application ran there. So the container has the same network
// namespace, seccomp profile and mounts, nginx the platform's configuration
// with the user's certificate, the application the platform's command line.

func (s *stage) layer() string { return filepath.Join(s.dir, "layer") }

// rehearse is a deployment that is not counted.
func (s *stage) rehearse() error {
	_, err := s.deploy(func() error {
		found, err := filepath.Glob(filepath.Join(s.state(), "instances", "*", "config.json"))
		if err != nil || len(found) == 0 {
			return fmt.Errorf("find the instance's container below %s: %v", s.state(), err)
		}
		if err := os.Rename(found[0], filepath.Join(s.dir, "instance.json")); err != nil {
			return err
		}
		out, err := exec.Command("cp", "-a", filepath.Join(filepath.Dir(found[0]), "disk", "upper"), s.layer()).CombinedOutput()
		if err != nil {
			return fmt.Errorf("keep the instance's disk: %w: %s", err, out)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.movePorts()
}

var listens = regexp.MustCompile(`(?m)^(\s*listen\s+)(80|443)\b`)

func (s *stage) nginxPort() int       { return s.port + 3 }
func (s *stage) applicationPort() int { return s.port + 4 }

// movePorts lets nginx's configuration listen where this machine's own servers
// don't: its TLS at nginxPort, port 80 where the kernel likes it.
func (s *stage) movePorts() error {
	root := filepath.Join(s.layer(), "etc", "nginx")
	return filepath.WalkDir(root, func(p string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		text := listens.ReplaceAllStringFunc(string(data), func(m string) string {
			if before, ok := strings.CutSuffix(m, "443"); ok {
				return before + fmt.Sprintf("127.0.0.1:%d", s.nginxPort())
			}
			return strings.TrimSuffix(m, "80") + "unix:/run/nginx-80.sock"
		})
		return os.WriteFile(p, []byte(text), 0o644)
	})
}

// disk makes a folder with a copy of the kept disk in it.
func (s *stage) disk() (dir string, err error) {
	if dir, err = os.MkdirTemp(s.dir, "root."); err != nil {
		return "", err
	}
	for _, d := range []string{"work", "root"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			return "", err
		}
	}
	if out, err := exec.Command("cp", "-a", s.layer(), filepath.Join(dir, "upper")).CombinedOutput(); err != nil {
		return "", fmt.Errorf("copy the instance's disk: %w: %s", err, out)
	}
	return dir, nil
}

// mount puts a disk over this machine's root, as an instance's is.
func mount(dir string) (root string, err error) {
	root = filepath.Join(dir, "root")
	layers := fmt.Sprintf("lowerdir=/,upperdir=%s/upper,workdir=%s/work", dir, dir)
	if err := syscall.Mount("overlay", root, "overlay", 0, layers); err != nil {
		return "", fmt.Errorf("mount overlay: %w", err)
	}
	return root, nil
}

// discard unmounts a disk and removes it.
func discard(dir string) {
	if syscall.Unmount(filepath.Join(dir, "root"), 0) == nil {
		os.RemoveAll(dir) // never through a mount
	}
}

// runcStart is a container over an overlay of this machine's root, from
// nothing to its first program's first word.
func (s *stage) runcStart() (took time.Duration, err error) {
	dir, err := s.disk()
	if err != nil {
		return 0, err
	}
	start := time.Now()
	root, err := mount(dir)
	if err != nil {
		return 0, err
	}
	defer discard(dir)
	if err := s.container(dir, root); err != nil {
		return 0, err
	}
	c := exec.Command("runc", "--root", filepath.Join(dir, "runc"), "run", "--bundle", dir, fmt.Sprintf("beanpole-bench-%d", os.Getpid()))
	out, err := c.StdoutPipe()
	if err != nil {
		return 0, err
	}
	c.Stderr = os.Stderr
	if err := c.Start(); err != nil {
		return 0, err
	}
	_, err = bufio.NewReader(out).ReadByte()
	took = time.Since(start)
	return took, errors.Join(err, c.Wait())
}

// container is the instance's container with a program that says one word, and
// with a new network namespace in the place of the instance's.
func (s *stage) container(dir, root string) error {
	data, err := os.ReadFile(filepath.Join(s.dir, "instance.json"))
	if err != nil {
		return err
	}
	var o specs.Spec
	if err := json.Unmarshal(data, &o); err != nil {
		return err
	}
	o.Root.Path = root
	o.Process.Args = []string{"/bin/echo", "ready"}
	o.Linux.CgroupsPath = fmt.Sprintf("/beanpole-bench-%d", os.Getpid())
	for i := range o.Linux.Namespaces {
		o.Linux.Namespaces[i].Path = ""
	}
	for i, m := range o.Mounts {
		if m.Type == "bind" && strings.HasPrefix(m.Source, s.state()) { // went with the instance
			o.Mounts[i].Source = filepath.Join(dir, "cache")
			if err := os.Mkdir(o.Mounts[i].Source, 0o700); err != nil {
				return err
			}
		}
	}
	if data, err = json.Marshal(o); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "config.json"), data, 0o600)
}

// nginxStart is the time until a TLS handshake succeeds.
func (s *stage) nginxStart() (time.Duration, error) {
	c := exec.Command("/usr/sbin/nginx", "-g", "daemon off;")
	c.SysProcAttr = &syscall.SysProcAttr{}
	return s.untilReady(c, func() error {
		conn, err := tls.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.nginxPort()), &tls.Config{InsecureSkipVerify: true})
		if err == nil {
			conn.Close()
		}
		return err
	})
}

// applicationStart is the time until the application accepts connections.
func (s *stage) applicationStart() (time.Duration, error) {
	uid, gid, err := s.user("webapp")
	if err != nil {
		return 0, err
	}
	c := exec.Command("/bin/sh", "-c", "bin/application")
	c.Dir = "/var/app/current"
	c.Env = []string{"PATH=/usr/bin:/bin", fmt.Sprintf("PORT=%d", s.applicationPort())}
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: gid}}
	return s.untilReady(c, func() error {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.applicationPort()))
		if err == nil {
			conn.Close()
		}
		return err
	})
}

// user looks a user of the instance up.
func (s *stage) user(name string) (uid, gid uint32, err error) {
	data, err := os.ReadFile(filepath.Join(s.layer(), "etc", "passwd"))
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(data)) {
		if f := strings.Split(line, ":"); f[0] == name {
			u, err1 := strconv.ParseUint(f[2], 10, 32)
			g, err2 := strconv.ParseUint(f[3], 10, 32)
			return uint32(u), uint32(g), errors.Join(err1, err2)
		}
	}
	return 0, 0, fmt.Errorf("the instance has no user %s", name)
}

// untilReady starts a server on the instance's disk, in a process group of its
// own, waits until it is ready, and ends it.
func (s *stage) untilReady(c *exec.Cmd, ready func() error) (took time.Duration, err error) {
	dir, err := s.disk()
	if err != nil {
		return 0, err
	}
	root, err := mount(dir)
	if err != nil {
		return 0, err
	}
	defer discard(dir)
	c.SysProcAttr.Chroot, c.SysProcAttr.Setpgid = root, true
	start := time.Now()
	if err := c.Start(); err != nil {
		return 0, err
	}
	defer func() {
		syscall.Kill(-c.Process.Pid, syscall.SIGTERM)
		c.Wait()
		for syscall.Kill(-c.Process.Pid, 0) == nil { // nginx's workers
			time.Sleep(time.Millisecond)
		}
	}()
	for time.Since(start) < 10*time.Second {
		if err = ready(); err == nil {
			return time.Since(start), nil
		}
		time.Sleep(time.Millisecond / 5)
	}
	return 0, fmt.Errorf("%s: not ready after 10 seconds: %w", c.Path, err)
}
