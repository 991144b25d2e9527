// Package cli is the command line: one file a command, flags, exit statuses,
// and all wiring of the other packages in one place.
package cli

import (
	"context"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"beanpole/internal/agent"
	"beanpole/internal/engine"
)

const about = `beanpole runs an AWS Elastic Beanstalk deployment on your own machine and says,
before AWS does, whether the instance will get what it needs, and if not, why,
and what to change.

Exit status: 0 clean, 1 findings or a failed deployment, 2 bad usage or input
that cannot be read, 3 beanpole itself failed; of diagnose also 4, nothing could
be told.`

// Run is Main, or what argv[0] names where this program stands for another:
// on an instance, see package engine, and anywhere by the names of AWS's agent.
func Run(argv []string, in io.Reader, out, errs io.Writer) int {
	if engine.IsApplet(argv[0]) && (engine.OnInstance() || !agent.IsProgram(argv[0])) {
		return engine.Applet(argv, out, errs)
	}
	if agent.IsProgram(argv[0]) {
		return runAgent(agent.Run, argv[0], argv[1:], in, out, errs)
	}
	return Main(argv[1:], in, out, errs)
}

// Main runs one command line and returns its exit status.
func Main(args []string, in io.Reader, out, errs io.Writer) int {
	root := &cobra.Command{
		Use:           "beanpole",
		Short:         "run and explain an Elastic Beanstalk deployment on your own machine",
		Long:          about,
		Args:          noSuchCommand,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		what, _, _ := strings.Cut(err.Error(), ": strconv.") // Go's word on a number
		return usageError("%s; see: %s --help", what, c.CommandPath())
	})
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), ".FlagUsages", ".FlagUsagesWrapped 80"))
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errs)
	root.AddCommand(commands()...)
	root.InitDefaultCompletionCmd(args...)
	ran := false
	for _, c := range root.Commands() {
		work := c.RunE
		c.RunE = func(c *cobra.Command, args []string) error {
			ran = true
			return work(c, args)
		}
	}
	command, err := root.ExecuteContextC(context.Background())
	if _, ours := err.(*exitError); err != nil && !ran && !ours {
		// cobra's own word on an unknown command or a wrong argument
		err = usageError("%v; see: %s --help", err, command.CommandPath())
	}
	return reportError(errs, err)
}

// commands are all commands.
func commands() []*cobra.Command {
	return []*cobra.Command{
		checkCommand(),
		fixCommand(),
		explainCommand(),
		diagnoseCommand(),
		upCommand(),
		deployCommand(),
		downCommand(),
		statusCommand(),
		eventsCommand(),
		logsCommand(),
		shellCommand(),
		serveCommand(),
		initCommand(),
		instanceInitCommand(),
		versionCommand(),
	}
}
