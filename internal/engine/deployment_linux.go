package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"syscall"

	"beanpole/internal/cfninit"
	"beanpole/internal/instance"
	"beanpole/internal/platform"
	"beanpole/internal/source"
)

// Where the platform keeps things. [log: eb-engine.log; EB:custom-platforms-scripts]
const (
	bundlePath = "/opt/elasticbeanstalk/deployment/app_source_bundle"
	envPath    = "/opt/elasticbeanstalk/deployment/env"
)

// searchPath is PATH for what the platform runs of the application's.
const searchPath = "/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// deployment is one app-deploy in the works.
type deployment struct {
	engine  *engine
	command *instance.Command
	clock   *clock
	al1     bool
	at      platform.Platform
	result  *instance.Result

	metadata *source.Node // of the environment's resource, once read
	fault    *cfninit.BuildError
	set      string       // configSet that failed
	output   bytes.Buffer // cfn-init-cmd.log of the configSet in hand

	flipped   bool   // the version lies in current
	container string // address and port of the Docker platform's container
	image     dockerImage
	wars      []string // of a Tomcat bundle that holds several
	logged    int64    // bytes in the Tomcat platform's log before this version's start

	engineLog engineLog
	activity  activityLog
	// activityPath is the activity in hand, on the Amazon Linux AMI.
	activityPath string
	logs         []io.Closer
}

func newDeployment(e *engine, c *instance.Command, p platform.Platform) *deployment {
	return &deployment{engine: e, command: c, al1: p.AL1(), at: p, result: &instance.Result{Status: instance.Success}}
}

// carryOut is the command in the order of its platform.
func (d *deployment) carryOut(ctx context.Context) *instance.Result {
	if d.at.Language == platform.Tomcat {
		if err := d.bakeTomcat(); err != nil {
			return broken("prepare Tomcat", err)
		}
	}
	if d.al1 {
		return d.runAL1(ctx)
	}
	return d.runAL2(ctx)
}

// path is where p is for this process.
func (d *deployment) path(p string) string { return d.engine.root + p }

// staging and current are where the new version and the running one lie.
func (d *deployment) staging() string { return d.path(d.at.Staging) }
func (d *deployment) current() string { return d.path(d.at.Current) }

// option is the value of an option setting, "" when it is not set.
func (d *deployment) option(namespace, name string) string { return d.command.Options[namespace][name] }

// tell shows an event of the platform's.
func (d *deployment) tell(severity, format string, args ...any) {
	d.result.Events = append(d.result.Events, instance.EngineEvent{Message: fmt.Sprintf(format, args...), Severity: severity})
}

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
	if d.command.Port != 0 && d.at.Language != platform.Tomcat { // server.xml has its own
		return d.command.Port
	}
	return d.at.Port
}

// environment is what the application's processes and hooks see: environment
// properties, HOME, PATH and PORT [EB:platforms-linux-extend], and what the
// language's tools need.
func (d *deployment) environment(port int, home string) []string {
	all := map[string]string{"PATH": searchPath, "HOME": home, "LANG": "C.UTF-8", "PORT": strconv.Itoa(port)}
	switch d.at.Language {
	case platform.Python:
		all["PATH"] = d.virtualEnv() + "/bin:" + searchPath
		all["PYTHONPATH"] = d.virtualEnv() + "/bin" // [public hooks of Amazon Linux 2]
	case platform.Ruby:
		all["RACK_ENV"], all["RAILS_ENV"] = "production", "production" // [EB:ruby-platform]
	}
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
	return d.writeEnvironment()
}

// writeEnvironment writes the environment properties, and what else the
// platform keeps in files about its environment.
func (d *deployment) writeEnvironment() error {
	var env bytes.Buffer
	for _, e := range d.environment(d.port(), d.home()) {
		fmt.Fprintln(&env, e)
	}
	if err := os.WriteFile(d.path(envPath), env.Bytes(), 0o600); err != nil {
		return err
	}
	return d.writeFacts()
}

// home is the home folder of who runs the application.
func (d *deployment) home() string { return "/home/" + d.user() }

// user is who runs the application. The Amazon Linux AMI's own users are not
// on the instance: webapp stands for them.
func (d *deployment) user() string {
	if _, _, err := ids(d.at.User); err == nil {
		return d.at.User
	}
	return appUser
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
			for _, a := range did.Assumed {
				d.result.Assumed = append(d.result.Assumed, instance.Assumed{Manager: a.Manager, Packages: a.Packages, File: d.fileOf(a.Config), Why: a.Why})
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
		AssumePackages: !d.amazonLinux(), KeepState: true,
		CommandLog: io.MultiWriter(commands, &d.output),
		HTTP:       &http.Transport{Proxy: nil, DisableKeepAlives: true, DialContext: cfninit.Dialing(net.Dialer{})},
	}, nil
}

// stage unpacks the bundle into a new staging folder. One that cannot be
// unpacked leaves nothing behind.
func (d *deployment) stage(context.Context) error {
	d.note("Recreating %s/", d.at.Staging)
	if err := os.RemoveAll(d.staging()); err != nil {
		return err
	}
	if err := os.MkdirAll(d.staging(), 0o755); err != nil {
		return err
	}
	d.note("extracting %s to %s/", bundlePath, d.at.Staging)
	err := unpack(d.path(bundlePath), d.staging())
	if err == nil {
		err = d.handOver(d.staging())
	}
	if err != nil {
		os.RemoveAll(d.staging())
		return err
	}
	d.note("finished extracting %s to %s/ successfully", bundlePath, d.at.Staging)
	return nil
}

// handOver gives a folder, with all that is in it, to who runs the application.
func (d *deployment) handOver(dir string) error {
	uid, gid, err := ids(d.user())
	if err != nil {
		return nil // there is nobody but root
	}
	return filepath.WalkDir(dir, func(p string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(p, uid, gid)
	})
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
	if err := os.RemoveAll(filepath.Join(d.staging(), ".ebextensions")); err != nil {
		return err
	}
	d.note("Cleaned ebextensions subdirectories from app staging directory.")
	return nil
}

// flip stops the old version, puts the new one into its place and starts it.
func (d *deployment) flip(context.Context) error {
	var entries []entry
	if !d.docker() {
		var err error
		if entries, err = d.procfile(); err != nil {
			return err
		}
	}
	d.note("Purge old process...")
	d.engine.stopAll()
	if err := d.handOver(d.staging()); err != nil {
		return err
	}
	d.note("Removing %s/ if it exists", d.at.Current)
	if err := os.RemoveAll(d.current()); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(d.current()), 0o755); err != nil {
		return err
	}
	d.note("Renaming %s/ to %s/", d.at.Staging, d.at.Current)
	if err := os.Rename(d.staging(), d.current()); err != nil {
		return err
	}
	d.flipped = true
	if d.docker() {
		return nil // see runContainer
	}
	d.note("Register application processes...")
	return d.startApplication(entries)
}
