package engine

import (
	"archive/zip"
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Limits of a source bundle: of the archive [EB:applications-sourcebundle],
// and ours of what comes out of it.
const (
	largestBundle   = 512 << 20
	largestUnpacked = 4 << 30
	mostEntries     = 200_000
)

// download fetches the bundle. The URL is presigned, so it is never shown.
func download(ctx context.Context, address, to string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return errors.New("the bundle's address is no URL")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("reach %s: %w", req.URL.Host, errors.Unwrap(err))
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 2048))
		return fmt.Errorf("HTTP Error %d : %s", resp.StatusCode, text)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return keep(resp.Body, to)
}

// keep writes a bundle beside its place, and puts it there when it is whole.
func keep(bundle io.Reader, to string) error {
	f, err := os.CreateTemp(filepath.Dir(to), ".bundle-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	n, err := copyWide(f, io.LimitReader(bundle, largestBundle+1))
	if err == nil && n > largestBundle {
		err = fmt.Errorf("larger than %d bytes", largestBundle)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), to)
}

// unpack writes the archive's entries below dir and never outside it.
func unpack(archive, dir string) error {
	z, err := zip.OpenReader(archive)
	if err != nil {
		return fmt.Errorf("open source bundle: %w", err)
	}
	defer z.Close()
	if len(z.File) > mostEntries {
		return fmt.Errorf("unpack source bundle: more than %d entries", mostEntries)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	left := int64(largestUnpacked)
	for _, f := range z.File {
		n, err := unpackEntry(root, f, left)
		if err != nil {
			return fmt.Errorf("unpack %q: %w", f.Name, err)
		}
		left -= n
	}
	return nil
}

func unpackEntry(root *os.Root, f *zip.File, left int64) (int64, error) {
	name := path.Clean(strings.ReplaceAll(f.Name, `\`, "/"))
	if !filepath.IsLocal(name) {
		return 0, errors.New("it would lie outside the application's folder")
	}
	if f.FileInfo().IsDir() || strings.HasSuffix(f.Name, `\`) {
		return 0, root.MkdirAll(name, 0o755)
	}
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return 0, err
	}
	in, err := f.Open()
	if err != nil {
		return 0, err
	}
	defer in.Close()
	if f.Mode()&fs.ModeSymlink != 0 {
		target, err := io.ReadAll(io.LimitReader(in, 4096))
		if err != nil {
			return 0, err
		}
		if !filepath.IsLocal(path.Join(path.Dir(name), string(target))) || path.IsAbs(string(target)) {
			return 0, errors.New("the link leads outside the application's folder")
		}
		return 0, root.Symlink(string(target), name)
	}
	if !f.Mode().IsRegular() {
		return 0, errors.New("neither file, folder nor link")
	}
	mode := f.Mode().Perm()
	if mode == 0 { // made without Unix attributes
		mode = 0o644
	}
	out, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return 0, err
	}
	n, err := copyWide(out, io.LimitReader(in, left+1))
	if err == nil && n > left {
		err = fmt.Errorf("the bundle holds more than %d bytes", int64(largestUnpacked))
	}
	return n, errors.Join(err, out.Close())
}

// copyWide copies to a file in few writes: each goes through the overlay and the
// disk's own file system. TLS hands out 16 KiB at a time.
func copyWide(to *os.File, from io.Reader) (int64, error) {
	w := bufio.NewWriterSize(struct{ io.Writer }{to}, 256<<10)
	n, err := io.Copy(w, from)
	return n, errors.Join(err, w.Flush())
}
