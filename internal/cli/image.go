package cli

import (
	"context"
	"os"
	"path/filepath"
	"slices"

	"beanpole/internal/image"
)

// checkRoot looks at --root and --image.
func (f *serveFlags) checkRoot() error {
	if f.root == "" {
		return nil
	}
	if f.image != "" {
		return usageError("--root and --image exclude each other; give one of them")
	}
	fi, err := os.Stat(f.root)
	if err != nil {
		return usageError("--root: %v", err)
	}
	if !fi.IsDir() {
		return usageError("--root %s is no folder; an image in a file is given with --image", f.root)
	}
	f.root, err = filepath.Abs(f.root)
	return err
}

// rootName is what the instances' root is called; "" is this machine's own.
func (f *serveFlags) rootName() string {
	if f.image != "" {
		return f.image
	}
	return f.root
}

// sameRoot refuses to change the root of a local AWS that runs.
func (f *serveFlags) sameRoot(s *serving) error {
	if name := f.rootName(); name != "" && name != s.Root {
		return usageError("the instances of the local AWS that runs have another root (%s); end it first with: beanpole down", s.rootName())
	}
	for _, i := range f.images {
		if !slices.Contains(s.Images, i) {
			return usageError("the local AWS that runs was started without --docker-image %s; end it first with: beanpole down", i)
		}
	}
	return nil
}

func (s *serving) rootName() string {
	if s.Root == "" {
		return "this machine's"
	}
	return s.Root
}

// unpack makes the root of --image in the project's state folder.
func (f *serveFlags) unpack(ctx context.Context, p *project, say func(format string, args ...any)) error {
	if f.image == "" {
		return nil
	}
	i, err := image.Unpack(ctx, p.path("images"), f.image)
	if err != nil {
		return err
	}
	if i.Fresh {
		say("unpacked image %s (%s)", f.image, i.Digest)
	}
	f.unpacked = i.Root
	return nil
}

// lower is the folder of the instances' root.
func (f *serveFlags) lower() string {
	if f.unpacked != "" {
		return f.unpacked
	}
	return f.root
}
