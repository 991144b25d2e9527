package cfninit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"beanpole/internal/source"
)

// file writes one entry of `files` [cb:file_tool.py, cb-run].
func (b *build) file(ctx context.Context, f *File) error {
	name := f.Path
	if !strings.HasPrefix(name, "/") {
		return tool("File specified with non-absolute path: %s", name)
	}
	link, err := asLink(f.Entry)
	if err != nil {
		return err
	}
	if link {
		if done, err := b.linkDone(f); done || err != nil {
			return err
		}
	}
	if err := b.parent(dirName(name)); err != nil {
		return err
	}
	if strings.ContainsRune(name, 0) {
		return errNull
	}
	old, err := b.backup(name)
	if err != nil {
		return err
	}
	if err := b.place(ctx, f, link, old); err != nil {
		return b.restore(name, old, err)
	}
	return b.settle(name, old)
}

// errNull is how Python refuses a path that the system can't take.
var errNull = &BuildError{Text: "stat() argument 1 must be encoded string without null bytes, not unicode"}

// asLink tells whether an entry's mode makes it a symbolic link. The agent
// looks for it before it knows that the entry is a map.
func asLink(entry *source.Node) (bool, error) {
	given, err := contains(entry, "mode")
	if err != nil || !given {
		return false, err
	}
	n, err := index(entry, "mode", "str")
	if err != nil {
		return false, err
	}
	mode, fault := parseMode(n)
	if fault != nil {
		return false, fault
	}
	return mode&0o170000 == 0o120000, nil
}

// linkDone reports whether a link already leads where it should.
func (b *build) linkDone(f *File) (bool, error) {
	if !has(f.Entry, "content") {
		return false, tool("Symbolic link specified without a destination")
	}
	target := f.Entry.Get("content")
	if !b.root.exists(f.Path) {
		return false, nil
	}
	if target == nil || target.Kind != source.String {
		return false, notText(target)
	}
	path := target.Text
	if path != "" && !strings.HasPrefix(path, "/") {
		path = "/" + path // cfn-init stats it from where it runs, which is / [cb:bin/cfn-init, EB]
	}
	same, err := b.root.same(f.Path, path)
	if err != nil {
		return false, osError(err, quote(target.Text, false))
	}
	if same {
		b.info("Symbolic link %s already exists", f.Path)
	}
	return same, nil
}

func notText(n *source.Node) *BuildError {
	return &BuildError{Text: "coercing to Unicode: need string or buffer, " + typeName(n) + " found"}
}

// parent makes missing parent directories.
func (b *build) parent(dir string) error {
	switch {
	case strings.ContainsRune(dir, 0):
		return errNull
	case b.root.isDir(dir):
		return nil
	case b.root.exists(dir):
		return tool("Parent directory %s exists and is a file", dir)
	}
	b.debug("Parent directory %s does not exist, creating", dir)
	return b.makeDirs(dir)
}

func (b *build) makeDirs(dir string) error {
	if up := dirName(dir); up != dir && !b.root.exists(up) {
		if err := b.makeDirs(up); err != nil && !strings.HasPrefix(err.Error(), "[Errno 17]") {
			return err
		}
		if strings.HasSuffix(dir, "/.") {
			return nil
		}
	}
	if err := b.root.mkdir(dir); err != nil {
		return osError(err, quote(dir, false))
	}
	return nil
}

// dirName is Python's os.path.dirname.
func dirName(name string) string {
	dir := name[:strings.LastIndexByte(name, '/')+1]
	if trimmed := strings.TrimRight(dir, "/"); trimmed != "" {
		return trimmed
	}
	return dir
}

// place writes content, mode and owner. The target is opened, and so emptied,
// before the content is looked at: a failure leaves an empty file behind.
func (b *build) place(ctx context.Context, f *File, link bool, old backup) error {
	if link {
		target := f.Entry.Get("content")
		if target == nil || target.Kind != source.String {
			return notText(target)
		}
		b.debug("%s is specified as a symbolic link to %s", f.Path, target.Text)
		if err := b.root.symlink(target.Text, f.Path); err != nil {
			return osError(err, "")
		}
	} else if err := b.writeFile(ctx, f); err != nil {
		return err
	}
	mode, err := b.mode(f, old)
	if err == nil {
		err = b.root.chmod(f.Path, mode)
	}
	if err != nil {
		return osError(err, quote(f.Path, false))
	}
	return b.own(f.Path, f.Entry.Get("owner"), f.Entry.Get("group"))
}

