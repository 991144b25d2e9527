package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/spf13/cobra"

	beanstalk "beanpole/internal/cloud/elasticbeanstalk"
	"beanpole/internal/finding"
)

// here is the running local AWS of this project, for commands that only look.
func here(state string) (*project, *clients, error) {
	p, err := findProject(state)
	if err != nil {
		return nil, nil, err
	}
	if err := p.own(); err != nil {
		return nil, nil, err
	}
	s, err := p.serving()
	if err != nil {
		return nil, nil, err
	}
	switch {
	case s == nil && p.used():
		return nil, nil, usageError("the local AWS of this folder does not run now; go on with: beanpole up, or clear away what it left: beanpole down")
	case s == nil:
		return nil, nil, usageError("no local AWS runs here; start one with: beanpole up")
	}
	c, err := p.clients(s)
	return p, c, err
}

func statusCommand() *cobra.Command {
	var state string
	c := &cobra.Command{
		Use:     "status",
		Short:   "show the local AWS and its environments",
		Example: `  beanpole status`,
		Args:    atMost(0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			_, local, err := here(state)
			if err != nil {
				return err
			}
			out := c.OutOrStdout()
			_, width := terminal(out)
			on := fmt.Sprintf("local AWS: %s (region %s, account %s, process %d)", local.on.url(), local.on.Region, local.on.Account, local.on.PID)
			fmt.Fprintln(out, finding.Wrap(on, width, 4))
			e, err := local.beans.DescribeEnvironments(c.Context(), &elasticbeanstalk.DescribeEnvironmentsInput{IncludeDeleted: aws.Bool(false)})
			if err != nil {
				return awsError("list the environments", err)
			}
			if len(e.Environments) == 0 {
				fmt.Fprintln(out, "no environments")
				return nil
			}
			all := e.Environments
			w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
			fmt.Fprintln(w, "ENVIRONMENT\tSTATUS\tHEALTH\tVERSION")
			for _, e := range e.Environments {
				health := string(e.Health)
				if e.HealthStatus != "" {
					health += ", " + string(e.HealthStatus)
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", aws.ToString(e.EnvironmentName), e.Status, health, aws.ToString(e.VersionLabel))
			}
			w.Flush()
			for _, e := range e.Environments {
				if len(all) > 1 {
					fmt.Fprintf(out, "\n%s\n", aws.ToString(e.EnvironmentName))
				}
				local.health(c.Context(), out, e.EnvironmentName)
				for _, u := range local.urls(c.Context(), aws.ToString(e.EnvironmentName), aws.ToString(e.ApplicationName)) {
					fmt.Fprintln(out, "  "+u)
				}
			}
			return nil
		},
	}
	registerState(c, &state)
	return c
}

func registerState(c *cobra.Command, state *string) {
	c.Flags().StringVar(state, "state", "", "`FOLDER` of the local AWS (default: the nearest .beanpole from here upwards)")
}

func eventsCommand() *cobra.Command {
	var state, environment string
	c := &cobra.Command{
		Use:     "events",
		Short:   "print the environments' events, oldest first",
		Example: `  beanpole events --environment shop-production`,
		Args:    atMost(0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			_, local, err := here(state)
			if err != nil {
				return err
			}
			in := &elasticbeanstalk.DescribeEventsInput{MaxRecords: aws.Int32(1000)}
			if environment != "" {
				in.EnvironmentName = &environment
			}
			out, err := local.beans.DescribeEvents(c.Context(), in)
			if err != nil {
				return awsError("read the events", err)
			}
			if environment != "" && len(out.Events) == 0 {
				return usageError("there is no event of an environment %q; beanpole status lists the environments", environment)
			}
			slices.Reverse(out.Events)
			for _, e := range out.Events {
				fmt.Fprintf(c.OutOrStdout(), "%s    %-5s   %s\n", e.EventDate.UTC().Format("2006-01-02 15:04:05"), e.Severity, clean(aws.ToString(e.Message)))
			}
			return nil
		},
	}
	registerState(c, &state)
	c.Flags().StringVar(&environment, "environment", "", "`NAME`: only this environment's events")
	return c
}

func logsCommand() *cobra.Command {
	var state, environment string
	var all bool
	c := &cobra.Command{
		Use:   "logs [FILE]",
		Short: "print the instances' log files",
		Long: `logs prints the last 100 lines of each log file of the running instances, as
Elastic Beanstalk's tail logs do, or one whole FILE.`,
		Example: `  beanpole logs
  beanpole logs /var/log/cfn-init.log`,
		Args: atMost(1, "FILE"),
		RunE: func(c *cobra.Command, args []string) error {
			_, local, err := here(state)
			if err != nil {
				return err
			}
			ids, err := local.instances(c.Context(), environment)
			if err != nil {
				return err
			}
			if len(ids) == 0 {
				return usageError("no instance runs; start an environment with: beanpole up")
			}
			files, tail := beanstalk.LogFiles, 100
			if len(args) == 1 {
				files, tail = args, 0
			}
			if all {
				tail = 0
			}
			found := 0
			for _, id := range ids {
				for _, file := range files {
					data, err := local.on.own(c.Context(), "GET", "files/"+id+file, nil)
					if err != nil {
						continue
					}
					found++
					if len(args) == 0 {
						fmt.Fprintf(c.OutOrStdout(), "----------------------------------------\n%s %s\n----------------------------------------\n", id, file)
					}
					fmt.Fprint(c.OutOrStdout(), clean(lastLines(string(data), tail)))
				}
			}
			if found == 0 {
				return usageError("no such file on the instances: %s", strings.Join(files, ", "))
			}
			return nil
		},
	}
	registerState(c, &state)
	c.Flags().StringVar(&environment, "environment", "", "`NAME`: only this environment's instances")
	c.Flags().BoolVar(&all, "all", false, "whole files instead of the last 100 lines")
	return c
}

// lastLines is the end of a text; n of 0 is all of it.
func lastLines(text string, n int) string {
	if n == 0 {
		return text
	}
	lines := strings.SplitAfter(strings.TrimSuffix(text, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "") + "\n"
}

// instances are the IDs of an environment's instances, or of all.
func (c *clients) instances(ctx context.Context, environment string) ([]string, error) {
	in := &elasticbeanstalk.DescribeEnvironmentsInput{IncludeDeleted: aws.Bool(false)}
	if environment != "" {
		in.EnvironmentNames = []string{environment}
	}
	envs, err := c.beans.DescribeEnvironments(ctx, in)
	if err != nil {
		return nil, awsError("list the environments", err)
	}
	var ids []string
	for _, e := range envs.Environments {
		r, err := c.beans.DescribeEnvironmentResources(ctx, &elasticbeanstalk.DescribeEnvironmentResourcesInput{EnvironmentId: e.EnvironmentId})
		if err != nil {
			continue // it has none yet, or no longer
		}
		for _, i := range r.EnvironmentResources.Instances {
			ids = append(ids, aws.ToString(i.Id))
		}
	}
	return ids, nil
}
