package cli

import (
	"context"
	"io"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"

	"beanpole/internal/agent"
	"beanpole/internal/engine"
)

func initCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "init",
		Short: "carry out AWS::CloudFormation::Init on this machine",
		// The options are cfn-init's, which are not written as cobra's are.
		DisableFlagParsing: true,
		RunE: func(c *cobra.Command, args []string) error {
			return &exitError{code: runAgent(agent.Init, "beanpole init", args, c.InOrStdin(), c.OutOrStdout(), c.ErrOrStderr())}
		},
	}
}

// runAgent runs one of the agent's programs until it ends or is told to.
func runAgent(program func(context.Context, *agent.Call) int, name string, args []string, in io.Reader, out, errs io.Writer) int {
	// A run is short: cleaning up small heaps would take a tenth of it.
	debug.SetGCPercent(400)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	return program(ctx, agent.NewCall(name, args, in, out, errs, engine.OnInstance()))
}
