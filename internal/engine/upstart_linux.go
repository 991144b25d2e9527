package engine

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// findJob reads a job of upstart's, which the Amazon Linux AMI has in the place
// of systemd's units, as the unit that does the same; nil when there is none.
func findJob(root, name string) (*unitFile, error) {
	if name == "" || strings.ContainsAny(name, "/") {
		return nil, nil
	}
	at := "/etc/init/" + name + ".conf"
	fi, err := os.Stat(root + at)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil || !fi.Mode().IsRegular() || fi.Size() > largestUnit {
		return nil, err
	}
	data, err := os.ReadFile(root + at)
	if err != nil {
		return nil, err
	}
	return &unitFile{name: name, path: at, values: parseJob(string(data))}, nil
}

// jobKeys are stanzas of a job and the unit keys that say the same. [init(5)]
var jobKeys = map[string]string{
	"description": "Unit.Description", "env": "Service.Environment", "setuid": "Service.User", "setgid": "Service.Group", "chdir": "Service.WorkingDirectory",
}

// jobCommands are where a job runs something.
var jobCommands = map[string]string{
	"": "Service.ExecStart", "pre-start": "Service.ExecStartPre", "post-start": "Service.ExecStartPost", "pre-stop": "Service.ExecStop", "post-stop": "Service.ExecStopPost",
}

// parseJob reads a job's stanzas as a unit's keys. What it runs goes through a
// shell that ends at the first failure, as upstart has it.
func parseJob(text string) map[string][]string {
	out := map[string][]string{}
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		word, rest, _ := strings.Cut(strings.TrimSpace(lines[i]), " ")
		rest = strings.TrimSpace(rest)
		when := ""
		if _, staged := jobCommands[word]; staged && word != "" {
			when = word
			word, rest, _ = strings.Cut(rest, " ")
		}
		switch {
		case word == "respawn" && rest == "":
			out["Service.Restart"] = []string{"always"}
		case word == "exec":
			out[jobCommands[when]] = []string{shellLine("exec " + rest)}
		case word == "script":
			var body []string
			for i++; i < len(lines) && strings.TrimSpace(lines[i]) != "end script"; i++ {
				body = append(body, lines[i])
			}
			out[jobCommands[when]] = []string{shellLine(strings.Join(body, "\n"))}
		case jobKeys[word] != "" && rest != "":
			if word == "description" {
				rest = strings.Trim(rest, `"'`)
			}
			out[jobKeys[word]] = append(out[jobKeys[word]], rest)
		}
	}
	return out
}

// shellLine is a line of Exec… that gives a text to a shell unchanged.
func shellLine(text string) string {
	return `/bin/sh -e -c "` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", "$$", "%", "%%").Replace(text) + `"`
}

// initScript runs a script of /etc/init.d on the Amazon Linux AMI; ok is unset
// when there is none. The caller holds the engine's mu, which is let go while
// the script runs.
func (c *controlCall) initScript(name string, args []string) (ok bool) {
	if strings.ContainsAny(name, "/") {
		return false
	}
	at := filepath.Join(c.e.root+"/etc/init.d", name)
	fi, err := os.Stat(at)
	if err != nil || !fi.Mode().IsRegular() || fi.Mode()&0o111 == 0 {
		return false
	}
	if !c.root {
		c.fail(exitNoSuchStatus, "%s: only root may control it", name)
		return true
	}
	ctx, cancel := context.WithTimeout(context.Background(), unitStartTime)
	defer cancel()
	var out, errs bytes.Buffer
	x := exec.Command(at, args...)
	x.Dir, x.Env, x.Stdout, x.Stderr, x.WaitDelay = "/", []string{"PATH=" + searchPath, "TERM=dumb"}, &out, &errs, time.Second
	x.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // what it starts outlives it
	c.e.mu.Unlock()
	err = runIn(ctx, x)
	c.e.mu.Lock()
	c.out.WriteString(out.String())
	c.errs.WriteString(errs.String())
	var ended *exec.ExitError
	switch {
	case errors.As(err, &ended) && ended.Exited():
		c.status = ended.ExitCode()
	case err != nil && !errors.Is(err, exec.ErrWaitDelay):
		c.fail(exitFailure, "%s: %v", name, err)
	}
	return true
}
