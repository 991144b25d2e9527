//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Goals of the agent.
const (
	fasterThanHeat  = 10  // times, for inlineFiles files with inline content
	shareOfCurl     = 0.8 // of curl's speed, for one object over loopback
	mostFetchMemory = 64 << 10
	inlineFiles     = 50
	objectSize      = 1 << 30
	heatProgram     = "/usr/bin/cfn-init" // Debian's package heat-cfntools
	heatData        = "/var/lib/heat-cfntools"
)

// agent measures beanpole init: many small files against Debian's cfn-init,
// and one large object against curl.
func (b *bench) agent() error {
	if os.Geteuid() != 0 {
		fmt.Println("agent: skipped: needs root")
		return nil
	}
	dir, err := os.MkdirTemp("", "beanpole-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	// What the programs write of logs and state stays within this thread's own
	// view of the file system, which its children get. It ends with them.
	failed := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := apart()
		if err == nil {
			err = b.inline(dir)
		}
		if err == nil {
			err = b.fetch(dir)
		}
		failed <- err
	}()
	return <-failed
}

// apart gives the thread empty folders where agents keep logs and state.
func apart() error {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("get a mount namespace: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("keep mounts apart: %w", err)
	}
	for _, at := range []string{"/var/log", "/var/lib", "/var/cache"} {
		if err := unix.Mount("bench", at, "tmpfs", 0, "mode=755"); err != nil {
			return fmt.Errorf("mount an empty %s: %w", at, err)
		}
	}
	return os.Mkdir(heatData, 0o755)
}

func (b *bench) inline(dir string) error {
	if !isHeat() {
		fmt.Println("agent, inline files: skipped: no heat-cfntools here (Debian's package)")
		return nil
	}
	// In memory: what a disk takes for a new file is the same for both.
	dir = filepath.Join(dir, "memory")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	if err := unix.Mount("bench", dir, "tmpfs", 0, "mode=755"); err != nil {
		return fmt.Errorf("mount a folder in memory: %w", err)
	}
	defer unix.Unmount(dir, unix.MNT_DETACH)
	files := map[string]any{}
	for i := range inlineFiles {
		files[filepath.Join(dir, "out", fmt.Sprintf("f%02d.conf", i))] = map[string]string{
			"content": strings.Repeat(fmt.Sprintf("setting%d = value\n", i), 20), "mode": "000644", "owner": "root", "group": "root"}
	}
	data, err := json.Marshal(map[string]any{"AWS::CloudFormation::Init": map[string]any{"config": map[string]any{"files": files}}})
	if err != nil {
		return err
	}
	metadata := filepath.Join(dir, "metadata.json")
	for _, name := range []string{metadata, filepath.Join(heatData, "cfn-init-data")} {
		if err := os.WriteFile(name, data, 0o644); err != nil {
			return err
		}
	}
	one := func(name string, args ...string) (measured, error) {
		if err := os.RemoveAll(filepath.Join(dir, "out")); err != nil {
			return measured{}, err
		}
		m, err := process(dir, []int{0}, name, args...)
		if made, _ := os.ReadDir(filepath.Join(dir, "out")); err == nil && len(made) != inlineFiles {
			err = fmt.Errorf("%s made %d files, not %d", name, len(made), inlineFiles)
		}
		return m, err
	}
	ours, theirs, err := inTurns(b.runs, func() (measured, error) { return one(b.program, "init", metadata) },
		func() (measured, error) { return one(heatProgram) })
	if err != nil {
		return err
	}
	ratio := float64(theirs.took) / float64(ours.took)
	fmt.Printf("%d inline files, whole process: beanpole init %v, %d MiB; heat-cfntools %v, %d MiB\n",
		inlineFiles, tenth(ours.took), ours.peak>>10, tenth(theirs.took), theirs.peak>>10)
	b.goal(ratio >= fasterThanHeat, "at least %d times faster than heat-cfntools (it is %.1f times faster)", fasterThanHeat, ratio)
	return nil
}

// isHeat tells whether the cfn-init of this machine is that of heat-cfntools.
func isHeat() bool {
	text, err := os.ReadFile(heatProgram)
	return err == nil && strings.Contains(string(text), "heat_cfntools")
}

func (b *bench) fetch(dir string) error {
	curl, err := exec.LookPath("curl")
	if err != nil {
		fmt.Println("agent, one object: skipped: no curl here")
		return nil
	}
	object := filepath.Join(dir, "object")
	if err := fill(object); err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, object) })}
	defer server.Close()
	go server.Serve(l)
	url, target, metadata := "http://"+l.Addr().String()+"/object", filepath.Join(dir, "fetched"), filepath.Join(dir, "fetch.json")
	text := fmt.Sprintf(`{"AWS::CloudFormation::Init": {"config": {"files": {%q: {"source": %q}}}}}`, target, url)
	if err := os.WriteFile(metadata, []byte(text), 0o644); err != nil {
		return err
	}
	one := func(name string, args ...string) (measured, error) {
		for _, old := range []string{target, target + ".bak"} {
			os.Remove(old)
		}
		unix.Sync() // so that nobody pays for the other's writing
		m, err := process(dir, []int{0}, name, args...)
		if st, serr := os.Stat(target); err == nil && (serr != nil || st.Size() != objectSize) {
			err = fmt.Errorf("%s did not fetch the object: %v", name, serr)
		}
		return m, err
	}
	const runs = 5 // of a gigabyte each
	ours, theirs, err := inTurns(min(b.runs, runs), func() (measured, error) { return one(b.program, "init", metadata) },
		func() (measured, error) {
			return one(curl, "--silent", "--show-error", "--fail", "--output", target, url)
		})
	if err != nil {
		return err
	}
	speed := func(d time.Duration) float64 { return objectSize / float64(1<<20) / d.Seconds() }
	share := float64(theirs.took) / float64(ours.took)
	fmt.Printf("an object of 1 GiB over loopback: beanpole init %.0f MiB/s, %d MiB of memory; curl %.0f MiB/s, %d MiB\n",
		speed(ours.took), ours.peak>>10, speed(theirs.took), theirs.peak>>10)
	b.goal(share >= shareOfCurl, "at least %.0f %% of curl's speed (it is %.0f %%)", shareOfCurl*100, share*100)
	b.goal(ours.peak < mostFetchMemory, "less than %d MiB of memory (it is %d MiB)", mostFetchMemory>>10, ours.peak>>10)
	return nil
}

// fill writes the object.
func fill(name string) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	block := make([]byte, 1<<20)
	for i := range block {
		block[i] = byte(i * 7 >> 3)
	}
	for range objectSize / len(block) {
		if _, err := f.Write(block); err != nil {
			f.Close()
			return err
		}
	}
	return f.Close()
}

// inTurns runs two things several times, one after the other, so that a busy
// machine slows both.
func inTurns(runs int, one, other func() (measured, error)) (a, b measured, err error) {
	var first, second []time.Duration
	for range runs {
		m, err := one()
		if err != nil {
			return a, b, err
		}
		n, err := other()
		if err != nil {
			return a, b, err
		}
		first, second = append(first, m.took), append(second, n.took)
		a.peak, b.peak = max(a.peak, m.peak), max(b.peak, n.peak)
	}
	a.took, b.took = median(first), median(second)
	return a, b, nil
}
