package recorded

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// tree is the expected tree as text, with the paths that are gone.
func (c *Case) tree() []string {
	out := []string{}
	for _, e := range c.Expect.Tree {
		if c.unordered("tree") {
			e.SHA256 = ""
		}
		out = append(out, e.String())
	}
	for _, p := range c.Expect.Removed {
		out = append(out, p+" gone")
	}
	sort.Strings(out)
	return out
}

// changes are the differences between two states of a root.
func (c *Case) changes(before, after map[string]entry) []string {
	out := []string{}
	for p, e := range after {
		old, ok := before[p]
		if ok && old.String() == e.String() {
			continue
		}
		if c.unordered("tree") {
			e.SHA256 = "" // JSON whose keys stand in another order
		}
		out = append(out, e.String())
	}
	for p := range before {
		if _, ok := after[p]; !ok {
			out = append(out, p+" gone")
		}
	}
	sort.Strings(out)
	return out
}

// old is the time before which a file's time counts as set by an archive; of
// folders no times are compared.
var old = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)

// snapshot is everything below the root that is not to be left out.
func (r *run) snapshot(leftOut func(string) bool) (map[string]entry, error) {
	out := map[string]entry{}
	users, groups := names(r.dir+"/etc/passwd"), names(r.dir+"/etc/group")
	err := filepath.WalkDir(r.dir, func(name string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		path := strings.TrimPrefix(name, r.dir)
		if leftOut(path) {
			if d.IsDir() && path != "" {
				return filepath.SkipDir
			}
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		out[path], err = entryOf(path, name, info, users, groups)
		return err
	})
	return out, err
}

// entryOf describes the file at name as the cases do.
func entryOf(path, name string, info os.FileInfo, users, groups map[uint32]string) (entry, error) {
	st := info.Sys().(*syscall.Stat_t)
	e := entry{Path: path, Mode: fmt.Sprintf("%04o", st.Mode&0o7777), Owner: nameOf(users, st.Uid), Group: nameOf(groups, st.Gid)}
	if info.Mode().IsRegular() && info.ModTime().Before(old) {
		e.MTime = float64(info.ModTime().Unix())
	}
	var err error
	switch info.Mode().Type() {
	case os.ModeDir:
		e.Type = "dir"
	case os.ModeSymlink:
		e.Type, e.Mode = "link", ""
		e.Target, err = os.Readlink(name)
	case os.ModeNamedPipe:
		e.Type = "fifo"
	case 0:
		e.Type = "file"
		var data []byte
		data, err = os.ReadFile(name)
		sum := sha256.Sum256(data)
		e.SHA256 = hex.EncodeToString(sum[:])
	default:
		e.Type = "device"
	}
	return e, err
}

// newLines are the lines of a file that were not there before.
func newLines(file string, before []string) []string {
	data, _ := os.ReadFile(file)
	var out []string
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSuffix(line, "\n"); !slices.Contains(before, line) {
			out = append(out, line)
		}
	}
	return out
}

// names are the names by number in /etc/passwd or /etc/group.
func names(file string) map[uint32]string {
	out := map[uint32]string{}
	for _, line := range newLines(file, nil) {
		if f := strings.Split(line, ":"); len(f) > 2 {
			id, _ := strconv.Atoi(f[2])
			out[uint32(id)] = f[0]
		}
	}
	return out
}

func nameOf(names map[uint32]string, id uint32) any {
	if n, ok := names[id]; ok {
		return n
	}
	return id
}
