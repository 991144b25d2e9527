package cli

import (
	"strings"

	"github.com/spf13/cobra"
)

// atMost takes no more than n arguments, which are called what.
func atMost(n int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch {
		case len(args) <= n:
			return nil
		case n == 0:
			return usageError("%s takes no argument, and got %q; see: %s --help", c.Name(), args[0], c.CommandPath())
		}
		return usageError("%s takes one %s, and got %d: %s; see: %s --help", c.Name(), what, len(args), strings.Join(args, " "), c.CommandPath())
	}
}

// noSuchCommand answers a word that is no command with the nearest that is.
func noSuchCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	near := ""
	if c.SuggestionsMinimumDistance = 2; len(c.SuggestionsFor(args[0])) > 0 {
		near = "did you mean " + c.SuggestionsFor(args[0])[0] + "? "
	}
	return usageError("there is no command %q; %ssee: beanpole --help", args[0], near)
}
