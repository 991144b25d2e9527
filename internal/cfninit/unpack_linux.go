package cfninit

import (
	"context"
	"errors"
	"io"
	"os"
	"path"
	"sort"
	"strings"

	"golang.org/x/sys/unix"
)

// Archives are hostile: these bound what one may unpack to.
const (
	mostMembers = 1_000_000
	// An archive may always unpack to freeSize bytes, and beyond that to
	// mostGrowth times its own size.
	freeSize   = 1 << 30
	mostGrowth = 100
)

// unpacking is one archive on its way to the disk.
type unpacking struct {
	*build
	archive archive
	dir     string // the target, as written
	lexical string // the target, absolute and clean
	base    string // where that really is, without links
	top     string // folder that is left out, or ""
	folders []*archived
	left    int64 // bytes that may still be written
	room    diskRoom
	buffer  []byte
}

// linkID is a symbolic link on the disk, whatever its name.
type linkID struct{ dev, ino uint64 }

func (b *build) newUnpacking(a archive, f *os.File, dir string) (*unpacking, error) {
	st, err := f.Stat()
	if err != nil {
		return nil, osError(err, "")
	}
	x := &unpacking{build: b, archive: a, dir: dir, lexical: path.Clean(dir), left: max(freeSize, mostGrowth*st.Size())}
	if !path.IsAbs(dir) {
		here := "/"
		if b.root.dir < 0 {
			if here, err = os.Getwd(); err != nil {
				return nil, osError(err, "")
			}
		}
		x.lexical = path.Join(here, dir)
	}
	if x.base, err = x.locate(x.lexical, true); err != nil {
		return nil, osError(err, quote(dir, false))
	}
	return x, nil
}

// unpack writes the members. Folders get their owner, mode and time at the
// end, so that one that nobody may write to can be filled.
func (x *unpacking) unpack(ctx context.Context) error {
	err := x.archive.each(func(m *archived) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		n := *m
		if x.top != "" {
			var ok bool
			if n.name, ok = strings.CutPrefix(inside(m.name), x.top+"/"); !ok {
				return nil // the folder itself
			}
			if m.kind == aHardLink {
				owner := *m.tar
				owner.target = strings.TrimPrefix(inside(owner.target), x.top+"/")
				n.tar = &owner
			}
		}
		return x.extract(&n)
	})
	if err != nil {
		return err
	}
	sort.SliceStable(x.folders, func(i, j int) bool { return x.folders[i].name > x.folders[j].name })
	for _, m := range x.folders {
		shown := x.target(m.name)
		at, err := x.locate(shown, true)
		if err != nil {
			return err
		}
		if err := x.adorn(m, at, shown); err != nil {
			return err
		}
	}
	return nil
}

// target is where a member goes, as the agent names it in messages.
func (x *unpacking) target(name string) string {
	if !x.archive.climbs() {
		name = withoutDots(name)
	}
	full := strings.TrimSuffix(x.dir, "/") + "/" + name
	if path.IsAbs(name) {
		full = name
	}
	if !x.archive.climbs() {
		return path.Clean(full) // Python's zipfile does, its tarfile does not
	}
	if len(full) > 1 {
		full = strings.TrimSuffix(full, "/")
	}
	return full
}

