package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"

	"beanpole/internal/cfninit"
	"beanpole/internal/ebext"
	"beanpole/internal/instance"
	"beanpole/internal/source"
)

// Where the platform keeps things. [log: eb-engine.log; EB:custom-platforms-scripts]
const (
	bundlePath = "/opt/elasticbeanstalk/deployment/app_source_bundle"
	envPath    = "/opt/elasticbeanstalk/deployment/env"
	stagingDir = "/var/app/staging"
	currentDir = "/var/app/current"
)

// searchPath is PATH for what the platform runs of the application's.
const searchPath = "/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// deployment is one app-deploy in the works.
type deployment struct {
	engine  *engine
	command *instance.Command
	clock   *clock
	al1     bool
	branch  string // "Go 1"
	result  *instance.Result

	metadata *source.Node // of the environment's resource, once read
	fault    *cfninit.BuildError
	set      string       // configSet that failed
	output   bytes.Buffer // cfn-init-cmd.log of the configSet in hand

	engineLog engineLog
	activity  activityLog
	logs      []io.Closer
}

func newDeployment(e *engine, c *instance.Command, p ebext.Platform) *deployment {
	return &deployment{engine: e, command: c, al1: p.Generation == ebext.AL1, branch: p.Branch,
		result: &instance.Result{Status: instance.Success}}
}

// carryOut is the command in the order of its platform.
func (d *deployment) carryOut(ctx context.Context) *instance.Result {
	if d.al1 {
		return d.runAL1(ctx)
	}
	return d.runAL2(ctx)
}

// path is where p is for this process.
func (d *deployment) path(p string) string { return d.engine.root + p }

// log opens a log file for as long as the deployment takes.
func (d *deployment) log(name string) (io.Writer, error) {
	f, err := openLog(d.path("/var/log/" + name))
	if err != nil {
		return nil, err
	}
	d.logs = append(d.logs, f)
	return f, nil
}

func (d *deployment) close() {
	for _, f := range d.logs {
		f.Close()
	}
}

// note writes to the log of what the platform does.
func (d *deployment) note(format string, args ...any) {
	if d.al1 {
		return // Amazon Linux 1 logs activities, not commands
	}
	d.engineLog.info(format, args...)
}

func (d *deployment) port() int {
	if d.command.Port != 0 {
		return d.command.Port
	}
	return 5000
}

// environment is what the application's processes and hooks see: environment
// properties, and HOME, PATH and PORT. [EB:platforms-linux-extend]
func (d *deployment) environment(port int, home string) []string {
	all := map[string]string{"PATH": searchPath, "HOME": home, "LANG": "C.UTF-8", "PORT": strconv.Itoa(port)}
	for k, v := range d.command.Env {
		all[k] = v
	}
	out := make([]string, 0, len(all))
	for k, v := range all {
		out = append(out, k+"="+v)
	}
	sort.Strings(out)
	return out
}

// download brings the bundle, and writes the environment properties down.
func (d *deployment) download(ctx context.Context) error {
	if err := download(ctx, d.command.BundleURL, d.path(bundlePath)); err != nil {
		return fmt.Errorf("download of the source bundle failed: %w", err)
	}
	var env bytes.Buffer
	for _, e := range d.environment(d.port(), "/home/"+appUser) {
		fmt.Fprintln(&env, e)
	}
	return os.WriteFile(d.path(envPath), env.Bytes(), 0o600)
}

// build runs one configSet as `cfn-init` would, from the folder dir.
func (d *deployment) build(ctx context.Context, set, dir string) error {
	r, err := d.agent()
	if err != nil {
		return err
	}
	if err := os.Chdir(dir); err != nil {
		return err
	}
	defer os.Chdir("/")
	d.metadata, err = r.StackMetadata(ctx, d.command.Stack, d.command.Resource, d.command.Region)
	if err == nil {
		var did *cfninit.Result
		if did, err = r.Build(ctx, d.metadata, []string{set}); did != nil {
			d.result.Expected += did.Expected
			d.result.Longest += did.Longest
			d.result.MetadataCalls += did.MetadataCalls
			for _, s := range did.Skipped {
				d.result.Skipped = append(d.result.Skipped, instance.Skipped{What: s.Section, File: d.fileOf(s.Config)})
			}
		}
	}
	if errors.As(err, &d.fault) {
		if d.fault.NoInit {
			d.fault = nil
			return nil
		}
		d.set, d.result.Cause = set, d.fault.Text
	}
	return err
}

// fileOf is the configuration file that a config was made of, or the config's
// own name when that is not written down.
func (d *deployment) fileOf(config string) string {
	return d.metadata.Get("AWS::ElasticBeanstalk::Ext").Get("_EBExtensionFilePaths").Get(config).TextOr(config)
}

