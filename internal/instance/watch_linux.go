package instance

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	watchEvery  = time.Second
	quietFor    = time.Minute // after a limit's notice
	fullBelow   = 1           // percent of a disk that are free
	roomAgainAt = 5
)

// gauge is one limit: how often it was met, and what is said of it.
type gauge struct {
	met  func() (int64, bool) // false: cannot be told
	says string

	before int64
	silent time.Time // until
}

// watchLimits tells when the instance meets a limit, until it ends.
func (i *Instance) watchLimits(s *Spec) {
	r := resources(s)
	name := "beanpole-" + i.place.Token
	all := []*gauge{
		{met: counter(name, "oom_kill", "memory.events", "memory.oom_control"),
			says: fmt.Sprintf("instance %s met its memory limit of %s: the kernel has ended a process on it", i.id, size(*r.Memory.Limit))},
		{met: counter(name, "max", "pids.events"),
			says: fmt.Sprintf("instance %s met its limit of %d processes and threads: a new one was refused", i.id, *r.Pids.Limit)},
	}
	if volume, ok := i.volume(); ok {
		full := int64(0)
		all = append(all, &gauge{met: func() (int64, bool) {
			free, ok := freePercent(diskIn(i.place.dir))
			if ok && free < fullBelow && full%2 == 0 || ok && free >= roomAgainAt && full%2 == 1 {
				full++
			}
			return (full + 1) / 2, ok
		}, says: fmt.Sprintf("the disk of instance %s (%s) is full: programs on it get \"No space left on device\"; RootVolumeSize of aws:autoscaling:launchconfiguration makes it larger", i.id, size(volume))})
	}
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-i.ended:
			return
		case now := <-tick.C:
			for _, g := range all {
				g.look(now, s.Notice)
			}
		}
	}
}

func (g *gauge) look(now time.Time, notice func(string)) {
	n, ok := g.met()
	if !ok || n <= g.before || now.Before(g.silent) {
		return
	}
	text := g.says
	if times := n - g.before; times > 1 {
		text += fmt.Sprintf(" (%d times)", times)
	}
	g.before, g.silent = n, now.Add(quietFor)
	notice(text)
}

// counter reads a counter of a control group. Its file is looked for at the first
// time: to look through all of them for every instance, every second, is more work
// than all else that a quiet environment makes.
func counter(group, word string, files ...string) func() (int64, bool) {
	find := sync.OnceValue(func() string { return fileOf(group, word, files...) })
	return func() (int64, bool) { return counted(find(), word) }
}

// fileOf is the first of some files of a control group that has a counter; ""
// when none has: version 2 and 1 name them differently.
func fileOf(group, word string, files ...string) string {
	mounts, err := cgroupMounts()
	if err != nil {
		return ""
	}
	for _, dir := range mounts {
		for _, name := range files {
			at := filepath.Join(dir, group, name)
			if _, ok := counted(at, word); ok {
				return at
			}
		}
	}
	return ""
}

// counted is the number behind a word in a file of words and numbers.
func counted(file, word string) (int64, bool) {
	f, err := os.Open(file)
	if err != nil {
		return 0, false
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if w, value, _ := strings.Cut(lines.Text(), " "); w == word {
			n, err := strconv.ParseInt(value, 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}

// volume is the size of the instance's own disk; false when it has none.
func (i *Instance) volume() (int64, bool) {
	fi, err := os.Stat(filepath.Join(i.place.dir, "volume"))
	if err != nil {
		return 0, false
	}
	return fi.Size(), mountedAt(diskIn(i.place.dir))
}

// mountedAt says whether a folder is on another file system than its parent.
func mountedAt(dir string) bool {
	var a, b unix.Stat_t
	return unix.Stat(dir, &a) == nil && unix.Stat(filepath.Dir(dir), &b) == nil && a.Dev != b.Dev
}

// freePercent is how much of a disk is free.
func freePercent(dir string) (int64, bool) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil || st.Blocks == 0 {
		return 0, false
	}
	free := int64(st.Bavail * 100 / st.Blocks)
	if st.Files > 0 {
		free = min(free, int64(st.Ffree*100/st.Files))
	}
	return free, true
}

// size is a number of bytes as people write it.
func size(bytes int64) string {
	if bytes >= 1<<30 {
		return strconv.FormatFloat(float64(bytes*10>>30)/10, 'f', -1, 64) + " GiB"
	}
	return fmt.Sprintf("%d MiB", bytes>>20)
}
