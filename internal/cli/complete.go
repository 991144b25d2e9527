package cli

import "github.com/spf13/cobra"

// completes lets the shell complete a flag's value.
func completes(c *cobra.Command, flag string, f cobra.CompletionFunc) {
	if err := c.RegisterFlagCompletionFunc(flag, f); err != nil {
		panic("unreachable: " + err.Error()) // no such flag
	}
}
