package build

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

// ignored is .dockerignore.
type ignored struct {
	all    *patternmatcher.PatternMatcher
	except []string // patterns that bring something back
}

// readIgnored reads the Dockerfile's own .dockerignore, else the context's.
func readIgnored(root *os.Root, dockerfile string) (*ignored, error) {
	for _, name := range []string{dockerfile + ".dockerignore", ".dockerignore"} {
		f, err := root.Open(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		patterns, err := ignorefile.ReadAll(io.LimitReader(f, largestDockerfile))
		f.Close()
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		i := &ignored{}
		for _, p := range patterns {
			if rest, ok := strings.CutPrefix(p, "!"); ok {
				i.except = append(i.except, rest)
			}
		}
		if i.all, err = patternmatcher.New(patterns); err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		return i, nil
	}
	return &ignored{}, nil
}

func (i *ignored) matches(p string) bool {
	if i.all == nil {
		return false
	}
	out, err := i.all.MatchesOrParentMatches(p)
	return err == nil && out
}

// below says whether something in an ignored folder may come back.
func (i *ignored) below(folder string) bool {
	for _, e := range i.except {
		if strings.HasPrefix(e, folder+"/") || strings.ContainsAny(e, "*?[") {
			return true
		}
	}
	return false
}

// isFolder says whether a folder is at p in a layer.
func (b *builder) isFolder(layer, p string) bool {
	r, err := b.client.Get(b.ctx, layer, p)
	if err != nil {
		return false
	}
	defer r.Close()
	h, err := tar.NewReader(r).Next()
	return err == nil && h.Typeflag == tar.TypeDir
}

// owner is who --chown names, by the stage's own accounts; nil for nobody.
func (b *builder) owner(s *stage, chown string) (*[2]int, error) {
	if chown == "" {
		return nil, nil
	}
	name, group, withGroup := strings.Cut(chown, ":")
	uid, gid, err := b.account(s, "/etc/passwd", name)
	if err != nil {
		return nil, err
	}
	if withGroup {
		if gid, _, err = b.account(s, "/etc/group", group); err != nil {
			return nil, err
		}
	}
	return &[2]int{uid, gid}, nil
}

// account is the number of a user or group, and of a user's group.
func (b *builder) account(s *stage, file, name string) (id, group int, err error) {
	if n, err := strconv.ParseUint(name, 10, 16); err == nil {
		return int(n), int(n), nil
	}
	r, err := b.client.Get(b.ctx, s.layer, file)
	if err != nil {
		return 0, 0, fmt.Errorf("invalid owner %q: %w", name, err)
	}
	defer r.Close()
	t := tar.NewReader(r)
	if _, err := t.Next(); err != nil {
		return 0, 0, err
	}
	text, err := io.ReadAll(io.LimitReader(t, largestDockerfile))
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(text)) {
		f := strings.Split(strings.TrimSpace(line), ":")
		if len(f) < 4 || f[0] != name {
			continue
		}
		id, err1 := strconv.ParseUint(f[2], 10, 16)
		group, err2 := strconv.ParseUint(f[3], 10, 16)
		if err1 == nil && (err2 == nil || file == "/etc/group") {
			return int(id), int(group), nil
		}
	}
	return 0, 0, fmt.Errorf("invalid owner: no %q in %s", name, file)
}
