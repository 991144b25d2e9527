package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"beanpole/internal/ebext"
	"beanpole/internal/instance"
	"beanpole/internal/platform"
)

// step is one instruction of the platform engine. One without run does
// nothing on AWS either in the environments that beanpole makes.
type step struct {
	name string
	run  func(context.Context) error
}

// al2Steps is the platform's order with what carries it out.
func (d *deployment) al2Steps() []step {
	var out []step
	for _, i := range d.at.Order(d.command.Name) {
		out = append(out, step{i.Name, d.action(i.Do)})
	}
	return out
}

// action is what an instruction of Amazon Linux 2 and 2023 does.
func (d *deployment) action(a platform.Action) func(context.Context) error {
	switch a {
	case platform.ElectLeader:
		return d.electLeader
	case platform.PreBuild:
		return d.configSet(ebext.PreBuild, "/", "EbExtension build failed.")
	case platform.Stage:
		return d.stage
	case platform.PreBuildHooks:
		return d.platformHooks("prebuild", d.staging())
	case platform.Build:
		return func(ctx context.Context) error { return d.install(ctx, d.engineLog.w) }
	case platform.RenderProxy:
		return func(context.Context) error { return d.renderProxy() }
	case platform.PostBuild:
		return d.configSet(ebext.PostBuild, d.staging(), "Container commands build failed.")
	case platform.CleanExtensions:
		return d.cleanExtensions
	case platform.PreDeployHooks:
		return d.platformHooks("predeploy", d.staging())
	case platform.StopProxy:
		return d.stopProxy
	case platform.Flip:
		return d.flip
	case platform.StartProxy:
		return d.startProxy
	case platform.RunContainer:
		return d.runContainer
	case platform.TrackPIDs:
		return func(ctx context.Context) error { d.watchStart(ctx); return nil }
	case platform.PostDeployHooks:
		return d.platformHooks("postdeploy", d.current())
	}
	return nil
}

// electLeader says who leads; the command service has decided it.
func (d *deployment) electLeader(context.Context) error {
	if d.command.Leader {
		d.note("Instance is Leader.")
	} else {
		d.note("Instance is NOT a Leader.") // (general)
	}
	return nil
}

// runAL2 carries app-deploy out as the platform engine does.
func (d *deployment) runAL2(ctx context.Context) *instance.Result {
	w, err := d.log("eb-engine.log")
	if err != nil {
		return broken("open log", err)
	}
	d.engineLog = engineLog{w, time.Now}
	d.note("Starting...")
	d.note("Starting EBPlatform-PlatformEngine")
	d.note("Engine command: (%s)", d.command.Name)
	failed := "DownloadSourceBundle"
	if d.command.Name == platform.ConfigDeploy {
		failed, err = "WriteEnvironment", d.writeEnvironment()
	} else {
		d.note("Downloading EB Application...")
		err = d.download(ctx)
	}
	if err == nil {
		failed, err = d.follow(ctx, d.al2Steps())
	}
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	d.finishAL2(failed, err)
	return d.result
}

// follow executes instructions up to the first that fails.
func (d *deployment) follow(ctx context.Context, steps []step) (failed string, err error) {
	for _, s := range steps {
		d.note("Executing instruction: %s", s.name)
		if s.run == nil {
			continue
		}
		if err := s.run(ctx); err != nil {
			return s.name, err
		}
	}
	return "", nil
}

// configSet is an instruction that calls cfn-init.
func (d *deployment) configSet(set, dir, failure string) func(context.Context) error {
	return func(ctx context.Context) error {
		d.note("Executing cfn scripts in config set %s.", set)
		err := d.build(ctx, set, dir)
		if err != nil && d.fault != nil {
			return errors.New(failure + " Please refer to /var/log/cfn-init.log for more details.")
		}
		return err
	}
}

// finishAL2 logs and fills in the result. [log: eb-engine.log]
func (d *deployment) finishAL2(failed string, err error) {
	r := d.result
	if err != nil {
		d.engineLog.line("ERROR", "An error occurred during execution of command [%s] - [%s]. Stop running the command. Error: %s ", d.command.Name, failed, err)
		r.Status, r.ReturnCode, r.FailedStep = instance.Failure, 1, failed
		r.TimedOut = errors.Is(err, errTimeout)
		r.Message = "Engine execution has encountered an error."
		d.tell("ERROR", "Instance deployment failed. For details, see 'eb-engine.log'.")
	} else {
		r.Message = "Engine execution has succeeded."
		d.tell("INFO", "Instance deployment completed successfully.")
	}
	d.note("Executing cleanup logic")
	d.note("CommandService Response: %s", serviceResponse(r, d.engineLog.now()))
	d.note("Platform Engine finished execution on command: %s", d.command.Name)
}

// serviceResponse is the JSON that the engine gives to the command service.
func serviceResponse(r *instance.Result, now time.Time) []byte {
	type event struct {
		Msg       string `json:"msg"`
		Timestamp int64  `json:"timestamp"`
		Severity  string `json:"severity"`
	}
	type result struct {
		Status     string  `json:"status"`
		Msg        string  `json:"msg"`
		ReturnCode int     `json:"returncode"`
		Events     []event `json:"events"`
	}
	one := result{r.Status, r.Message, r.ReturnCode, []event{}}
	for _, e := range r.Events {
		one.Events = append(one.Events, event{e.Message, now.UnixMilli(), e.Severity})
	}
	data, err := json.Marshal(struct {
		Status     string   `json:"status"`
		APIVersion string   `json:"api_version"`
		Results    []result `json:"results"`
	}{r.Status, "1.0", []result{one}})
	if err != nil {
		return []byte(err.Error())
	}
	return data
}

// broken is the result when beanpole itself failed.
func broken(what string, err error) *instance.Result {
	return &instance.Result{Status: instance.Failure, ReturnCode: 1, FailedStep: what, Message: fmt.Sprintf("beanpole: %s: %v", what, err)}
}
