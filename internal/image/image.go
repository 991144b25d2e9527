// Package image makes the root of an instance of an OCI image: from a registry,
// a layout folder, or a tar file that "docker save" or another tool wrote. An
// image is hostile input: nothing of it is written outside its own folder, and
// it is bounded in size. It is unpacked once, and found again by its digest.
package image

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"beanpole/internal/source"
)

// platform is what an instance of this machine can run.
func platform() v1.Platform { return v1.Platform{OS: "linux", Architecture: runtime.GOARCH} }

// open finds the image that a user names: a folder, a file, or else a
// reference to a registry. What it needs besides goes into the empty folder
// scratch.
func open(ctx context.Context, named, scratch string, r *Registry) (v1.Image, error) {
	if r != nil {
		return r.image(ctx, named)
	}
	fi, err := os.Stat(named)
	switch {
	case err == nil && fi.IsDir():
		if _, err := os.Stat(filepath.Join(named, "oci-layout")); err != nil {
			return nil, &source.Problem{What: fmt.Sprintf("%s is a folder, and no OCI layout (it has no file oci-layout)", named), Remedy: "a folder that is a root itself is given with --root"}
		}
		return fromLayout(named, named)
	case err == nil:
		return fromTar(named, scratch)
	case strings.HasPrefix(named, "/") || strings.HasPrefix(named, "."):
		return nil, &source.Problem{What: fmt.Sprintf("cannot read the image: %v", err)}
	}
	return fromRegistry(ctx, named)
}

func fromRegistry(ctx context.Context, named string) (v1.Image, error) {
	ref, err := name.ParseReference(named)
	if err != nil {
		return nil, &source.Problem{What: fmt.Sprintf("%q is neither a file or folder nor an image's reference", named), Remedy: "give an OCI layout folder, a tar file, or NAME:TAG"}
	}
	img, err := remote.Image(ref, remote.WithContext(ctx), remote.WithPlatform(platform()), remote.WithAuthFromKeychain(authn.DefaultKeychain))
	if err != nil {
		return nil, &source.Problem{What: fmt.Sprintf("cannot get image %s: %v", named, err), Remedy: "see that the registry is reached and lets you in (docker login), or give a file that docker save wrote"}
	}
	return img, nil
}

// Registry is how an instance's containers get images: with what the bundle
// says, and nothing that the user of this machine has logged in to.
type Registry struct {
	Transport      http.RoundTripper // how registries are reached
	User, Password string            // "" for nobody
}

func (r *Registry) image(ctx context.Context, named string) (v1.Image, error) {
	ref, err := name.ParseReference(named)
	if err != nil {
		return nil, fmt.Errorf("invalid reference format: %q", named)
	}
	who := authn.Anonymous
	if r.User != "" {
		who = authn.FromConfig(authn.AuthConfig{Username: r.User, Password: r.Password})
	}
	return remote.Image(ref, remote.WithContext(ctx), remote.WithPlatform(platform()), remote.WithAuth(who), remote.WithTransport(r.Transport))
}

// Canonical is a reference in full, so that two of one image are the same:
// "index.docker.io/library/nginx:latest" for nginx.
func Canonical(named string) (string, error) {
	ref, err := name.ParseReference(named)
	if err != nil {
		return "", fmt.Errorf("%q is no image's reference", named)
	}
	return ref.Name(), nil
}

// fromTar opens what "docker save" writes, or a layout in a tar file.
func fromTar(file, scratch string) (v1.Image, error) {
	isLayout, isSaved, err := kindOf(file)
	switch {
	case err != nil:
		return nil, &source.Problem{What: fmt.Sprintf("%s is no tar file: %v", file, err), Remedy: "give one that docker save wrote, not compressed"}
	case isSaved:
		img, err := tarball.ImageFromPath(file, nil)
		if err != nil {
			return nil, &source.Problem{What: fmt.Sprintf("cannot read the image in %s: %v", file, err), Remedy: "save one image into the file"}
		}
		return img, nil
	case !isLayout:
		return nil, &source.Problem{What: fmt.Sprintf("%s holds no image: neither manifest.json nor oci-layout is in it", file), Remedy: "give a file that docker save wrote; a root's own files in a tar are unpacked and given with --root"}
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	root, err := os.OpenRoot(scratch)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	u := &unpacking{root: root, plain: true}
	if err := u.layer(f); err != nil {
		return nil, &source.Problem{What: fmt.Sprintf("cannot unpack %s: %v", file, err)}
	}
	return fromLayout(scratch, file)
}

// kindOf looks at the names in a tar file.
func kindOf(file string) (isLayout, isSaved bool, err error) {
	f, err := os.Open(file)
	if err != nil {
		return false, false, err
	}
	defer f.Close()
	for t := tar.NewReader(f); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return isLayout, isSaved, nil
		}
		if err != nil {
			return false, false, err
		}
		switch path.Clean(h.Name) {
		case "oci-layout":
			isLayout = true
		case "manifest.json":
			return isLayout, true, nil
		}
	}
}

// fromLayout opens the one image for this machine that a layout holds.
func fromLayout(dir, named string) (v1.Image, error) {
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		return nil, &source.Problem{What: fmt.Sprintf("cannot read the OCI layout %s: %v", named, err)}
	}
	found, others, err := images(index, 0)
	if err != nil {
		return nil, &source.Problem{What: fmt.Sprintf("cannot read the OCI layout %s: %v", named, err)}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return nil, &source.Problem{What: fmt.Sprintf("the OCI layout %s holds %d images for this machine", named, len(found)), Remedy: "give one that holds a single image"}
	}
	return nil, &source.Problem{What: fmt.Sprintf("the OCI layout %s holds no image for %s (it has: %s)", named, platform(), strings.Join(others, ", ")), Remedy: "build the image for this machine's architecture"}
}

// deepest is how far indexes may nest.
const deepest = 4

// images are those of an index that this machine can run, and the platforms of
// the others.
func images(index v1.ImageIndex, depth int) (found []v1.Image, others []string, err error) {
	m, err := index.IndexManifest()
	if err != nil || depth > deepest {
		return nil, nil, err
	}
	for _, d := range m.Manifests {
		switch {
		case d.MediaType.IsIndex():
			inner, err := index.ImageIndex(d.Digest)
			if err != nil {
				return nil, nil, err
			}
			f, o, err := images(inner, depth+1)
			if err != nil {
				return nil, nil, err
			}
			found, others = append(found, f...), append(others, o...)
		case d.MediaType.IsImage():
			if d.Platform != nil && !d.Platform.Satisfies(platform()) {
				others = append(others, d.Platform.String())
				continue
			}
			img, err := index.Image(d.Digest)
			if err != nil {
				return nil, nil, err
			}
			found = append(found, img)
		}
	}
	return found, others, nil
}

// suits refuses an image of another architecture.
func suits(img v1.Image, named string) error {
	c, err := img.ConfigFile()
	if err != nil {
		return &source.Problem{What: fmt.Sprintf("cannot read the configuration of image %s: %v", named, err)}
	}
	if c.Architecture != "" && c.Architecture != runtime.GOARCH || c.OS != "" && c.OS != "linux" {
		return &source.Problem{What: fmt.Sprintf("image %s is for %s/%s, and this machine is linux/%s", named, c.OS, c.Architecture, runtime.GOARCH), Remedy: "give one for this machine's architecture"}
	}
	return nil
}

// isNotExist is errors.Is(err, fs.ErrNotExist).
func isNotExist(err error) bool { return errors.Is(err, fs.ErrNotExist) }
