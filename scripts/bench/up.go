//go:build linux

package main

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// timesParts is the goal of `up`: at most this many times the sum of the parts.
const timesParts = 2

// stage is the folder in which `up` and its parts are measured.
type stage struct {
	*bench
	dir string
}

// up measures `up` of the mended example, from nothing, to the first HTTPS
// answer, and beside it what nobody can leave out: runc starting the
// instance's container, nginx starting, the application starting. They take
// turns, so that what else the machine does meets all of them. The application
// is built beforehand, as a bundle made by a build server is: building it
// would take longer than all else together and hide what is measured.
func (b *bench) up() error {
	s, done, err := b.stage("up")
	if s == nil {
		return err
	}
	defer done()
	ratio, sum, err := s.turns([]timed{
		{"runc starts the instance's container", s.runcStart},
		{"nginx starts, with its TLS", s.nginxStart},
		{"the application starts", s.applicationStart},
		{"up to the first HTTPS 200", func() (time.Duration, error) { return s.deploy(nil) }},
	})
	if err == nil {
		b.goal(ratio <= timesParts, "up at most %d times the sum of its parts, %v (it is %.2f times)", timesParts, tenth(sum), ratio)
	}
	return err
}

// stage prepares the folder in which something is measured, and deploys once
// there; nil where it cannot be measured.
func (b *bench) stage(name string) (s *stage, done func(), err error) {
	if os.Getuid() != 0 {
		fmt.Printf("%s: skipped, it needs root\n", name)
		return nil, nil, nil
	}
	dir, err := os.MkdirTemp("", "beanpole-bench.")
	if err != nil {
		return nil, nil, err
	}
	s = &stage{b, dir}
	if err = s.prepare(); err == nil {
		err = s.rehearse()
	}
	if err != nil {
		os.RemoveAll(dir)
		return nil, nil, err
	}
	return s, func() { os.RemoveAll(dir) }, nil
}

// timed is one thing that is measured.
type timed struct {
	name string
	run  func() (time.Duration, error)
}

// turns measures things in turns. The ratio is that of the last one to the sum
// of the others.
func (s *stage) turns(things []timed) (ratio float64, sum time.Duration, err error) {
	times := make([][]time.Duration, len(things))
	for range s.runs {
		for i, t := range things {
			took, err := t.run()
			if err != nil {
				return 0, 0, fmt.Errorf("%s: %w", t.name, err)
			}
			times[i] = append(times[i], took)
		}
	}
	var last time.Duration
	for i, t := range things {
		last = median(times[i])
		fmt.Printf("  %-42s %v\n", t.name, tenth(last))
		if s.detailed {
			fmt.Printf("    %v\n", times[i])
		}
		if i < len(things)-1 {
			sum += last
		}
	}
	return float64(last) / float64(sum), sum, nil
}

// prepare copies the example, mends it and builds its application.
func (s *stage) prepare() error {
	app := filepath.Join(s.dir, "app")
	steps := [][]string{
		{"cp", "-r", s.example + "/.", s.dir},
		{"go", "run", "./" + filepath.Join("examples", filepath.Base(s.example), "certs"), filepath.Join(s.dir, "certs")},
		{s.program, "fix", app, "--template", filepath.Join(s.dir, "infra.yaml"), "--write"},
		{"go", "-C", app, "build", "-o", "bin/application", "."},
		{"rm", filepath.Join(app, "Buildfile")},
	}
	for _, step := range steps {
		c := exec.Command(step[0], step[1:]...)
		c.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := c.CombinedOutput(); err != nil {
			return fmt.Errorf("%v: %v\n%s", step, err, out)
		}
	}
	return nil
}

// The ports of a deployment.
func (s *stage) apiPort() int   { return s.port }
func (s *stage) httpPort() int  { return s.port + 1 }
func (s *stage) httpsPort() int { return s.port + 2 }

func (s *stage) state() string { return filepath.Join(s.dir, ".beanpole") }

// upArgs deploy the example.
func (s *stage) upArgs() []string {
	return []string{"up", "app", "--template", "infra.yaml", "--state", s.state(),
		"--port", fmt.Sprint(s.apiPort()), "--listen", fmt.Sprintf("80=%d", s.httpPort()), "--listen", fmt.Sprintf("443=%d", s.httpsPort()),
		"--object", "s3://shop-certificates/server.crt=certs/server.crt",
		"--object", "s3://shop-certificates/server.key=certs/server.key"}
}

// deploy is one whole deployment from nothing, until HTTPS answers. While the
// environment runs, look may look at it.
func (s *stage) deploy(look func() error) (took time.Duration, err error) {
	c := exec.Command(s.program, s.upArgs()...)
	c.Dir = s.dir
	out, err := os.Create(filepath.Join(s.dir, "up.txt"))
	if err != nil {
		return 0, err
	}
	defer out.Close()
	c.Stdout, c.Stderr = out, out
	start := time.Now()
	if err := c.Start(); err != nil {
		return 0, err
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	took, err = s.answers(start, ended)
	if err == nil {
		err = <-ended
	}
	if err != nil {
		text, _ := os.ReadFile(out.Name())
		err = fmt.Errorf("%w\n%s", err, text)
	} else if look != nil {
		err = look()
	}
	if text, downErr := exec.Command(s.program, "down", "--state", s.state()).CombinedOutput(); err == nil && downErr != nil {
		err = fmt.Errorf("down: %w\n%s", downErr, text)
	}
	return took, err
}

// answers waits for the first HTTPS 200; when `up` fails before, it is over.
func (s *stage) answers(start time.Time, ended chan error) (time.Duration, error) {
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		// How long it takes is measured here, not who vouches for the certificate.
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}}
	for time.Since(start) < time.Minute {
		r, err := client.Get(fmt.Sprintf("https://127.0.0.1:%d/", s.httpsPort()))
		if err == nil {
			r.Body.Close()
			if r.StatusCode == http.StatusOK {
				return time.Since(start), nil
			}
		}
		select {
		case err := <-ended:
			if err != nil {
				return 0, err
			}
			ended <- nil
		case <-time.After(time.Millisecond):
		}
	}
	return 0, fmt.Errorf("no HTTPS 200 within a minute")
}