// agent is cfn-init as the platform calls it.
func (d *deployment) agent() (*cfninit.Runner, error) {
	log, err := d.log("cfn-init.log")
	if err != nil {
		return nil, err
	}
	commands, err := d.log("cfn-init-cmd.log")
	if err != nil {
		return nil, err
	}
	d.output.Reset()
	env := append(d.environment(d.port(), "/root"), "EB_IS_COMMAND_LEADER="+strconv.FormatBool(d.command.Leader))
	return &cfninit.Runner{
		TokensFirst: !d.al1, Sleep: d.clock.sleep, Env: env, Log: log,
		CommandLog: io.MultiWriter(commands, &d.output),
		HTTP:       &http.Transport{Proxy: nil, DisableKeepAlives: true},
	}, nil
}

// stage unpacks the bundle into a new staging folder.
func (d *deployment) stage(context.Context) error {
	d.note("Recreating %s/", stagingDir)
	if err := os.RemoveAll(d.path(stagingDir)); err != nil {
		return err
	}
	if err := os.MkdirAll(d.path(stagingDir), 0o755); err != nil {
		return err
	}
	return unpack(d.path(bundlePath), d.path(stagingDir))
}

// install runs the Buildfile's command.
func (d *deployment) install(ctx context.Context, output io.Writer) error {
	data, err := os.ReadFile(filepath.Join(d.path(stagingDir), "Buildfile"))
	if errors.Is(err, fs.ErrNotExist) {
		if !strings.HasPrefix(d.branch, "Go") {
			d.note("beanpole does not install dependencies on this platform yet")
		}
		return nil
	}
	if err != nil {
		return err
	}
	entries, err := parseProcfile(string(data))
	if err != nil {
		return fmt.Errorf("read Buildfile: %w", err)
	}
	env := append(d.environment(d.port(), "/root"), "GOCACHE=/var/cache/go-build", "GOTOOLCHAIN=local")
	for _, b := range entries {
		d.note("Running Buildfile process %s: %s", b.name, b.command)
		c, err := shellCommand(b.command, d.path(stagingDir), "", env, output, output)
		if err != nil {
			return err
		}
		if err := runIn(ctx, c); err != nil {
			return fmt.Errorf("run Buildfile process %s: %s: %w", b.name, b.command, err)
		}
	}
	return nil
}

// runIn runs a command of a group of its own; when ctx ends, the whole group does.
func runIn(ctx context.Context, c *exec.Cmd) error {
	if err := c.Start(); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { syscall.Kill(-c.Process.Pid, syscall.SIGKILL) })
	defer stop()
	err := c.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// runLogged runs one of the platform's own programs; its output is the error.
func (d *deployment) runLogged(ctx context.Context, argv ...string) error {
	d.note("Running command: %s", strings.Join(argv, " "))
	return run(ctx, argv...)
}

// cleanExtensions removes .ebextensions from what goes live.
func (d *deployment) cleanExtensions(context.Context) error {
	if err := os.RemoveAll(filepath.Join(d.path(stagingDir), ".ebextensions")); err != nil {
		return err
	}
	d.note("Cleaned ebextensions subdirectories from app staging directory.")
	return nil
}

// flip stops the old version, puts the new one into its place and starts it.
func (d *deployment) flip(context.Context) error {
	entries, err := d.procfile()
	if err != nil {
		return err
	}
	d.engine.stopAll()
	if uid, gid, err := ids(appUser); err == nil {
		err = filepath.WalkDir(d.path(stagingDir), func(p string, _ fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			return os.Lchown(p, uid, gid)
		})
		if err != nil {
			return err
		}
	}
	if err := os.RemoveAll(d.path(currentDir)); err != nil {
		return err
	}
	if err := os.Rename(d.path(stagingDir), d.path(currentDir)); err != nil {
		return err
	}
	return d.startApplication(entries)
}

// procfile are the application's processes. Without a Procfile the Go platform
// runs bin/application. [EB: go platform page]
func (d *deployment) procfile() ([]entry, error) {
	data, err := os.ReadFile(filepath.Join(d.path(stagingDir), "Procfile"))
	if errors.Is(err, fs.ErrNotExist) {
		if strings.HasPrefix(d.branch, "Go") {
			return []entry{{"web", "bin/application"}}, nil
		}
		return nil, errors.New("there is no Procfile, and beanpole does not know yet what this platform starts without one")
	}
	if err != nil {
		return nil, err
	}
	entries, err := parseProcfile(string(data))
	if err == nil && len(entries) == 0 {
		err = errors.New("it names no process")
	}
	if err != nil {
		return nil, fmt.Errorf("read Procfile: %w", err)
	}
	return entries, nil
}

// hooks runs every file of a folder in order, from the folder dir.
func (d *deployment) hooks(ctx context.Context, folder, dir string, output io.Writer) (failed string, err error) {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		at := filepath.Join(folder, e.Name())
		if err := os.Chmod(at, 0o755); err != nil { // as platforms do since 29 April 2022
			return at, err
		}
		c := exec.Command(at)
		c.Dir, c.Env, c.Stdout, c.Stderr = dir, d.environment(d.port(), "/root"), output, output
		c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		c.WaitDelay = time.Second
		if err := runIn(ctx, c); err != nil {
			return at, err
		}
	}
	return "", nil
}
