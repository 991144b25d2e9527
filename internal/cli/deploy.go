package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"
	"github.com/spf13/cobra"
)

// deployFlags are what `deploy` is told.
type deployFlags struct {
	upFlags
	label string
}

func deployCommand() *cobra.Command {
	var f deployFlags
	c := &cobra.Command{
		Use:   "deploy [PATH]",
		Short: "deploy a changed bundle to an environment that runs",
		Long: `deploy makes a new application version of the source bundle at PATH (a folder or
a zip; default: this folder) and updates the running environment to it, by its
deployment policy (option DeploymentPolicy), as "eb deploy" does. The old
version serves until the new one is in place. It prints the events, and under a
failure its cause.`,
		Example: `  beanpole deploy app
  beanpole deploy app --environment shop-production \
    --option aws:elasticbeanstalk:command:DeploymentPolicy=Immutable`,
		Args: atMost(1, "PATH"),
		RunE: func(c *cobra.Command, args []string) error {
			path := "."
			if len(args) > 0 {
				path = args[0]
			}
			return deploy(c, path, &f)
		},
	}
	registerState(c, &f.serveFlags.state)
	fs := c.Flags()
	fs.StringVar(&f.environment, "environment", "", "environment's `NAME`; not needed when one runs")
	fs.StringVar(&f.label, "label", "", "version `LABEL` (default: from the bundle's content)")
	fs.StringArrayVar(&f.options, "option", nil, "`NS:NAME=VALUE` (namespace, name, value) of an option setting that is changed in the same update; may be repeated")
	fs.StringVar(&f.optionFile, "option-settings", "", "`FILE` of such option settings, as the AWS CLI takes it (JSON)")
	fs.StringVar(&f.template, "template", "", "CloudFormation template `FILE` of role, profile and buckets, to explain a failure with")
	fs.StringArrayVar(&f.params, "parameter", nil, "`NAME=VALUE` of a parameter of the template; may be repeated")
	fs.StringVar(&f.paramFile, "parameters", "", "`FILE` of the template's parameters, as the AWS CLI or CodePipeline takes it (JSON or YAML)")
	fs.StringVar(&f.stack, "stack-name", "", "CloudFormation stack's `NAME` (default: from the template's folder)")
	return c
}

func deploy(c *cobra.Command, path string, f *deployFlags) error {
	p, local, err := here(f.serveFlags.state)
	if err != nil {
		return err
	}
	d := &deployment{flags: &f.upFlags, path: path, project: p, clients: local, screen: newScreen(c.OutOrStdout())}
	defer d.screen.done()
	f.serveFlags.region, f.serveFlags.account = local.on.Region, local.on.Account
	if err := d.readBundle(); err != nil {
		return err
	}
	defer d.bundle.Close()
	if f.label != "" {
		d.label = f.label
	}
	ctx, stop := signal.NotifyContext(c.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := d.redeploy(ctx); err != nil {
		if ctx.Err() != nil {
			return &exitError{code: exitFindings, msg: "interrupted; the environment goes on with its update: beanpole events"}
		}
		return err
	}
	return nil
}

// readBundle reads the bundle, and the template that explains failures.
func (d *deployment) readBundle() (err error) {
	f := d.flags
	if d.template, err = f.readTemplate(); err != nil {
		return err
	}
	if d.params, err = f.parameters(d.template); err != nil {
		return err
	}
	if d.stack = f.stack; d.stack == "" {
		d.stack = stackName(d.path, f.template)
	}
	if _, err := f.given(); err != nil {
		return err
	}
	if d.bundle, err = openBundle(d.path); err != nil {
		return err
	}
	if err := d.project.apart(d.path); err != nil {
		d.bundle.Close()
		return err
	}
	return d.pack()
}

// pack makes the bundle's zip, and the version's label from it.
func (d *deployment) pack() error {
	var zip bytes.Buffer
	if err := d.bundle.WriteZip(&zip); err != nil {
		return err
	}
	d.zip = zip.Bytes()
	sum := sha256.Sum256(d.zip)
	d.label = "beanpole-" + hex.EncodeToString(sum[:6])
	return nil
}

// redeploy updates the running environment to the bundle.
func (d *deployment) redeploy(ctx context.Context) error {
	e, err := d.clients.chosen(ctx, d.flags.environment)
	if err != nil {
		return err
	}
	d.env, d.app = aws.ToString(e.EnvironmentName), aws.ToString(e.ApplicationName)
	d.flags.environment, d.flags.platform = d.env, aws.ToString(e.SolutionStackName)
	if err := d.version(ctx); err != nil {
		return err
	}
	given, err := d.flags.given()
	if err != nil {
		return err
	}
	f := d.follow()
	_, err = d.clients.beans.UpdateEnvironment(ctx, &elasticbeanstalk.UpdateEnvironmentInput{
		EnvironmentName: &d.env, VersionLabel: &d.label, OptionSettings: optionSettings(given),
	})
	if err != nil {
		return awsError("update the environment", err)
	}
	return d.followEnvironment(ctx, f)
}

// chosen is the environment of a name, or the only one that runs.
func (c *clients) chosen(ctx context.Context, name string) (*ebtypes.EnvironmentDescription, error) {
	out, err := c.beans.DescribeEnvironments(ctx, &elasticbeanstalk.DescribeEnvironmentsInput{IncludeDeleted: aws.Bool(false)})
	if err != nil {
		return nil, awsError("list the environments", err)
	}
	var names []string
	for _, e := range out.Environments {
		if names = append(names, aws.ToString(e.EnvironmentName)); name == *e.EnvironmentName {
			return &e, nil
		}
	}
	switch {
	case len(names) == 0:
		return nil, usageError("no environment runs; start one with: beanpole up")
	case name != "":
		return nil, usageError("no environment %q runs; there is: %s", name, strings.Join(names, ", "))
	case len(names) > 1:
		return nil, usageError("several environments run; say which with --environment: %s", strings.Join(names, ", "))
	}
	return &out.Environments[0], nil
}
