package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"beanpole/internal/ebext"
	"beanpole/internal/instance"
)

// step is one instruction of the platform engine. One without run does
// nothing on AWS either in the environments that beanpole makes.
type step struct {
	name string
	run  func(context.Context) error
}

// al2Steps is the order of Amazon Linux 2 and 2023. [log: eb-engine.log]
func (d *deployment) al2Steps() []step {
	return []step{
		{"stopSqsd", nil},
		{"PreBuildEbExtension", d.configSet(ebext.PreBuild, "/", "EbExtension build failed.")},
		{"StageApplication", d.stage},
		{"RunAppDeployPreBuildHooks", d.platformHooks("prebuild", stagingDir)},
		{"InstallDependency", func(ctx context.Context) error { return d.install(ctx, d.engineLog.w) }},
		{"configure proxy Nginx", func(context.Context) error { return d.renderProxy() }},
		{"PostBuildEbExtension", d.configSet(ebext.PostBuild, stagingDir, "Container commands build failed.")},
		{"CleanEbExtensions", d.cleanExtensions},
		{"RunAppDeployPreDeployHooks", d.platformHooks("predeploy", stagingDir)},
		{"stop X-Ray", nil},
		{"stop proxy", d.stopProxy},
		{"FlipApplication", d.flip},
		{"start X-Ray", nil},
		{"start proxy with new configuration", d.startProxy},
		{"configureSqsd", nil},
		{"startSqsd", nil},
		{"RunAppDeployPostDeployHooks", d.platformHooks("postdeploy", currentDir)},
	}
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
	d.note("Downloading EB Application...")
	failed := "DownloadSourceBundle"
	if err = d.download(ctx); err == nil {
		if d.command.Leader {
			d.note("Instance is Leader.")
		} else {
			d.note("Instance is NOT a Leader.") // (general)
		}
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

// platformHooks is an instruction that runs one folder of .platform/hooks.
func (d *deployment) platformHooks(kind, dir string) func(context.Context) error {
	return func(ctx context.Context) error {
		rel := ".platform/hooks/" + kind
		folder := filepath.Join(d.path(dir), rel)
		if _, err := os.Stat(folder); err != nil {
			d.note("The dir %s/ does not exist in the application. Skipping this step...", rel)
			return nil
		}
		w, err := d.log("eb-hooks.log")
		if err != nil {
			return err
		}
		if failed, err := d.hooks(ctx, folder, d.path(dir), w); err != nil {
			return fmt.Errorf("command %s/%s failed with error %w", rel, filepath.Base(failed), err)
		}
		return nil
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
		r.Events = []instance.EngineEvent{{Message: "Instance deployment failed. For details, see 'eb-engine.log'.", Severity: "ERROR"}}
	} else {
		r.Message = "Engine execution has succeeded."
		r.Events = []instance.EngineEvent{{Message: "Instance deployment completed successfully.", Severity: "INFO"}}
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
