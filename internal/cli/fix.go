package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"sort"
	"strings"

	"github.com/aymanbagabas/go-udiff"
	"github.com/spf13/cobra"

	"beanpole/internal/cfn"
	"beanpole/internal/check"
	"beanpole/internal/finding"
	"beanpole/internal/source"
)

func fixCommand() *cobra.Command {
	f := &fixing{}
	c := &cobra.Command{
		Use:   "fix [PATH]",
		Short: "mend what check finds, as a diff or in place",
		Long: `fix works out how to mend what check finds and prints it as a diff; with --write
it changes the files. Only the places that must change are touched. It says what
the change costs, and proves before it writes that check no longer finds the
mistake.

Exit status: 0 nothing left to mend, 1 something is (also when only shown as a
diff), 2 bad usage or input that cannot be read.`,
		Example: `  beanpole fix app --template infra.yaml
  beanpole fix app --template infra.yaml --write
  beanpole fix app --template infra.yaml --rule role-name-is-profile`,
		Args: atMost(1, "PATH"),
		RunE: func(c *cobra.Command, args []string) error {
			if f.rule != "" && check.Lookup(f.rule) == nil {
				return usageError("there is no rule %q; beanpole explain lists them", f.rule)
			}
			if err := f.open(args); err != nil {
				return err
			}
			defer f.bundle.Close()
			out := &sink{w: c.OutOrStdout()}
			return out.or(f.run(out))
		},
	}
	f.register(c)
	c.Flags().StringVar(&f.rule, "rule", "", "mend only what this `RULE` finds")
	c.Flags().BoolVar(&f.write, "write", false, "change the files instead of printing a diff")
	return c
}

type fixing struct {
	prediction
	rule  string
	write bool
}

func (f *fixing) run(w io.Writer) error {
	report, err := check.Run(f.input())
	if err != nil {
		return err
	}
	mended, left := f.choose(report.Findings)
	if len(mended) == 0 {
		if len(left) == 0 {
			fmt.Fprintln(w, "nothing to mend: "+summary(report))
		}
		return f.byHand(w, left)
	}
	changed, err := f.apply(allEdits(mended))
	if err != nil {
		return err
	}
	if err := f.prove(mended, changed); err != nil {
		return err
	}
	for _, fd := range mended {
		remark(w, fd.Rule+": "+fd.Fixes[0].Title)
		if price := fd.Fixes[0].Price; price != "" {
			remark(w, "price: "+price)
		}
	}
	if err := f.finish(w, changed); err != nil {
		return err
	}
	if !f.write {
		return errFindings
	}
	return f.byHand(w, left)
}

// remark prints a text above a diff, where patch passes over it.
func remark(w io.Writer, text string) {
	_, width := terminal(w)
	for line := range strings.Lines(finding.Wrap(text, width-2, 2) + "\n") {
		fmt.Fprint(w, "# "+line)
	}
}

// allEdits are the edits of the first fix of each finding, by file. Findings
// with the same remedy share it.
func allEdits(mended []*finding.Finding) map[string][]source.Edit {
	edits := map[string][]source.Edit{}
	for _, fd := range mended {
		for _, e := range fd.Fixes[0].Edits {
			if !slices.Contains(edits[e.File], e) {
				edits[e.File] = append(edits[e.File], e)
			}
		}
	}
	return edits
}

// choose parts the findings in those that can be mended and the others.
func (f *fixing) choose(all []*finding.Finding) (mended, left []*finding.Finding) {
	for _, fd := range all {
		switch {
		case f.rule != "" && fd.Rule != f.rule:
		case len(fd.Fixes) > 0:
			mended = append(mended, fd)
		default:
			left = append(left, fd)
		}
	}
	return mended, left
}

// byHand says what remains to be done by hand.
func (f *fixing) byHand(w io.Writer, left []*finding.Finding) error {
	if len(left) == 0 {
		return nil
	}
	f.print(w, left)
	fmt.Fprintf(w, "\n%s must be mended by hand\n", count(len(left), "finding"))
	return errFindings
}

// apply carries out the edits in memory.
func (f *fixing) apply(edits map[string][]source.Edit) (map[string][]byte, error) {
	out := map[string][]byte{}
	for file, es := range edits {
		if f.parsed == nil || file != f.parsed.File {
			return nil, fmt.Errorf("mend %s: only the template can be changed", file)
		}
		data, err := source.Apply(f.templateText, es)
		if err != nil {
			return nil, fmt.Errorf("mend %s: %w", file, err)
		}
		out[file] = data
	}
	return out, nil
}

// prove checks the changed files: what was mended must be gone.
func (f *fixing) prove(mended []*finding.Finding, changed map[string][]byte) error {
	in := f.input()
	for file, data := range changed {
		t, err := cfn.Parse(file, data)
		if err != nil {
			return fmt.Errorf("read the mended template: %w", ours(err))
		}
		in.Template = t
	}
	in.Read = nil
	report, err := check.Run(in)
	if err != nil {
		return fmt.Errorf("check the mended template: %w", ours(err))
	}
	for _, fd := range mended {
		for _, still := range report.Findings {
			if still.Rule == fd.Rule && still.Pos == fd.Pos {
				return fmt.Errorf("mend %s at %s: the change does not mend it; nothing was written", fd.Rule, fd.Pos)
			}
		}
	}
	return nil
}

// ours turns an error about text that beanpole wrote itself into its own
// failure, whatever it is about.
func ours(err error) error { return fmt.Errorf("%s", err.Error()) }

// finish prints the diff, or writes the files.
func (f *fixing) finish(w io.Writer, changed map[string][]byte) error {
	var files []string
	for file := range changed {
		files = append(files, file)
	}
	sort.Strings(files)
	for _, file := range files {
		old := f.read(file)
		if !f.write {
			diff := udiff.Unified("a/"+strings.TrimPrefix(file, "/"), "b/"+strings.TrimPrefix(file, "/"), string(old), string(changed[file]))
			fmt.Fprint(w, printable(diff))
			continue
		}
		now, err := os.ReadFile(file)
		if err != nil || !bytes.Equal(now, old) {
			return usageError("%s changed while fix was reading it; run it again", file)
		}
		if err := os.WriteFile(file, changed[file], 0o644); err != nil {
			return usageError("cannot write: %v", err)
		}
		fmt.Fprintf(w, "wrote %s\n", file)
	}
	return nil
}

// printable is a diff without control characters, its line ends kept so that
// `patch` can use it.
func printable(diff string) string {
	lines := strings.Split(diff, "\n")
	for i, l := range lines {
		body, cr := strings.CutSuffix(l, "\r")
		parts := strings.Split(body, "\t")
		for k := range parts {
			parts[k] = finding.Clean(parts[k])
		}
		lines[i] = strings.Join(parts, "\t")
		if cr {
			lines[i] += "\r"
		}
	}
	return strings.Join(lines, "\n")
}
