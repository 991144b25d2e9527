package source

import (
	"bytes"
	"io"
)

// With is the bundle as it would be with other contents in some of its files.
// A link shows what its file holds. It shares the bundle's folder or zip, and
// need not be closed.
func (b *Bundle) With(changed map[string][]byte) *Bundle {
	out := *b
	out.entries = make(map[string]*entry, len(b.entries))
	out.shut = func() error { return nil }
	for name, old := range b.entries {
		out.entries[name] = old
		data, ok := changed[b.Target(name)]
		if !ok {
			continue
		}
		e := *old
		e.size, e.data = int64(len(data)), nil
		e.open = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }
		out.entries[name] = &e
	}
	return &out
}

// Target is the name of the file that a link leads to; of any other file it is
// its own name.
func (b *Bundle) Target(name string) string {
	if e := b.entries[name]; e == nil || e.link == "" {
		return name
	}
	to, err := b.resolve(name)
	if err != nil {
		return name
	}
	return to
}

// Packed tells that the bundle is a zip, not a folder.
func (b *Bundle) Packed() bool { return b.zip != nil }