func (b *build) writeFile(ctx context.Context, f *File) error {
	if f.Entry.Kind != source.Map {
		return b.writeNothing(f)
	}
	w, err := b.root.create(f.Path)
	if err != nil {
		return osError(err, quote(f.Path, true))
	}
	b.debug("Writing content to %s", f.Path)
	err = b.content(ctx, f, w)
	if cerr := w.Close(); err == nil && cerr != nil {
		err = osError(cerr, "")
	}
	return err
}

// writeNothing fails as the agent does when it asks what is no map for a
// property: behind the opening of the file, unless "content" is in there.
func (b *build) writeNothing(f *File) error {
	if given, _ := contains(f.Entry, "content"); !given {
		w, err := b.root.create(f.Path)
		if err != nil {
			return osError(err, quote(f.Path, true))
		}
		w.Close()
	}
	return &BuildError{Text: "'" + typeName(f.Entry) + "' object has no attribute 'get'"}
}

// mode is what the file's permissions shall be. Without `mode` an existing
// file's are kept, and a new one is not writable for others.
func (b *build) mode(f *File, old backup) (uint32, error) {
	if has(f.Entry, "mode") {
		b.debug("Setting mode for %s to %s", f.Path, format(f.Entry.Get("mode")))
		m, _ := parseMode(f.Entry.Get("mode"))
		return uint32(m & 0o7777), nil
	}
	b.debug("No mode specified for %s", f.Path)
	if old.file != "" {
		if st, err := b.root.stat(old.file); err == nil && st.Mode&unix.S_IFMT == unix.S_IFREG {
			return st.Mode & 0o7777, nil
		}
	}
	st, err := b.root.stat(f.Path)
	return st.Mode & 0o775, err
}

// content fills the open file.
func (b *build) content(ctx context.Context, f *File, w *os.File) error {
	content, context := f.Entry.Get("content"), f.Entry.Get("context")
	switch {
	case truthy(content) && content.Kind != source.String:
		b.debug("Content will be serialized as a JSON structure")
		return write(w, pythonJSON(b.ordered(content)))
	case truthy(content) && f.Entry.Get("encoding").TextOr("") == "base64":
		b.debug("Decoding base64 content")
		encoded := strings.TrimFunc(content.Text, blank)
		if why := notASCII(encoded); b.python2() && why != "" {
			return &BuildError{Text: why}
		}
		data, ok := decodeBase64(encoded)
		if !ok {
			return tool("Malformed base64: %s", shorten(content.Text))
		}
		return write(w, data)
	case truthy(content):
		text, err := b.render(content.Text, context)
		if err != nil {
			return err
		}
		return write(w, text)
	case f.Fetch == nil:
		return tool("File specified without source or content")
	}
	if asked := f.Entry.Get("authentication"); truthy(asked) && asked.Kind >= source.Seq {
		return &BuildError{Text: "unhashable type: '" + typeName(asked) + "'"}
	}
	b.debug("Retrieving contents from %s", hideURL(f.Fetch.URL))
	return b.download(ctx, f.Fetch, w, context)
}

func write(w *os.File, text string) error {
	if _, err := w.WriteString(text); err != nil {
		return osError(err, "")
	}
	return nil
}

// own sets owner and group, of a link those of the link itself
// [cb:posix_security.py]. Names only: a number in a text is no name.
func (b *build) own(name string, owner, group *source.Node) error {
	uid, err := b.lookUp(owner, "/etc/passwd", "getpwnam", "user")
	if err != nil {
		return err
	}
	gid, err := b.lookUp(group, "/etc/group", "getgrnam", "group")
	if err != nil {
		return err
	}
	if uid < 0 && gid < 0 {
		return nil
	}
	if err := b.root.lchown(name, uid, gid); err != nil {
		return osError(err, quote(name, false))
	}
	return nil
}

