package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"beanpole/internal/platform"
)

// platformHooks is an instruction that runs one folder of .platform/hooks, or
// of .platform/confighooks. [log: eb-engine.log]
func (d *deployment) platformHooks(step, dir string) func(context.Context) error {
	return func(ctx context.Context) error {
		rel := platform.Hooks(d.command.Name) + "/" + step
		d.note("Executing platform hooks in %s/", rel)
		names, err := hookNames(filepath.Join(dir, rel))
		if err != nil {
			return err
		}
		if names == nil {
			d.note("The dir %s/ does not exist", rel)
		} else if err := d.runHooks(ctx, rel, dir, names); err != nil {
			return err
		}
		d.note("Finished running scripts in %s", filepath.Join(strings.TrimPrefix(dir, d.engine.root), rel))
		return nil
	}
}

func (d *deployment) runHooks(ctx context.Context, rel, dir string, names []string) error {
	d.note("Following platform hooks will be executed in order: [%s]", strings.Join(names, " "))
	w, err := d.log("eb-hooks.log")
	if err != nil {
		return err
	}
	for _, name := range names {
		at := rel + "/" + name
		d.note("Running platform hook: %s", at)
		if err := d.runHook(ctx, at, dir, w); err != nil {
			return fmt.Errorf("Command %s failed with error %w", at, err) //lint:ignore ST1005 the engine's own words
		}
	}
	return nil
}

// hookNames are the programs of a folder in the order in which they run; nil
// when there is no such folder.
func hookNames(folder string) ([]string, error) {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	names := []string{}
	for _, e := range entries {
		if e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	return names, err
}

// runHook runs one program, named relative to dir, where it also runs. The
// execute bit is set first, as platforms do since 29 April 2022.
func (d *deployment) runHook(ctx context.Context, name, dir string, output io.Writer) error {
	at := name
	if !filepath.IsAbs(at) {
		at = filepath.Join(dir, name)
	}
	if err := os.Chmod(at, 0o755); err != nil {
		return err
	}
	c := exec.Command(name)
	c.Path, c.Err = name, nil // a name without a slash is no word to look up
	c.Dir, c.Env, c.Stdout, c.Stderr = dir, d.hookEnvironment(), output, output
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.WaitDelay = time.Second
	return runIn(ctx, c)
}

// hookEnvironment is a hook's, which also tells whether this instance leads.
func (d *deployment) hookEnvironment() []string {
	return append(d.environment(d.port(), "/root"), "EB_IS_COMMAND_LEADER="+strconv.FormatBool(d.command.Leader))
}

// hooksAL1 are the folders of the Amazon Linux AMI's hooks, to which an
// environment may add its own. [EB:custom-platform-hooks]
func hooksAL1(command string) string {
	if command == platform.ConfigDeploy {
		return "/opt/elasticbeanstalk/hooks/configdeploy/"
	}
	return "/opt/elasticbeanstalk/hooks/appdeploy/"
}

// hookFailure is a hook of the Amazon Linux AMI that ended with an error.
type hookFailure struct {
	script string
	output string
	err    error
}

func (h *hookFailure) Error() string { return fmt.Sprintf("Hook %s failed.", h.script) }
func (h *hookFailure) Unwrap() error { return h.err }

// hookAL1 is a stage of hooks: the platform's own work, then the scripts that
// are in the folder, each an activity.
func (d *deployment) hookAL1(stage string, own func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		if own != nil {
			if err := own(ctx); err != nil {
				return err
			}
		}
		folder := hooksAL1(d.command.Name) + stage
		names, err := hookNames(d.path(folder))
		if err != nil {
			return err
		}
		for _, name := range names {
			script := filepath.Join(folder, name)
			if d.ownHook(stage, name) {
				continue // it ran in its platform's place
			}
			if err := d.activityHook(ctx, script); err != nil {
				return err
			}
		}
		return nil
	}
}

func (d *deployment) activityHook(ctx context.Context, script string) error {
	path := d.activityPath + "/" + filepath.Base(script)
	d.activity.line(path, "Starting activity...")
	var out bytes.Buffer
	if err := d.runHook(ctx, d.path(script), d.path("/"), &out); err != nil {
		return &hookFailure{script: script, output: out.String(), err: err}
	}
	d.activity.completed(path, out.String())
	return nil
}

// replacedHooks are hooks of the platform's own that users replace by files of
// the same name, by stage. [gh:meteor-up/mup-aws-beanstalk#30,
// gh:mixmaxhq/eb-disable-npm]
var replacedHooks = map[platform.Language]string{platform.NodeJS: "50npm.sh"}

// ownHook tells whether a hook stands for the platform's own installation of
// dependencies, which then runs it instead.
func (d *deployment) ownHook(stage, name string) bool {
	return stage == "pre" && name != "" && name == replacedHooks[d.at.Language]
}
