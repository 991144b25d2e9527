package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"beanpole/internal/check"
)

func explainCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "explain [RULE]",
		Short: "say what a rule is about; without a name, list all rules",
		Example: `  beanpole explain
  beanpole explain role-name-is-profile`,
		Args:              atMost(1, "RULE"),
		ValidArgsFunction: completeRules,
		RunE: func(c *cobra.Command, args []string) error {
			w := c.OutOrStdout()
			if len(args) == 0 {
				listRules(w)
				return nil
			}
			r := check.Lookup(args[0])
			if r == nil {
				return noSuchRule(args[0])
			}
			explainRule(w, r)
			return nil
		},
	}
}

// completeRules are the rules for the shell's completion.
func completeRules(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var out []string
	for _, r := range check.Rules() {
		out = append(out, r.Slug+"\t"+r.Title)
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// listRules prints a line a rule, by what they are about.
func listRules(w io.Writer) {
	for i, g := range check.Groups() {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintln(w, "# "+g.Title)
		for _, r := range g.Rules {
			fmt.Fprintf(w, "%-24s %s\n", r.Slug, r.Title)
		}
	}
}

// noSuchRule names the nearest rule, where one is near.
func noSuchRule(slug string) error {
	if near := check.Nearest(slug); near != "" {
		return usageError("there is no rule %q; did you mean %s? beanpole explain lists them", slug, near)
	}
	return usageError("there is no rule %q; beanpole explain lists them", slug)
}

func explainRule(w io.Writer, r *check.Rule) {
	fmt.Fprintf(w, "%s: %s\n\n%s\n\n", r.Slug, r.Title, r.Why)
	fmt.Fprintf(w, "Before:\n%s\n\nAfter:\n%s\n\nSince %s\n", indented(r.Before), indented(r.After), r.Since)
}

func indented(s string) string {
	return "    " + strings.ReplaceAll(s, "\n", "\n    ")
}
