package cli

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
)

// Version is set by the release build.
var Version = "0.1.0-dev"

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "print the version",
		Example: `  beanpole version`,
		Args:    atMost(0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			fmt.Fprintf(c.OutOrStdout(), "beanpole %s (%s/%s, %s)\n", Version, runtime.GOOS, runtime.GOARCH, runtime.Version())
			return nil
		},
	}
}
