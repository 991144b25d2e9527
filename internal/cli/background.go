package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// serveHere starts the project's local AWS in the background.
func (t *turn) serveHere(f *serveFlags) (*serving, error) {
	if err := t.project.startServing(f); err != nil {
		var refused *exitError
		if t.fresh && errors.As(err, &refused) {
			os.RemoveAll(t.project.dir) // made for nothing, and its log says no more
		}
		return nil, err
	}
	s, err := t.project.serving()
	if err == nil && s == nil {
		err = fmt.Errorf("start the local AWS: it ended at once; see %s", t.project.path("serve.log"))
	}
	return s, err
}

// startServing runs `serve` as a process of its own that outlives this one,
// and waits until it is ready.
func (p *project) startServing(f *serveFlags) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find beanpole's own program: %w", err)
	}
	log, err := p.openOwn("serve.log", os.O_CREATE|os.O_WRONLY|os.O_TRUNC)
	if err != nil {
		return fmt.Errorf("open the local AWS's log: %w", err)
	}
	defer log.Close()
	ready, write, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("make a pipe: %w", err)
	}
	defer ready.Close()
	c := exec.Command(self, "serve", "--ready-fd", "--state", p.dir, "--port", strconv.Itoa(f.port), "--region", f.region, "--account", f.account)
	for _, l := range f.ports {
		c.Args = append(c.Args, "--listen", l)
	}
	for _, i := range f.images {
		c.Args = append(c.Args, "--docker-image", i)
	}
	if f.realTime {
		c.Args = append(c.Args, "--real-time")
	}
	if f.image != "" {
		c.Args = append(c.Args, "--image", f.image, "--unpacked", f.unpacked)
	}
	if f.root != "" {
		c.Args = append(c.Args, "--root", f.root)
	}
	if f.offline {
		c.Args = append(c.Args, "--offline")
	}
	c.Stdout, c.Stderr = log, log
	c.ExtraFiles = []*os.File{write}
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = c.Start()
	write.Close()
	if err != nil {
		return fmt.Errorf("start the local AWS: %w", err)
	}
	line, _ := bufio.NewReader(ready).ReadString('\n')
	line = strings.TrimSpace(line)
	if line == "ready" {
		return c.Process.Release()
	}
	c.Wait()
	code, message, ok := strings.Cut(line, " ")
	if n, err := strconv.Atoi(code); ok && err == nil {
		return &exitError{n, message}
	}
	return fmt.Errorf("start the local AWS: it ended without a word; see %s", p.path("serve.log"))
}

// own sends a request to the running server's own door.
func (s *serving) own(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, s.url()+ownPrefix+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+s.Token)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, fmt.Errorf("ask the local AWS: %w", err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("ask the local AWS: %s", strings.TrimSpace(string(data)))
	}
	return data, err
}

// put hands an object over that is to lie in its bucket from the moment that
// the bucket exists.
func (s *serving) put(ctx context.Context, bucket, key string, data []byte) error {
	_, err := s.own(ctx, "PUT", "objects/"+bucket+"/"+(&url.URL{Path: key}).EscapedPath(), data)
	return err
}

// endWait is how long a local AWS may take to end, instances that do not
// answer included.
const endWait = 30 * time.Second

// end stops the server and waits until it is gone.
func (p *project) end(ctx context.Context, s *serving) error {
	if _, err := s.own(ctx, "POST", "stop", nil); err != nil && alive(s.PID) {
		// It does not answer: ask the process itself.
		syscall.Kill(s.PID, syscall.SIGTERM)
	}
	for deadline := time.Now().Add(endWait); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if free, err := p.lockFree(); err != nil || free {
			return err
		}
	}
	syscall.Kill(s.PID, syscall.SIGKILL)
	return fmt.Errorf("end the local AWS: process %d did not end within 30 seconds and was killed; run down again", s.PID)
}
