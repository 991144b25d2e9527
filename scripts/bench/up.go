package main

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// upBench measures `up` of the mended example to the first HTTPS answer, and
// beside it what nobody can leave out: runc starting a container, nginx
// starting, the application starting. The application is built beforehand, as
// a bundle made by a build server is: building it would take longer than all
// else together and hide what is measured.
func upBench(self, example string, runs int) error {
	if os.Getuid() != 0 {
		fmt.Println("up: skipped, it needs root")
		return nil
	}
	work, err := os.MkdirTemp("", "beanpole-bench.")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if err := prepare(self, example, work); err != nil {
		return err
	}
	parts := []struct {
		name string
		run  func() (measured, error)
	}{
		{"runc start", func() (measured, error) { return runcStart(work) }},
		{"nginx start", func() (measured, error) { return nginxStart(work) }},
		{"application start", func() (measured, error) { return appStart(work) }},
	}
	var sum time.Duration
	for _, p := range parts {
		m, err := median(runs, p.run)
		if err != nil {
			return err
		}
		sum += m.time
		fmt.Printf("  %-18s %v\n", p.name, m.time.Round(time.Millisecond/10))
	}
	m, err := median(runs, func() (measured, error) { return up(self, work) })
	if err != nil {
		return err
	}
	fmt.Printf("up to the first HTTPS 200: %v, %.1f times the unavoidable parts (goal: at most 2)\n",
		m.time.Round(time.Millisecond), float64(m.time)/float64(sum))
	return nil
}

func prepare(self, example, work string) error {
	steps := [][]string{
		{"cp", "-r", example + "/.", work},
		{"go", "run", "./" + filepath.Join(example, "certs"), filepath.Join(work, "certs")},
		{self, "fix", filepath.Join(work, "app"), "--template", filepath.Join(work, "infra.yaml"), "--write"},
		{"go", "-C", filepath.Join(work, "app"), "build", "-o", "bin/application", "."},
		{"rm", filepath.Join(work, "app", "Buildfile")},
	}
	for _, s := range steps {
		c := exec.Command(s[0], s[1:]...)
		c.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := c.CombinedOutput(); err != nil {
			return fmt.Errorf("%v: %v\n%s", s, err, out)
		}
	}
	return nil
}

// up is one whole deployment from nothing, until HTTPS answers.
func up(self, work string) (measured, error) {
	c := exec.Command(self, "up", "app", "--template", "infra.yaml",
		"--object", "s3://shop-certificates/server.crt=certs/server.crt",
		"--object", "s3://shop-certificates/server.key=certs/server.key")
	c.Dir = work
	start := time.Now()
	if err := c.Start(); err != nil {
		return measured{}, err
	}
	defer func() {
		c.Wait()
		down := exec.Command(self, "down")
		down.Dir = work
		down.Run()
	}()
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		// How long it takes is measured here, not who vouches for the certificate.
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}}
	for time.Since(start) < time.Minute {
		r, err := client.Get("https://localhost:8443/")
		if err == nil {
			r.Body.Close()
			if r.StatusCode == http.StatusOK {
				return measured{time: time.Since(start)}, nil
			}
		}
		time.Sleep(time.Millisecond)
	}
	return measured{}, fmt.Errorf("up: no HTTPS 200 within a minute")
}

// runcStart is a container over an overlay of this machine's root, from
// nothing to its first program's end.
func runcStart(work string) (measured, error) {
	dir := filepath.Join(work, "runc")
	for _, d := range []string{"upper", "work", "rootfs"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			return measured{}, err
		}
	}
	defer os.RemoveAll(dir)
	if _, err := process(dir, []int{0}, "runc", "spec"); err != nil {
		return measured{}, err
	}
	if err := quiet(filepath.Join(dir, "config.json")); err != nil {
		return measured{}, err
	}
	start := time.Now()
	root := filepath.Join(dir, "rootfs")
	layers := fmt.Sprintf("lowerdir=/,upperdir=%s/upper,workdir=%s/work", dir, dir)
	if err := syscall.Mount("overlay", root, "overlay", 0, layers); err != nil {
		return measured{}, fmt.Errorf("mount overlay: %w", err)
	}
	defer syscall.Unmount(root, syscall.MNT_DETACH)
	_, err := process(dir, []int{0}, "runc", "run", fmt.Sprintf("beanpole-bench-%d", os.Getpid()))
	return measured{time: time.Since(start)}, err
}

// quiet makes runc's example container run /bin/true without a terminal.
func quiet(config string) error {
	data, err := os.ReadFile(config)
	if err != nil {
		return err
	}
	var c map[string]any
	if err := json.Unmarshal(data, &c); err != nil {
		return err
	}
	p := c["process"].(map[string]any)
	p["terminal"], p["args"] = false, []string{"/bin/true"}
	delete(p, "rlimits")
	c["root"].(map[string]any)["readonly"] = false
	if data, err = json.Marshal(c); err != nil {
		return err
	}
	return os.WriteFile(config, data, 0o600)
}

func nginxStart(work string) (measured, error) {
	conf := filepath.Join(work, "nginx.conf")
	text := fmt.Sprintf(`pid %[1]s/nginx.pid; error_log %[1]s/error.log;
events {} http { access_log off; server { listen 127.0.0.1:18443 ssl;
ssl_certificate %[1]s/certs/server.crt; ssl_certificate_key %[1]s/certs/server.key; } }`, work)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		return measured{}, err
	}
	return untilAccepts("127.0.0.1:18443", exec.Command("nginx", "-c", conf, "-g", "daemon off;"))
}

func appStart(work string) (measured, error) {
	c := exec.Command(filepath.Join(work, "app", "bin", "application"))
	c.Env = append(slices.DeleteFunc(os.Environ(), func(s string) bool { return len(s) > 4 && s[:5] == "PORT=" }), "PORT=15000")
	return untilAccepts("127.0.0.1:15000", c)
}

// untilAccepts starts a server, waits until it accepts, and ends it.
func untilAccepts(address string, c *exec.Cmd) (measured, error) {
	start := time.Now()
	if err := c.Start(); err != nil {
		return measured{}, err
	}
	defer func() {
		c.Process.Signal(syscall.SIGTERM)
		c.Wait()
	}()
	for time.Since(start) < 10*time.Second {
		if conn, err := net.Dial("tcp", address); err == nil {
			took := time.Since(start)
			conn.Close()
			return measured{time: took}, nil
		}
		time.Sleep(time.Millisecond / 2)
	}
	return measured{}, fmt.Errorf("%s: nothing accepts at %s", c.Path, address)
}
