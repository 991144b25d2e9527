package cli

import (
	"errors"
	"os/exec"

	"github.com/spf13/cobra"

	"beanpole/internal/instance"
)

func shellCommand() *cobra.Command {
	var state string
	c := &cobra.Command{
		Use:   "shell [INSTANCE] [-- COMMAND...]",
		Short: "open a shell as root on an instance, or run one command there",
		Example: `  beanpole shell
  beanpole shell -- tail -n 20 /var/log/cfn-init.log
  beanpole shell i-0123456789abcdef0 -- cat /var/log/eb-engine.log`,
		RunE: func(c *cobra.Command, args []string) error {
			p, local, err := here(state)
			if err != nil {
				return err
			}
			command := []string{"/bin/sh", "-c", "command -v bash >/dev/null && exec bash -l; exec sh -l"}
			if n := c.ArgsLenAtDash(); n >= 0 {
				if n < len(args) {
					command = args[n:]
				}
				args = args[:n]
			}
			if len(args) > 1 {
				return usageError("one instance at a time; put the command behind --")
			}
			var id string
			if len(args) == 1 {
				id = args[0]
			} else {
				ids, err := local.instances(c.Context(), "")
				if err != nil {
					return err
				}
				if len(ids) == 0 {
					return usageError("no instance runs; start an environment with: beanpole up")
				}
				id = ids[0]
			}
			err = instance.Attach(c.Context(), p.dir, id, command, c.InOrStdin(), c.OutOrStdout(), c.ErrOrStderr())
			var status *exec.ExitError
			if errors.As(err, &status) {
				return &exitError{code: status.ExitCode()}
			}
			return err
		},
	}
	registerState(c, &state)
	return c
}
