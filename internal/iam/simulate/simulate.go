// Package simulate asks another judge of IAM policies: the npm package
// iam-simulate, which runs as a process of its own. It is a tool of the tests
// and of the benchmark, is fetched by npm when they want it, and is no part of
// the program.
package simulate

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// Version is that of the npm package.
const Version = "0.1.173"

const npmPackage = "@cloud-copilot/iam-simulate"

//go:embed driver.mjs
var driver string

// ErrMissing is wrapped by Start's error when this machine has no Node, no npm,
// or no way to the npm package: then there is nothing to compare with.
var ErrMissing = errors.New("iam-simulate cannot be had here")

// Judge is a running process. It is for one caller at a time.
type Judge struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// Answer is the judge's word on one simulation.
type Answer struct {
	Result      string  // "Allowed", "ExplicitlyDenied", "ImplicitlyDenied"
	Error       string  // why there is no result
	Nanoseconds float64 // what one decision took, when asked by Time
}

// Start installs the package in the user's cache, once for each version, and
// starts the judge.
func Start() (*Judge, error) {
	node, err := exec.LookPath("node")
	if err != nil {
		return nil, fmt.Errorf("%w: node is not installed", ErrMissing)
	}
	dir, err := installed()
	if err != nil {
		return nil, err
	}
	c := exec.Command(node, "--input-type=module", "-e", driver) // finds packages from its folder
	c.Dir, c.Env, c.Stderr = dir, append(os.Environ(), "TZ=UTC"), os.Stderr
	in, err := c.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.Start(); err != nil {
		return nil, fmt.Errorf("start iam-simulate: %w", err)
	}
	return &Judge{c, in, bufio.NewReaderSize(out, 1<<16)}, nil
}

// installed is the folder in which the package is.
func installed() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("%w: %v", ErrMissing, err)
	}
	dir := filepath.Join(cache, "beanpole-tests", "iam-simulate-"+Version)
	if _, err := os.Stat(dir); err != nil {
		if err := install(dir); err != nil {
			return "", err
		}
	}
	return dir, nil
}

// install lets npm work in a new folder, which then takes its place in one
// step: several tests may come here at once.
func install(dir string) error {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return fmt.Errorf("%w: npm is not installed", ErrMissing)
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return fmt.Errorf("%w: %v", ErrMissing, err)
	}
	fresh, err := os.MkdirTemp(filepath.Dir(dir), "new-")
	if err != nil {
		return fmt.Errorf("%w: %v", ErrMissing, err)
	}
	defer os.RemoveAll(fresh)
	if err := os.WriteFile(filepath.Join(fresh, "package.json"), []byte("{\"private\": true}\n"), 0o644); err != nil {
		return err
	}
	c := exec.Command(npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", npmPackage+"@"+Version)
	c.Dir = fresh
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: npm install %s: %v\n%s", ErrMissing, npmPackage, err, out)
	}
	if err := os.Rename(fresh, dir); err != nil && !errors.Is(err, os.ErrExist) {
		if _, there := os.Stat(dir); there != nil {
			return fmt.Errorf("keep iam-simulate: %w", err)
		}
	}
	return nil
}

// Ask has simulations decided, in their order.
func (j *Judge) Ask(simulations ...any) ([]Answer, error) {
	wrote := make(chan error, 1)
	go func() {
		w := json.NewEncoder(j.in)
		for _, s := range simulations {
			if err := w.Encode(s); err != nil {
				wrote <- fmt.Errorf("ask iam-simulate: %w", err)
				return
			}
		}
		wrote <- nil
	}()
	answers := make([]Answer, len(simulations))
	for i := range answers {
		line, err := j.out.ReadBytes('\n')
		if err != nil {
			return nil, fmt.Errorf("read iam-simulate's answer: %w", err)
		}
		if err := json.Unmarshal(line, &answers[i]); err != nil {
			return nil, fmt.Errorf("read iam-simulate's answer %q: %w", line, err)
		}
	}
	return answers, <-wrote
}

// Time has one simulation decided so many times, within the judge's own
// process, and tells what one decision took.
func (j *Judge) Time(simulation any, repeat int) (Answer, error) {
	a, err := j.Ask(map[string]any{"simulation": simulation, "repeat": repeat})
	if err != nil {
		return Answer{}, err
	}
	return a[0], nil
}

// Close ends the judge.
func (j *Judge) Close() error {
	return errors.Join(j.in.Close(), j.cmd.Wait())
}
