//go:build linux

package main

import (
	"fmt"
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
// nobody can leave out who takes AWS's steps: the bundle's way into S3 and onto the
// instance (see bundleMoves), nginx testing its configuration, nginx starting, the
// application starting. Not among the parts, and so all of it beanpole's own: the
// start of the command, the calls of the API and the service's records, what
// cfn-init asks of CloudFormation, instance metadata and S3, and the end of the
// old application and nginx.
func (b *bench) redeploy() error {
	s, done, err := b.stage("redeploy")
	if s == nil {
		return err
	}
	defer done()
	changed := 0
	things := []timed{
		{"bundle: zip, HTTP PUT, HTTPS GET, unpack", s.bundleMoves},
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
