package cfninit

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

type zipArchive struct{ *zip.Reader }

// openZip is nil when the file is none.
func openZip(f *os.File) archive {
	st, err := f.Stat()
	if err != nil {
		return nil
	}
	r, err := zip.NewReader(f, st.Size())
	if err != nil {
		return nil
	}
	return &zipArchive{r}
}

// A zip's members are put below the target whatever their names say.
func (z *zipArchive) climbs() bool { return false }
func (z *zipArchive) what() string { return "zip archive" }

func (z *zipArchive) each(visit func(*archived) error) error {
	for _, f := range z.File {
		name, _, _ := strings.Cut(f.Name, "\x00")
		// What was made elsewhere than on Unix has no mode: then it is 0.
		m := &archived{name: name, mode: f.ExternalAttrs >> 16 & 0o7777, content: func() (io.ReadCloser, error) { return openMember(f, name) }}
		if strings.HasSuffix(name, "/") {
			m.kind = aFolder
		}
		if err := visit(m); err != nil {
			return err
		}
	}
	return nil
}

const (
	encrypted = 1 << 0 // in a member's flags
)

// openMember is a member's content, with Python's words for what is wrong
// with it [cb-run].
func openMember(f *zip.File, name string) (io.ReadCloser, error) {
	if f.Flags&encrypted != 0 {
		return nil, &BuildError{Text: "File <zipfile.ZipInfo object at 0x0> is encrypted, password required for extraction"}
	}
	r, err := f.Open()
	switch {
	case errors.Is(err, zip.ErrAlgorithm):
		text := fmt.Sprintf("compression type %d", f.Method)
		if name := compressions[f.Method]; name != "" {
			text += " (" + name + ")"
		}
		return nil, &BuildError{Text: text}
	case err != nil:
		return nil, unreadable(err)
	}
	return &zipContent{r, name}, nil
}

// compressions are Python's names of the methods that it can't undo.
var compressions = map[uint16]string{
	1: "shrink", 2: "reduce", 3: "reduce", 4: "reduce", 5: "reduce", 6: "implode", 7: "tokenize",
	9: "deflate64", 10: "implode", 12: "bzip2", 14: "lzma", 18: "terse", 19: "lz77", 97: "wavpack", 98: "ppmd",
}

// zipContent words a wrong checksum.
type zipContent struct {
	io.ReadCloser
	name string
}

func (c *zipContent) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	if errors.Is(err, zip.ErrChecksum) {
		err = &BuildError{Text: "Bad CRC-32 for file " + quote(c.name, true)}
	}
	return n, err
}
