package build

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/patternmatcher"
)

// copying is a COPY or an ADD.
type copying struct {
	instructions.SourcesAndDest
	from, chown, chmod string
	exclude            []string
	parents            bool // source paths stay in the destination
	add                bool // archives are unpacked, and addresses fetched
	checksum           string
}

// copy carries out COPY and ADD. [Dockerfile reference]
func (b *builder) copy(s *stage, c copying) error {
	dest := s.inDir(c.DestPath)
	intoFolder := strings.HasSuffix(c.DestPath, "/") || c.DestPath == "." || len(c.SourcePaths)+len(c.SourceContents) > 1 || b.isFolder(s.layer, dest)
	owner, err := b.owner(s, c.chown)
	if err != nil {
		return err
	}
	mode := int64(-1)
	if c.chmod != "" {
		if mode, err = strconv.ParseInt(c.chmod, 8, 32); err != nil {
			return fmt.Errorf("beanpole carries out --chmod with a number alone: %q", c.chmod)
		}
	}
	exclude, err := patternmatcher.New(c.exclude)
	if err != nil {
		return err
	}
	return b.send(s, func(w *writer) error {
		w.owner, w.mode, w.exclude = owner, mode, exclude
		for _, inline := range c.SourceContents {
			to := dest
			if intoFolder {
				to = path.Join(dest, inline.Path)
			}
			if err := w.file(to, []byte(inline.Data), 0o644); err != nil {
				return err
			}
		}
		for _, from := range c.SourcePaths {
			if err := b.copyOne(w, c, from, dest, intoFolder); err != nil {
				return err
			}
		}
		return nil
	})
}

func (b *builder) copyOne(w *writer, c copying, from, dest string, intoFolder bool) error {
	if c.add {
		switch {
		case strings.HasPrefix(from, "http://"), strings.HasPrefix(from, "https://"):
			return b.fetch(w, c, from, dest, intoFolder)
		case strings.HasPrefix(from, "git@"), strings.HasSuffix(from, ".git"):
			return fmt.Errorf("beanpole does not carry out ADD of a repository: %s", from)
		}
	}
	if c.from != "" {
		return b.copyFrom(w, c, from, dest, intoFolder)
	}
	pattern := strings.TrimPrefix(path.Clean("/"+from), "/")
	if pattern == "" {
		pattern = "."
	}
	found, err := fs.Glob(b.root.FS(), pattern)
	if err != nil {
		return err
	}
	copied := 0
	for _, f := range found {
		if f != "." && b.ignore.matches(f) && !b.ignore.below(f) {
			continue
		}
		copied++
		if err := b.copyFound(w, c, f, dest, intoFolder || len(found) > 1); err != nil {
			return err
		}
	}
	if copied == 0 && (len(found) > 0 || !strings.ContainsAny(pattern, "*?[")) {
		return fmt.Errorf("failed to compute cache key: %q: not found", "/"+pattern)
	}
	return nil
}

// copyFound copies one file, or what is in one folder, of the context.
func (b *builder) copyFound(w *writer, c copying, from, dest string, intoFolder bool) error {
	fi, err := b.root.Stat(from)
	if err != nil {
		return err
	}
	if c.parents {
		dest, intoFolder = path.Join(dest, path.Dir(from)), true
		if fi.IsDir() {
			dest = path.Join(dest, path.Base(from))
		}
	}
	if !fi.IsDir() {
		to := dest
		if intoFolder {
			to = path.Join(dest, path.Base(from))
		}
		f, err := b.root.Open(from)
		if err != nil {
			return err
		}
		defer f.Close()
		if c.add {
			if done, err := w.unpack(f, dest); done || err != nil {
				return err
			}
			if _, err := f.Seek(0, io.SeekStart); err != nil {
				return err
			}
		}
		return w.stream(to, f, fi)
	}
	if err := w.folder(dest, 0o755); err != nil {
		return err
	}
	return fs.WalkDir(b.root.FS(), from, func(p string, e fs.DirEntry, err error) error {
		if err != nil || p == from {
			return err
		}
		if b.ignore.matches(p) {
			if e.IsDir() && !b.ignore.below(p) {
				return fs.SkipDir
			}
			if !e.IsDir() {
				return nil
			}
		}
		rel := p
		if from != "." {
			rel = strings.TrimPrefix(p, from+"/")
		}
		return w.entry(b, p, rel, path.Join(dest, rel), e)
	})
}

// copyFrom copies from another stage, or another image.
func (b *builder) copyFrom(w *writer, c copying, from, dest string, intoFolder bool) error {
	layer := ""
	if n, ok := b.named(c.from, len(b.stages)); ok {
		s, err := b.stage(n)
		if err != nil {
			return err
		}
		layer = s.layer
	} else {
		img, err := b.image(c.from)
		if err != nil {
			return fmt.Errorf("%s: %w", c.from, err)
		}
		layer = img.Layer
	}
	r, err := b.client.Get(b.ctx, layer, "/"+strings.TrimLeft(from, "/"))
	if err != nil {
		return fmt.Errorf("failed to compute cache key: %w", err)
	}
	defer r.Close()
	return w.transfer(tar.NewReader(r), dest, intoFolder || strings.ContainsAny(from, "*?["))
}

