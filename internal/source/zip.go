package source

import (
	"archive/zip"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

func (b *Bundle) readZip(size int64) error {
	if size > maxZip {
		return &Problem{Pos: Pos{File: b.path}, What: fmt.Sprintf("the bundle has %d MB; Elastic Beanstalk takes 512 MB", size>>20)}
	}
	if b.zip == nil {
		f, err := os.Open(b.path)
		if err != nil {
			return unopenable(b.path, err)
		}
		b.zip, b.shut = f, f.Close
	}
	z, err := zip.NewReader(b.zip, size)
	if err != nil {
		return &Problem{Pos: Pos{File: b.path}, What: "this is neither a folder nor a zip file", Remedy: "give the folder of your application, or its source bundle"}
	}
	var total uint64
	for _, e := range z.File {
		if e.UncompressedSize64 > maxUnpacked {
			return b.bomb(e.UncompressedSize64, size)
		}
		total += e.UncompressedSize64
		if total > maxUnpacked || total > ratioFrom && total/maxRatio > uint64(size) {
			return b.bomb(total, size)
		}
		if err := b.addZipped(e); err != nil {
			return err
		}
	}
	return nil
}

func (b *Bundle) bomb(total uint64, size int64) error {
	return &Problem{Pos: Pos{File: b.path}, What: fmt.Sprintf("the bundle of %d bytes unpacks to %d MB or more, which beanpole refuses", size, total>>20), Remedy: "leave large files out of it"}
}

func (b *Bundle) addZipped(f *zip.File) error {
	name := f.Name
	if err := b.checkName(name); err != nil {
		return err
	}
	mode := f.Mode()
	folder := mode.IsDir() || strings.HasSuffix(name, "/")
	name = cleanName(name)
	if name == "" {
		return nil
	}
	switch {
	case folder:
		b.dirs[name] = mode
		return nil
	case f.Flags&1 != 0:
		return b.refuse(name, "is encrypted")
	case mode&fs.ModeSymlink != 0:
		target, err := zippedLink(f)
		if err != nil || target == "" {
			return b.refuse(name, "is a link that cannot be read")
		}
		return b.add(name, &entry{link: target})
	case !mode.IsRegular():
		return b.refuse(name, "is no file, folder or link")
	}
	return b.add(name, &entry{mode: mode, open: f.Open, size: int64(f.UncompressedSize64)})
}

// cleanName drops the empty and "." parts of a name.
func cleanName(name string) string {
	var parts []string
	for _, p := range strings.Split(name, "/") {
		if p != "" && p != "." {
			parts = append(parts, p)
		}
	}
	return strings.Join(parts, "/")
}

// zippedLink is a link's target, which is its content.
func zippedLink(f *zip.File) (string, error) {
	r, err := f.Open()
	if err != nil {
		return "", err
	}
	defer r.Close()
	const longest = 4096 // PATH_MAX
	data, err := io.ReadAll(io.LimitReader(r, longest+1))
	if err == nil && len(data) > longest {
		err = io.ErrShortBuffer
	}
	return string(data), err
}
