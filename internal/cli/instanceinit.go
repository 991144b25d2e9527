package cli

import (
	"github.com/spf13/cobra"

	"beanpole/internal/engine"
)

// instanceInit is the hidden command that this program is started with as PID
// 1 of an instance.
const instanceInit = "instance-init"

func instanceInitCommand() *cobra.Command {
	return &cobra.Command{
		Use:    instanceInit,
		Short:  "PID 1 of an instance; beanpole starts it by itself",
		Hidden: true,
		Args:   atMost(0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			return &exitError{code: engine.Main(c.InOrStdin(), c.OutOrStdout())}
		},
	}
}
