package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"beanpole/internal/ebext"
	"beanpole/internal/instance"
	"beanpole/internal/lazyregexp"
	"beanpole/internal/platform"
)

// tipAL1 ends every error text of the host manager. [hm]
const tipAL1 = "For more detail, check /var/log/eb-activity.log using console or EB CLI"

// al1Steps is the order of Amazon Linux 1's command processor; a configuration
// deployment runs the hooks of configdeploy and nothing of .ebextensions.
// [log: eb-commandprocessor.log; gh:mixmaxhq/eb-fix-npm#14 for configdeploy]
func (d *deployment) al1Steps() []step {
	if d.command.Name == platform.ConfigDeploy {
		return []step{
			{"ConfigDeployStage0/ConfigDeployPreHook", d.hookAL1("pre", d.prepareAL1)},
			{"ConfigDeployStage1/ConfigDeployEnactHook", d.hookAL1("enact", d.enactAL1)},
			{"ConfigDeployStage1/ConfigDeployPostHook", d.hookAL1("post", nil)},
		}
	}
	return []step{
		{"AppDeployStage0/DownloadSourceBundle", d.download},
		{"AppDeployStage0/EbExtensionPreBuild", func(ctx context.Context) error { return d.build(ctx, ebext.PreBuild, "/") }},
		{"AppDeployStage0/AppDeployPreHook", d.hookAL1("pre", d.prepareAL1)},
		{"AppDeployStage0/EbExtensionPostBuild", func(ctx context.Context) error { return d.build(ctx, ebext.PostBuild, d.staging()) }},
		{"AppDeployStage0/InfraCleanEbextension", d.cleanExtensions},
		{"AppDeployStage1/AppDeployEnactHook", d.hookAL1("enact", d.enactAL1)},
		{"AppDeployStage1/AppDeployPostHook", d.hookAL1("post", nil)},
	}
}

// runAL1 carries app-deploy out as the command processor does.
func (d *deployment) runAL1(ctx context.Context) *instance.Result {
	w, err := d.log("eb-activity.log")
	if err != nil {
		return broken("open log", err)
	}
	d.activity = activityLog{w, time.Now, os.Getpid()}
	kind, cmd, startup := "Application update", "CMD-AppDeploy", false
	switch {
	case d.command.Name == platform.ConfigDeploy:
		kind, cmd = "Configuration update", "CMD-ConfigDeploy"
		if err := d.writeEnvironment(); err != nil {
			return broken("write the environment", err)
		}
	case d.engine.deployments == 1:
		kind, startup = "Application deployment", true
		if err := d.bake(ctx); err != nil {
			return broken("prepare the platform", err)
		}
	}
	whole := fmt.Sprintf("%s %s@%d", kind, d.command.VersionLabel, d.engine.deployments)
	for _, s := range d.al1Steps() {
		name := s.name
		if startup {
			name = strings.Replace(name, "AppDeployStage", "StartupStage", 1)
		}
		path := whole + "/" + name
		d.activityPath = path
		d.activity.line(path, "Starting activity...")
		if err := s.run(ctx); err != nil {
			if ctx.Err() != nil {
				err = context.Cause(ctx)
			}
			d.failAL1(path, s.name, err)
			d.activity.completed(whole, kind+" - Command "+cmd+" failed")
			return d.result
		}
		d.activity.completed(path, "")
	}
	d.activity.completed(whole, kind+" - Command "+cmd+" succeeded")
	return d.result
}

func (d *deployment) prepareAL1(ctx context.Context) error {
	if err := d.stage(ctx); err != nil {
		return err
	}
	var out bytes.Buffer
	if err := d.install(ctx, &out); err != nil {
		return fmt.Errorf("%w\n%s", err, out.String())
	}
	return d.renderProxy()
}

func (d *deployment) enactAL1(ctx context.Context) error {
	if err := d.stopProxy(ctx); err != nil {
		return err
	}
	if err := d.flip(ctx); err != nil {
		return err
	}
	if err := d.startProxy(ctx); err != nil {
		return err
	}
	d.watchStart(ctx)
	return nil
}

// bake makes what the Amazon Linux AMI's images have before the first version.
func (d *deployment) bake(ctx context.Context) error {
	if err := d.addUsers(); err != nil {
		return err
	}
	if err := d.bakeHooks(); err != nil {
		return err
	}
	return d.bakeProxy(ctx)
}

// failAL1 logs and fills in the result.
func (d *deployment) failAL1(path, name string, err error) {
	r := d.result
	r.Status, r.ReturnCode = instance.Failure, 1
	r.FailedStep = name[strings.LastIndex(name, "/")+1:]
	r.TimedOut = errors.Is(err, errTimeout)
	var hook *hookFailure
	switch {
	case d.fault != nil:
		d.activity.failed(path+"/"+d.set, d.fault.Text)
		r.Output = d.buildText()
	case errors.As(err, &hook):
		d.activity.failed(path, hook.output)
		r.Output = compose(hook.output, hook.Error())
	default:
		d.activity.failed(path, err.Error())
		r.Output = compose(err.Error(), "")
	}
}

var failedCommand = lazyregexp.New(`^Command (.*) failed$`)

// buildText is what the host manager makes of cfn-init's error: it takes the
// first line, since its pattern stops at a newline; for a command it takes
// what the command said. [hm]
func (d *deployment) buildText() string {
	line, _, _ := strings.Cut(d.fault.Text, "\n")
	m := failedCommand.FindStringSubmatch(line)
	if m == nil {
		return compose(line, "EBExtension failed.")
	}
	kind := "command"
	if d.set == ebext.PostBuild {
		kind = "container_command"
	}
	file := d.metadata.Get("AWS::ElasticBeanstalk::Ext").Get("_EBExtensionFilePaths").Get(d.fault.Config).TextOr("EBExtension")
	return compose(commandOutput(d.output.String()), fmt.Sprintf("%s %s in %s failed.", kind, m[1], file))
}

const longestOutput = 256 // bytes of output in an event [hm]

// compose joins output, reason and tip. [hm; the blog's event]
func compose(output, reason string) string {
	output = strings.TrimSpace(output)
	if len(output) > longestOutput {
		output = "(TRUNCATED)..." + strings.ToValidUTF8(output[len(output)-longestOutput:], "")
	}
	var parts []string
	if output != "" {
		parts = append(parts, strings.TrimSuffix(output, ".")+".")
	}
	if reason != "" {
		parts = append(parts, reason)
	}
	return strings.Join(append(parts, tipAL1), " ")
}

// commandOutput is what the last command of cfn-init-cmd.log said.
func commandOutput(log string) string {
	i := strings.LastIndex(log, "Command Output")
	if i < 0 {
		return ""
	}
	var out []string
	for _, line := range strings.Split(log[i:], "\n")[1:] {
		_, text, ok := strings.Cut(line, "\t")
		if !ok {
			break
		}
		out = append(out, text)
	}
	return strings.Join(out, "\n")
}