// withoutDots is a zip member's name as Python's zipfile uses it: without
// what would climb, and relative.
func withoutDots(name string) string {
	var parts []string
	for _, part := range strings.Split(name, "/") {
		if part != "" && part != "." && part != ".." {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, "/")
}

// extract writes one member, with the folders above it.
func (x *unpacking) extract(m *archived) error {
	shown := x.target(m.name)
	if up := dirName(shown); !x.exists(up) {
		if err := x.makeFolders(up); err != nil {
			return err
		}
	}
	at, err := x.locate(shown, m.kind != aLink && m.kind != aHardLink)
	if err != nil {
		return err
	}
	if m.kind != aFolder || m.tar == nil {
		if err := x.place(m, at, shown); err != nil {
			return err
		}
		return x.adorn(m, at, shown)
	}
	x.folders = append(x.folders, m)
	if err := x.root.mkdirMode(at, 0o700); err != nil && !errors.Is(err, unix.EEXIST) {
		return osError(err, quote(shown, false))
	}
	open := *m
	open.mode = 0o700
	return x.adorn(&open, at, shown)
}

// place makes the member itself.
func (x *unpacking) place(m *archived, at, shown string) error {
	switch m.kind {
	case aFolder: // of a zip
		if x.root.isDir(at) {
			return nil
		}
		if err := x.root.mkdir(at); err != nil {
			return osError(err, quote(shown, false))
		}
	case aFile:
		return x.file(m, at, shown)
	case aLink:
		if err := x.clear(at, shown); err != nil {
			return err
		}
		if err := x.root.symlink(m.tar.target, at); err != nil {
			return osError(err, "")
		}
		if st, err := x.root.lstat(at); err == nil {
			x.made[linkID{uint64(st.Dev), st.Ino}] = true
		}
	case aHardLink:
		return x.hardLink(m, at, shown)
	default:
		mode := map[kindOf]uint32{aFIFO: unix.S_IFIFO, aCharDevice: unix.S_IFCHR, aBlockDevice: unix.S_IFBLK}[m.kind]
		if err := x.root.mknod(at, mode|m.mode, unix.Mkdev(uint32(m.tar.major), uint32(m.tar.minor))); err != nil {
			return osError(err, "")
		}
	}
	return nil
}

// clear removes what a link takes the place of.
func (x *unpacking) clear(at, shown string) error {
	if _, err := x.root.lstat(at); err != nil {
		return nil
	}
	if err := x.root.remove(at); err != nil {
		return osError(err, quote(shown, false))
	}
	return nil
}

// hardLink links to a member that was unpacked before. AWS's agent links to
// any file of the machine, and then changes its mode; beanpole does not.
func (x *unpacking) hardLink(m *archived, at, shown string) error {
	name := x.target(m.tar.target)
	if path.IsAbs(m.tar.target) {
		name = m.tar.target
	}
	to, err := x.locate(name, false)
	if err != nil {
		return err
	}
	if !below(to, x.base) {
		return x.outside(m.name)
	}
	if _, err := x.root.lstat(to); err != nil {
		return &BuildError{Text: quote("linkname "+quote(m.tar.target, false)+" not found", false)}
	}
	if err := x.clear(at, shown); err != nil {
		return err
	}
	if err := x.root.link(to, at); err != nil {
		return osError(err, "")
	}
	return nil
}

// outside is the end of an archive that would write elsewhere than below its
// target, with the words in which the agent refuses the plain forms of that.
func (x *unpacking) outside(name string) error {
	x.warn(name + " leads out of " + x.dir + " by a link of its archive; AWS's agent would follow it, beanpole does not")
	return tool("%s is not a sub-path of %s", name, x.dir)
}

// warn says where the agent would have done what is not safe.
func (x *unpacking) warn(text string) {
	x.log("WARNING", "beanpole: sources: %s", text)
	x.Notes = append(x.Notes, "sources: "+text)
}

// firstChunk is what is read before anything is written, so that a small
// damaged member leaves an empty file, as with the agent.
const firstChunk = 16 << 10

func (x *unpacking) file(m *archived, at, shown string) error {
	if st, err := x.root.lstat(at); err == nil && st.Mode&unix.S_IFMT != unix.S_IFREG && st.Mode&unix.S_IFMT != unix.S_IFDIR {
		// The agent would write into a device, and wait at a pipe for ever.
		return tool("%s exists and is no file", shown)
	}
	in, err := m.content()
	if err != nil {
		return err
	}
	defer in.Close()
	fd, err := x.root.open(at, unix.O_WRONLY|unix.O_CREAT|unix.O_TRUNC|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o666)
	if err != nil {
		return osError(err, quote(shown, true))
	}
	out := os.NewFile(uintptr(fd), shown)
	defer out.Close()
	if x.buffer == nil {
		x.buffer = make([]byte, firstChunk)
	}
	for buffer := x.buffer; ; {
		n, err := io.ReadFull(in, buffer)
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF || errors.As(err, new(*BuildError)) {
			return unreadable(err)
		}
		if x.left -= int64(n); x.left < 0 {
			return tool("the archive for %s grows to more than %d times its size; beanpole does not unpack it", x.dir, mostGrowth)
		}
		_, werr := out.Write(buffer[:n])
		if werr == nil {
			werr = x.room.wrote(out, n)
		}
		if werr != nil {
			return osError(werr, "")
		}
		if err != nil {
			return nil
		}
	}
}

// adorn gives a member its owner, mode and time.
func (x *unpacking) adorn(m *archived, at, shown string) error {
	if m.tar != nil && os.Geteuid() == 0 {
		uid, ok := x.root.id("/etc/passwd", m.tar.user)
		if !ok {
			uid = m.tar.uid
		}
		gid, ok := x.root.id("/etc/group", m.tar.group)
		if !ok {
			gid = m.tar.gid
		}
		if err := x.root.lchown(at, uid, gid); err != nil && m.kind != aFolder {
			return osError(err, quote(shown, false))
		}
	}
	if m.kind == aLink || m.kind == aHardLink && x.root.isLink(at) {
		return nil
	}
	if err := x.root.chmod(at, m.mode); err != nil {
		return osError(err, quote(shown, false))
	}
	if m.tar == nil {
		return nil
	}
	if err := x.root.touch(at, m.tar.modified); err != nil {
		return osError(err, quote(shown, false))
	}
	return nil
}

// exists follows links, also those of the archive; it only asks.
func (x *unpacking) exists(name string) bool { return x.root.exists(name) }

// makeFolders makes the folders above a member that are missing.
func (x *unpacking) makeFolders(dir string) error {
	if up := dirName(dir); up != dir && up != "" && !x.exists(up) {
		if err := x.makeFolders(up); err != nil && !strings.HasPrefix(err.Error(), "[Errno 17]") {
			return err
		}
		if path.Base(dir) == "." {
			return nil
		}
	}
	at, err := x.locate(dir, path.Base(dir) == "..") // a link that leads nowhere is in the way
	if err != nil {
		return err
	}
	if err := x.root.mkdir(at); err != nil {
		return osError(err, quote(dir, false)) // also for "a/..", which is there once "a" is
	}
	return nil
}

// locate is where a path really is: links are followed, except for the last
// element when follow is false. A link that an archive brought may lead only
// to places below the target.
func (x *unpacking) locate(name string, follow bool) (string, error) {
	const mostLinks = 40 // as the kernel
	full := name
	if !path.IsAbs(name) {
		full = path.Join(x.lexical, strings.TrimPrefix(name, x.dir))
	}
	left := strings.Split(path.Clean(full), "/")
	at, brought := "/", false
	for links := 0; len(left) > 0; {
		part := left[0]
		left = left[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			at = path.Dir(at)
			continue
		}
		next := path.Join(at, part)
		target, id, isLink := x.root.readLink(next)
		if !isLink || len(left) == 0 && !follow {
			at = next
			continue
		}
		if links++; links > mostLinks {
			return "", osError(unix.ELOOP, quote(name, true))
		}
		brought = brought || x.made[id]
		if path.IsAbs(target) {
			at = "/"
		}
		left = append(strings.Split(target, "/"), left...)
	}
	if brought && x.base != "" && !below(at, x.base) {
		return "", x.outside(strings.TrimPrefix(strings.TrimPrefix(name, x.dir), "/"))
	}
	return at, nil
}
