//go:build linux

package main

import (
	"archive/zip"
	"bytes"
	"crypto/md5"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// timesRedeployed is the goal of `deploy`: less than this many times the sum of
// its parts.
const timesRedeployed = 1.5

// redeploy measures `deploy` of the mended example with one file changed, from
// the command to the first answer that shows the change, and beside it what
// nobody can leave out: the bundle's way into S3 and onto the instance, nginx
// testing its configuration, nginx starting, the application starting.
func (b *bench) redeploy() error {
	s, done, err := b.stage("redeploy")
	if s == nil {
		return err
	}
	defer done()
	changed := 0
	things := []timed{
		{"the bundle is zipped, stored and unpacked", s.bundleMoves},
		{"nginx tests its configuration", s.nginxTest},
		{"nginx starts, with its TLS", s.nginxStart},
		{"the application starts", s.applicationStart},
		{"deploy to the first answer of the change", func() (time.Duration, error) { changed++; return s.change(changed) }},
	}
	var ratio float64
	var sum time.Duration
	_, err = s.deploy(func() (err error) {
		ratio, sum, err = s.turns(things)
		return err
	})
	if err == nil {
		b.goal(ratio < timesRedeployed, "deploy under %.1f times the sum of its parts, %v (it is %.2f times)", timesRedeployed, tenth(sum), ratio)
	}
	return err
}

// change deploys the example with a header of its own to the environment that
// runs, and waits until that shows.
func (s *stage) change(n int) (took time.Duration, err error) {
	file := filepath.Join(s.dir, "app", ".platform", "nginx", "conf.d", "elasticbeanstalk", "version.conf")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return 0, err
	}
	if err := os.WriteFile(file, fmt.Appendf(nil, "add_header X-Version %d always;\n", n), 0o644); err != nil {
		return 0, err
	}
	c := exec.Command(s.program, "deploy", "app", "--state", s.state())
	c.Dir = s.dir
	out, err := os.Create(filepath.Join(s.dir, "deploy.txt"))
	if err != nil {
		return 0, err
	}
	defer out.Close()
	c.Stdout, c.Stderr = out, out
	start := time.Now()
	if err := c.Start(); err != nil {
		return 0, err
	}
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for took == 0 && time.Since(start) < time.Minute {
		r, err := client.Get(fmt.Sprintf("http://127.0.0.1:%d/", s.httpPort()))
		if err == nil {
			r.Body.Close()
			if r.StatusCode == http.StatusOK && r.Header.Get("X-Version") == fmt.Sprint(n) {
				took = time.Since(start)
			}
		}
		time.Sleep(time.Millisecond / 2)
	}
	if err = c.Wait(); err != nil || took == 0 {
		text, _ := os.ReadFile(out.Name())
		return 0, fmt.Errorf("deploy: %v\n%s", err, text)
	}
	return took, nil
}

// nginxTest is nginx's test of the configuration, which the platform makes
// before each start.
func (s *stage) nginxTest() (time.Duration, error) {
	dir, err := s.disk()
	if err != nil {
		return 0, err
	}
	root, err := mount(dir)
	if err != nil {
		return 0, err
	}
	defer discard(dir)
	start := time.Now()
	out, err := exec.Command("chroot", root, "/usr/sbin/nginx", "-t").CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("nginx -t: %w: %s", err, out)
	}
	return time.Since(start), nil
}

// bundleMoves is the way of a bundle: a zip of its files, S3's MD5 of it, one
// file, and the files again.
func (s *stage) bundleMoves() (time.Duration, error) {
	dir, err := os.MkdirTemp(s.dir, "moved.")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	start := time.Now()
	app := filepath.Join(s.dir, "app")
	var packed bytes.Buffer
	z := zip.NewWriter(&packed)
	err = filepath.WalkDir(app, func(p string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(app, p)
		w, err := z.CreateHeader(&zip.FileHeader{Name: name})
		if err == nil {
			_, err = w.Write(data)
		}
		return err
	})
	if err = errors.Join(err, z.Close()); err != nil {
		return 0, err
	}
	md5.Sum(packed.Bytes())
	file := filepath.Join(dir, "bundle.zip")
	if err := os.WriteFile(file, packed.Bytes(), 0o600); err != nil {
		return 0, err
	}
	r, err := zip.OpenReader(file)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	err = os.CopyFS(filepath.Join(dir, "staging"), r)
	return time.Since(start), err
}