// transfer copies an archive whose names begin with what was asked for: files
// go by their own name, what is in folders goes by its place there.
func (w *writer) transfer(t *tar.Reader, dest string, intoFolder bool) error {
	top, topIsFolder := "", false
	for n := 0; ; n++ {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		name := path.Clean(h.Name)
		inside := n > 0 && topIsFolder && (top == "." || strings.HasPrefix(name, top+"/"))
		if !inside {
			top, topIsFolder = name, h.Typeflag == tar.TypeDir
		}
		switch {
		case inside && top == ".":
			h.Name = path.Join(dest, name)
		case inside:
			h.Name = path.Join(dest, strings.TrimPrefix(name, top+"/"))
		case topIsFolder, !intoFolder:
			h.Name = dest
		default:
			h.Name = path.Join(dest, path.Base(name))
		}
		if err := w.header(h); err != nil {
			return err
		}
		if _, err := io.Copy(w.tar, t); err != nil {
			return err
		}
	}
}

// fetch is ADD of an address, through the instance's network.
func (b *builder) fetch(w *writer, c copying, from, dest string, intoFolder bool) error {
	req, err := http.NewRequestWithContext(b.ctx, http.MethodGet, from, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("invalid response status %d: %s", resp.StatusCode, from)
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, 1<<30))
	if err != nil {
		return err
	}
	if sum := sha256.Sum256(data); c.checksum != "" && c.checksum != "sha256:"+hex.EncodeToString(sum[:]) {
		return fmt.Errorf("digest mismatch sha256:%x: %s", sum, c.checksum)
	}
	if intoFolder {
		dest = path.Join(dest, path.Base(req.URL.Path))
	}
	return w.file(dest, data, 0o600)
}

// writer makes the archive of one instruction.
type writer struct {
	tar     *tar.Writer
	owner   *[2]int // nil: root's, or as an archive has it
	mode    int64   // -1: as the file has it
	exclude *patternmatcher.PatternMatcher
}

func newWriter(to io.Writer) *writer { return &writer{tar: tar.NewWriter(to), mode: -1} }

func (w *writer) header(h *tar.Header) error {
	h.Name = strings.TrimPrefix(h.Name, "/")
	h.Uname, h.Gname, h.Format = "", "", tar.FormatUnknown
	if w.owner != nil {
		h.Uid, h.Gid = w.owner[0], w.owner[1]
	}
	if w.mode >= 0 {
		h.Mode = w.mode
	}
	return w.tar.WriteHeader(h)
}

func (w *writer) folder(p string, mode int64) error {
	if p == "/" {
		return nil
	}
	return w.header(&tar.Header{Name: p, Typeflag: tar.TypeDir, Mode: mode})
}

func (w *writer) file(p string, data []byte, mode int64) error {
	if err := w.header(&tar.Header{Name: p, Typeflag: tar.TypeReg, Mode: mode, Size: int64(len(data))}); err != nil {
		return err
	}
	_, err := w.tar.Write(data)
	return err
}

func (w *writer) stream(p string, f io.Reader, fi fs.FileInfo) error {
	if err := w.header(&tar.Header{Name: p, Typeflag: tar.TypeReg, Mode: int64(fi.Mode().Perm()), Size: fi.Size(), ModTime: fi.ModTime()}); err != nil {
		return err
	}
	_, err := io.CopyN(w.tar, f, fi.Size())
	return err
}

// entry adds what is at p of the context.
func (w *writer) entry(b *builder, p, rel, to string, e fs.DirEntry) error {
	if out, err := w.exclude.MatchesOrParentMatches(rel); out || err != nil {
		return err
	}
	fi, err := b.root.Lstat(p)
	if err != nil {
		return err
	}
	switch {
	case fi.IsDir():
		return w.folder(to, int64(fi.Mode().Perm()))
	case fi.Mode()&fs.ModeSymlink != 0:
		target, err := b.root.Readlink(p)
		if err != nil {
			return err
		}
		return w.header(&tar.Header{Name: to, Typeflag: tar.TypeSymlink, Linkname: target, Mode: 0o777})
	case !fi.Mode().IsRegular():
		return nil
	}
	f, err := b.root.Open(p)
	if err != nil {
		return err
	}
	defer f.Close()
	return w.stream(to, f, fi)
}

// unpack unpacks what is an archive, plain or compressed with gzip or bzip2.
func (w *writer) unpack(f io.Reader, dest string) (done bool, err error) {
	head := bufio.NewReader(f)
	magic, _ := head.Peek(6)
	var r io.Reader = head
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		if r, err = gzip.NewReader(head); err != nil {
			return false, nil
		}
	case bytes.HasPrefix(magic, []byte("BZh")):
		r = bzip2.NewReader(head)
	case bytes.HasPrefix(magic, []byte("\xfd7zXZ")):
		return true, errors.New("beanpole does not unpack archives of xz")
	}
	for t := tar.NewReader(r); ; done = true {
		h, err := t.Next()
		if errors.Is(err, io.EOF) && done {
			return true, nil
		}
		if err != nil && !done {
			return false, nil // it is no archive
		}
		if err != nil {
			return true, err
		}
		h.Name = path.Join(dest, path.Clean("/"+h.Name))
		if err := w.header(h); err != nil {
			return true, err
		}
		if _, err := io.Copy(w.tar, t); err != nil {
			return true, err
		}
	}
}
