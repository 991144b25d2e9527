package cli

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aymanbagabas/go-udiff"

	"beanpole/internal/cfn"
	"beanpole/internal/check"
	"beanpole/internal/ebext"
	"beanpole/internal/finding"
	"beanpole/internal/source"
)

// merge takes the fixes that can be carried out together; later counts those
// that must wait.
func merge(chosen []mending) (mended []mending, later int, edits map[string][]source.Edit) {
	fixes := make([]*finding.Fix, len(chosen))
	for i := range chosen {
		fixes[i] = chosen[i].fix
	}
	edits, taken := finding.Merge(fixes)
	for i, m := range chosen {
		if taken[i] {
			mended = append(mended, m)
		} else {
			later++
		}
	}
	return mended, later, edits
}

// apply carries out the edits in memory.
func (p *prediction) apply(edits map[string][]source.Edit) (map[string][]byte, error) {
	out := map[string][]byte{}
	for file, es := range edits {
		old := p.read(file)
		if old == nil {
			return nil, fmt.Errorf("mend %s: it is no file of the input", file)
		}
		data, err := source.Apply(old, es)
		if err != nil {
			return nil, fmt.Errorf("mend %s: %w", file, err)
		}
		out[file] = data
	}
	return out, nil
}

// with is the input with other contents in some of its files.
func (p *prediction) with(changed map[string][]byte) (*check.Input, error) {
	in := p.input()
	in.Read = func(file string) []byte {
		if data, ok := changed[file]; ok {
			return data
		}
		return p.read(file)
	}
	inBundle := map[string][]byte{}
	for file, data := range changed {
		switch {
		case p.parsed != nil && file == p.parsed.File:
			t, err := cfn.Parse(file, data)
			if err != nil {
				return nil, fmt.Errorf("read the mended template: %w", ours(err))
			}
			in.Template = t
		case p.saved != nil && file == p.saved.File:
			saved, err := ebext.ParseSaved(file, data)
			if err != nil {
				return nil, fmt.Errorf("read the mended saved configuration: %w", ours(err))
			}
			in.Saved = saved
		case p.bundle.Has(file):
			inBundle[p.bundle.Target(file)] = data
		default:
			settings, err := ebext.ParseOptionJSON(file, data)
			if err != nil {
				return nil, fmt.Errorf("read the mended option settings: %w", ours(err))
			}
			in.Given = append(settings, in.Given[len(in.Given)-len(p.options):]...)
		}
	}
	if len(inBundle) > 0 {
		in.Bundle = p.bundle.With(inBundle)
	}
	return in, nil
}

// prove checks the changed files: of each rule, a file has as many findings
// less as were mended in it, and none has become unreadable.
func (p *prediction) prove(before []*finding.Finding, mended []mending, changed map[string][]byte) error {
	in, err := p.with(changed)
	if err != nil {
		return err
	}
	report, err := check.Run(in)
	if err != nil {
		return fmt.Errorf("check the mended files: %w", ours(err))
	}
	type kind struct{ rule, file string }
	most := map[kind]int{}
	for _, fd := range before {
		most[kind{fd.Rule, fd.Pos.File}]++
	}
	for _, m := range mended {
		most[kind{m.Rule, m.Pos.File}]--
	}
	now := map[kind]int{}
	for _, fd := range report.Findings {
		now[kind{fd.Rule, fd.Pos.File}]++
		if _, was := changed[fd.Pos.File]; was && fd.Rule == check.Unreadable && most[kind{fd.Rule, fd.Pos.File}] == 0 {
			return fmt.Errorf("mend %s: the file could not be read any more: %s; nothing was written", fd.Pos, fd.Message)
		}
	}
	for _, m := range mended {
		if k := (kind{m.Rule, m.Pos.File}); now[k] > most[k] {
			return fmt.Errorf("mend %s at %s: the change does not mend it; nothing was written", m.Rule, m.Pos)
		}
	}
	return nil
}

// ours turns an error about text that beanpole wrote itself into its own
// failure, whatever it is about.
func ours(err error) error { return fmt.Errorf("%s", err.Error()) }

// writable refuses to write into a zip.
func (f *fixing) writable(changed map[string][]byte) error {
	for file := range changed {
		if f.write && f.bundle.Packed() && f.inBundle(file) {
			return usageError("%s is a zip, and fix writes into none; mend the folder that it was made from, or leave out --write to see the diff", f.path)
		}
	}
	return nil
}

// inBundle: the file is one of the bundle, not an input beside it.
func (p *prediction) inBundle(file string) bool {
	return (p.parsed == nil || file != p.parsed.File) && p.bundle.Has(file)
}

// where is the path of a file of the input, and "" of one in a zip.
func (p *prediction) where(file string) string {
	switch {
	case !p.inBundle(file):
		return file
	case p.bundle.Packed():
		return ""
	}
	return filepath.Join(p.path, filepath.FromSlash(p.bundle.Target(file)))
}

// finish prints the diff, or writes the files.
func (f *fixing) finish(w io.Writer, changed map[string][]byte) error {
	out := map[string][]byte{}
	for _, file := range slices.Sorted(maps.Keys(changed)) {
		old := f.read(file)
		if !f.write {
			name := strings.TrimPrefix(filepath.ToSlash(f.name(file)), "/")
			fmt.Fprint(w, printable(udiff.Unified("a/"+name, "b/"+name, string(old), string(changed[file]))))
			continue
		}
		at := f.where(file)
		now, err := os.ReadFile(at)
		if err != nil || !bytes.Equal(now, old) {
			return usageError("%s changed while fix was reading it; run it again", at)
		}
		out[at] = changed[file]
	}
	written, err := replaceFiles(out)
	for _, at := range written {
		fmt.Fprintf(w, "wrote %s\n", clean(at))
	}
	return err
}

// printable is a diff without control characters, and with stars over secrets,
// its line ends kept so that `patch` can use it (where it shows no secret).
func printable(diff string) string {
	lines := strings.Split(diff, "\n")
	for i, l := range lines {
		body, cr := strings.CutSuffix(l, "\r")
		parts := strings.Split(body, "\t")
		for k := range parts {
			parts[k] = finding.Clean(parts[k])
		}
		lines[i] = strings.Join(parts, "\t")
		if len(lines[i]) > 1 {
			lines[i] = lines[i][:1] + finding.Mask(lines[i][1:]) // behind the diff's own sign
		}
		if cr {
			lines[i] += "\r"
		}
	}
	return strings.Join(lines, "\n")
}
