//go:build linux

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"sync"
	"time"

	"beanpole/internal/agent/recorded"
)

// longest is what one case may take; the agent is killed then.
const longest = time.Minute

// outcome is how one case ended.
type outcome struct {
	File, Name  string
	Differences []recorded.Difference
	Trouble     string // it could not be run to its end
}

// spread runs the cases in several processes: umask and the making of
// programs are a process's own.
func spread(dir string, names []string, workers int) []outcome {
	out := make([]outcome, len(names))
	next := make(chan int)
	var wait sync.WaitGroup
	for range min(workers, len(names)) {
		wait.Go(func() {
			var p *process
			for i := range next {
				if p == nil {
					p = start(dir)
				}
				if out[i] = p.run(names[i]); out[i].Trouble != "" {
					p.kill()
					p = nil
				}
			}
			if p != nil {
				p.end()
			}
		})
	}
	for i := range names {
		next <- i
	}
	close(next)
	wait.Wait()
	return out
}

// process is one worker.
type process struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func start(dir string) *process {
	self, err := os.Executable()
	if err != nil {
		log.Fatal(err)
	}
	cmd := exec.Command(self, "-worker", "-dir", dir)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		log.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		log.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		log.Fatal(err)
	}
	return &process{cmd, in, bufio.NewReader(out)}
}

// run has the worker run one case.
func (p *process) run(file string) outcome {
	o := outcome{File: file}
	late := time.AfterFunc(longest, func() { p.cmd.Process.Kill() })
	defer late.Stop()
	_, err := fmt.Fprintln(p.in, file)
	var line []byte
	if err == nil {
		line, err = p.out.ReadBytes('\n')
	}
	if err == nil {
		err = json.Unmarshal(line, &o)
	}
	if err != nil {
		o.Trouble = fmt.Sprintf("the agent crashed, or did not end within %v: %v", longest, err)
	}
	return o
}

func (p *process) kill() {
	p.cmd.Process.Kill()
	p.end()
}

func (p *process) end() {
	p.in.Close()
	p.cmd.Wait()
}

// work is the worker's side: a file name a line in, an outcome a line out.
func work(dir string, in io.Reader, out io.Writer) {
	base, err := recorded.ReadBase(dir)
	if err != nil {
		log.Fatal(err)
	}
	defer base.Close()
	names := bufio.NewScanner(in)
	for names.Scan() {
		o := outcome{File: names.Text()}
		c, err := recorded.Read(dir, o.File)
		if err == nil {
			o.Name = c.Name
			o.Differences, err = base.Run(c)
		}
		if err != nil {
			o.Trouble = err.Error()
		}
		if err := json.NewEncoder(out).Encode(o); err != nil {
			log.Fatal(err)
		}
	}
}
