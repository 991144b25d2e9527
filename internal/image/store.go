package image

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"beanpole/internal/source"
)

// Image is an image that was unpacked.
type Image struct {
	Root   string // folder
	Digest string // of the manifest
	Fresh  bool   // it was unpacked just now
	Config v1.Config
}

// Unpack makes the root of an image, or finds that it is there already. dir is
// for images alone; several processes may share it.
func Unpack(ctx context.Context, dir, named string) (*Image, error) {
	return UnpackFrom(ctx, dir, named, nil)
}

// UnpackFrom is Unpack for an image that is nowhere but in a registry, unless r
// is nil.
func UnpackFrom(ctx context.Context, dir, named string, r *Registry) (*Image, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make folder of images: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(dir, ".lock"), os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock folder of images: %w", err)
	}
	defer lock.Close()
	if err := flock(lock); err != nil {
		return nil, fmt.Errorf("lock folder of images: %w", err)
	}
	if err := clean(dir); err != nil {
		return nil, err
	}
	work, err := os.MkdirTemp(dir, partial)
	if err != nil {
		return nil, fmt.Errorf("make folder for an image: %w", err)
	}
	defer os.RemoveAll(work)
	for _, sub := range []string{"root", "scratch"} {
		if err := os.Mkdir(filepath.Join(work, sub), 0o755); err != nil {
			return nil, fmt.Errorf("make folder for an image: %w", err)
		}
	}
	return unpack(ctx, dir, work, named, r)
}

// partial is how folders begin of which nobody knows whether they are whole.
const partial = "partial-"

// clean removes what killed processes left. The caller holds the lock.
func clean(dir string) error {
	left, err := filepath.Glob(filepath.Join(dir, partial+"*"))
	if err != nil {
		return err
	}
	for _, p := range left {
		if err := os.RemoveAll(p); err != nil {
			return fmt.Errorf("remove what is left of an image: %w", err)
		}
	}
	return nil
}

func flock(f *os.File) error {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

func unpack(ctx context.Context, dir, work, named string, r *Registry) (*Image, error) {
	img, err := open(ctx, named, filepath.Join(work, "scratch"), r)
	if err != nil {
		return nil, err
	}
	if err := suits(img, named); err != nil {
		return nil, err
	}
	digest, err := img.Digest()
	if err != nil {
		return nil, &source.Problem{What: fmt.Sprintf("cannot read image %s: %v", named, err)}
	}
	place := filepath.Join(dir, strings.ReplaceAll(digest.String(), ":", "-"))
	out := &Image{Root: place, Digest: digest.String()}
	c, err := img.ConfigFile()
	if err != nil {
		return nil, &source.Problem{What: fmt.Sprintf("cannot read the configuration of image %s: %v", named, err)}
	}
	out.Config = c.Config
	if _, err := os.Lstat(place); err == nil {
		return out, nil
	}
	root, err := os.OpenRoot(filepath.Join(work, "root"))
	if err != nil {
		return nil, err
	}
	defer root.Close()
	if err := (&unpacking{root: root}).all(img); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if errors.Is(err, syscall.ENOSPC) {
			return nil, &source.Problem{What: fmt.Sprintf("no room on the disk of %s for image %s", dir, named), Remedy: "make room, or give another folder with --state"}
		}
		return nil, &source.Problem{What: fmt.Sprintf("cannot unpack image %s: %v", named, err)}
	}
	if err := os.Rename(root.Name(), place); err != nil {
		return nil, fmt.Errorf("put image in place: %w", err)
	}
	out.Fresh = true
	return out, nil
}
