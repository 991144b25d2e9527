package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"beanpole/internal/check"
	"beanpole/internal/finding"
)

func fixCommand() *cobra.Command {
	f := &fixing{}
	c := &cobra.Command{
		Use:   "fix [PATH]",
		Short: "mend what check finds, as a diff or in place",
		Long: `fix works out how to mend what check finds and prints it as a diff; with --write
it changes the files, in the bundle's folder and the template. Only the places
that must change are touched. Where there are several ways it takes the first
and names the others; --way chooses one. It says what the change costs, and
proves before it writes that check no longer finds the mistake.

Exit status: 0 nothing left to mend, 1 something is (also when only shown as a
diff), 2 bad usage or input that cannot be read.`,
		Example: `  beanpole fix app --template infra.yaml
  beanpole fix app --template infra.yaml --write
  beanpole fix app --template infra.yaml --rule role-name-is-profile \
    --way custom-option`,
		Args: atMost(1, "PATH"),
		RunE: func(c *cobra.Command, args []string) error {
			if f.rule != "" && check.Lookup(f.rule) == nil {
				return noSuchRule(f.rule)
			}
			path := ""
			if len(args) > 0 {
				path = args[0]
			} else {
				path = bundleHere(c.ErrOrStderr())
			}
			if err := f.open(path); err != nil {
				return err
			}
			defer f.bundle.Close()
			out := &sink{w: c.OutOrStdout()}
			return out.or(f.run(out))
		},
	}
	f.register(c)
	c.Flags().StringVar(&f.rule, "rule", "", "mend only what this `RULE` finds")
	completes(c, "rule", func(c *cobra.Command, _ []string, start string) ([]string, cobra.ShellCompDirective) {
		return completeRules(c, nil, start)
	})
	c.Flags().StringVar(&f.way, "way", "", "mend in the way of this `NAME`, and only what can be mended so")
	c.Flags().BoolVar(&f.write, "write", false, "change the files instead of printing a diff")
	return c
}

type fixing struct {
	prediction
	rule, way string
	write     bool
}

// mending is a finding and the way that was chosen for it.
type mending struct {
	*finding.Finding
	fix *finding.Fix
}

func (f *fixing) run(w io.Writer) error {
	report, err := check.Run(f.input())
	if err != nil {
		return err
	}
	chosen, left, err := f.choose(report.Findings)
	if err != nil {
		return err
	}
	if len(chosen) == 0 {
		if len(left) == 0 {
			fmt.Fprintln(w, "nothing to mend: "+summary(report))
		}
		return f.byHand(w, left)
	}
	mended, later, edits := merge(chosen)
	changed, err := f.apply(edits)
	if err != nil {
		return err
	}
	if err := f.prove(report.Findings, mended, changed); err != nil {
		return err
	}
	if err := f.writable(changed); err != nil {
		return err
	}
	f.remarks(w, mended, later)
	if err := f.finish(w, changed); err != nil {
		return err
	}
	if !f.write {
		return errFindings
	}
	if err := f.byHand(w, left); err != nil || later == 0 {
		return err
	}
	return errFindings
}

// choose parts the findings in those that can be mended, each with its way,
// and the others.
func (f *fixing) choose(all []*finding.Finding) (chosen []mending, left []*finding.Finding, err error) {
	var ways []string
	for _, fd := range all {
		if f.rule != "" && fd.Rule != f.rule {
			continue
		}
		fix := f.chooseWay(fd)
		if fix != nil {
			chosen = append(chosen, mending{fd, fix})
		} else if !mendable(fd) {
			left = append(left, fd)
		}
		for i := range fd.Fixes {
			if name := fd.Fixes[i].Name; !slices.Contains(ways, name) {
				ways = append(ways, name)
			}
		}
	}
	if f.way != "" && len(chosen) == 0 && len(ways) > 0 {
		return nil, nil, usageError("no finding can be mended in the way %q; there is: %s", f.way, strings.Join(ways, ", "))
	}
	return chosen, left, nil
}

// mendable: a way changes files; others are words only.
func mendable(fd *finding.Finding) bool {
	return slices.ContainsFunc(fd.Fixes, func(x finding.Fix) bool { return len(x.Edits) > 0 })
}

// chooseWay is the way of that name, or the first; nil when there is none.
func (f *fixing) chooseWay(fd *finding.Finding) *finding.Fix {
	for i := range fd.Fixes {
		if fix := &fd.Fixes[i]; len(fix.Edits) > 0 && (f.way == "" || fix.Name == f.way) {
			return fix
		}
	}
	return nil
}

// remarks say above a diff, where patch passes over it, what is done and what
// it costs. What is done alike in several places is said once.
func (f *fixing) remarks(w io.Writer, mended []mending, later int) {
	var said []string
	for _, m := range mended {
		var b strings.Builder
		remark(&b, w, m.Rule+": "+m.fix.Title)
		if m.fix.Price != "" {
			remark(&b, w, "price: "+m.fix.Price)
		}
		if f.way == "" {
			for i := range m.Fixes {
				if other := &m.Fixes[i]; other != m.fix && len(other.Edits) > 0 {
					remark(&b, w, fmt.Sprintf("or --way %s: %s", word(other.Name), other.Title))
				}
			}
		}
		if !slices.Contains(said, b.String()) {
			said = append(said, b.String())
		}
	}
	if later > 0 {
		var b strings.Builder
		remark(&b, w, count(later, "further change")+" would touch the same places and must wait: run fix again after this one is written")
		said = append(said, b.String())
	}
	for _, s := range said {
		fmt.Fprint(w, s)
	}
}

// remark writes a text as comments of a diff for w.
func remark(b *strings.Builder, w io.Writer, text string) {
	_, width := terminal(w)
	for line := range strings.Lines(finding.Wrap(text, width-2, 2) + "\n") {
		b.WriteString("# " + line)
	}
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