func (b *build) lookUp(n *source.Node, file, call, what string) (int, error) {
	if !truthy(n) {
		return -1, nil
	}
	if n.Kind != source.String && call == "getpwnam" { // getgrnam makes a text of anything
		return -1, &BuildError{Text: call + "() argument 1 must be string, not " + typeName(n)}
	}
	name := format(n)
	if text := notASCII(name); b.python2() && text != "" {
		return -1, &BuildError{Text: text}
	}
	id, ok := b.root.id(file, name)
	if !ok {
		return -1, tool("%s is not a valid %s name", name, what)
	}
	return id, nil
}

// decodeBase64 drops what is not in the alphabet and refuses missing padding,
// as Python's decoder does.
func decodeBase64(s string) (string, bool) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	var out []byte
	var left uint
	bits, quad := 0, 0
	for i := 0; i < len(s); i++ {
		if s[i] == '=' {
			if quad < 2 || quad == 2 && nextValid(s[i+1:], alphabet) != '=' {
				continue
			}
			bits = 0
			break
		}
		v := strings.IndexByte(alphabet, s[i])
		if v < 0 {
			continue
		}
		quad = (quad + 1) & 3
		left, bits = left<<6|uint(v), bits+6
		if bits >= 8 {
			bits -= 8
			out = append(out, byte(left>>bits))
			left &= 1<<bits - 1
		}
	}
	return string(out), bits == 0
}

func nextValid(s, alphabet string) byte {
	if i := strings.IndexAny(s, alphabet+"="); i >= 0 {
		return s[i]
	}
	return 0
}

// backup is where the earlier content of a path was put.
type backup struct {
	file  string // path.bak, "" when there was nothing
	older string // path.bak2, where an earlier path.bak waits, or ""
}

// backup moves what exists at name out of the way.
func (b *build) backup(name string) (backup, error) {
	var old backup
	if !b.root.exists(name) {
		return old, nil
	}
	b.debug("%s already exists", name)
	old.file = name + ".bak"
	if b.root.exists(old.file) {
		old.older = old.file + "2"
		if b.root.exists(old.older) {
			if err := b.root.remove(old.older); err != nil {
				return old, osError(err, quote(old.older, false))
			}
		}
		if err := b.move(old.file, old.older); err != nil {
			return old, err
		}
	}
	return old, b.move(name, old.file)
}

func (b *build) move(from, to string) error {
	b.debug("Moving %s to %s", from, to)
	err := b.root.rename(from, to)
	if err != nil {
		b.log("ERROR", "Could not move %s to %s", from, to)
		return tool("Could not rename %s: %s", from, errnoText(err))
	}
	return nil
}

// restore puts the earlier content back after a failure, which stays the error.
func (b *build) restore(name string, old backup, cause error) error {
	if old.file == "" {
		return cause
	}
	if b.root.exists(name) {
		if err := b.root.remove(name); err != nil {
			return osError(err, quote(name, false))
		}
	}
	err := b.move(old.file, name)
	if err == nil && old.older != "" {
		err = b.move(old.older, old.file)
	}
	if err != nil {
		b.log("WARNING", "Error restoring %s from backup", name)
	}
	return cause
}

// settle decides after success whether the file changed. The .bak stays even
// when it did not; an older .bak goes, or comes back when nothing changed.
func (b *build) settle(name string, old backup) error {
	changed := old.file == "" || b.root.isLink(old.file) || b.root.isLink(name)
	if !changed {
		equal, err := b.root.equal(old.file, name)
		if err != nil {
			return osError(err, quote(old.file, true))
		}
		changed = !equal
	}
	if changed {
		b.Changed = append(b.Changed, name)
		if old.older != "" {
			if err := b.root.remove(old.older); err != nil {
				return osError(err, quote(old.older, false))
			}
		}
		return nil
	}
	if old.older == "" {
		return nil
	}
	var fault *BuildError
	if errors.As(b.move(old.older, old.file), &fault) {
		b.log("WARNING", "%s", fmt.Sprintf("Error restoring backup file %s: %s", old.file, fault.Text))
	}
	return nil
}
