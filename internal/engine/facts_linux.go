package engine

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"beanpole/internal/instance"
	"beanpole/internal/platform"
)

// facts is what the platform's tools say of the environment: the command in
// hand, or the last one.
type facts struct {
	at        platform.Platform
	command   *instance.Command
	port      int
	user      string
	root      string // of the instance's file system, for tests
	serial    int    // of the deployment
	virtual   string // Python's virtual environment
	container map[string]string
}

// writeFacts keeps facts for get-config, and writes the files in which the
// platform keeps some of them.
func (d *deployment) writeFacts() error {
	f := facts{at: d.at, command: d.command, port: d.port(), user: d.user(), root: d.engine.root, serial: d.engine.deployments, virtual: d.virtualEnv()}
	f.container = f.containerConfig()
	d.engine.mu.Lock()
	d.engine.facts = f
	d.engine.mu.Unlock()
	return f.write()
}

// write writes the files. Paths of Amazon Linux 2 and later: [log:
// eb-engine.log]; of the Amazon Linux AMI: [log: eb-commandprocessor.log;
// EB:using-features.migration-al].
func (f *facts) write() error {
	manifest, err := f.manifest()
	if err != nil {
		return err
	}
	files := map[string]string{
		"/opt/elasticbeanstalk/deployment/app_version_manifest.json": manifest,
		"/opt/elasticbeanstalk/config/ebenvinfo/region":              f.command.Region,
		"/opt/elasticbeanstalk/config/ebenvinfo/stackid":             f.command.Stack,
	}
	if f.at.AL1() {
		all, err := json.MarshalIndent(map[string]any{"optionsettings": f.command.Options, "container": f.container}, "", "  ")
		if err != nil {
			return err
		}
		files = map[string]string{
			"/opt/elasticbeanstalk/deploy/manifest":                             manifest,
			"/opt/elasticbeanstalk/deploy/configuration/containerconfiguration": string(all),
			"/opt/elasticbeanstalk/support/envvars":                             "for f in /opt/elasticbeanstalk/support/envvars.d/*; do . \"$f\"; done\n",
			"/opt/elasticbeanstalk/support/envvars.d/appenv":                    f.exports(),
			"/opt/elasticbeanstalk/support/envvars.d/sysenv":                    f.systemExports(),
		}
		if f.at.Language == platform.Python {
			files["/opt/python/current/env"] = f.exports()
		}
	}
	for at, text := range files {
		at = f.root + at
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(at, []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// manifest names the version that an instance should run. [hm; its length in
// log: eb-engine.log "Download successful112bytes downloaded"]
func (f *facts) manifest() (string, error) {
	type source struct {
		S3URL string `json:"s3url"`
	}
	data, err := json.Marshal(struct {
		RuntimeSources map[string]map[string]source
		DeploymentId   int
		Serial         int
	}{map[string]map[string]source{f.command.Application: {f.command.VersionLabel: {}}}, f.serial, f.serial})
	return string(data), err
}

// exports are the environment properties as lines for a shell.
func (f *facts) exports() string {
	var lines []string
	for k, v := range f.command.Env {
		lines = append(lines, fmt.Sprintf("export %s='%s'\n", k, strings.ReplaceAll(v, "'", `'\''`)))
	}
	sort.Strings(lines)
	return strings.Join(lines, "")
}

// systemExports are the platform's own variables, as scripts of Ruby's platform
// use them. [public hooks of the Amazon Linux AMI's platforms]
func (f *facts) systemExports() string {
	return fmt.Sprintf("export EB_CONFIG_APP_CURRENT=%s\nexport EB_CONFIG_APP_ONDECK=%s\nexport EB_CONFIG_APP_USER=%s\nexport EB_CONFIG_APP_LOGS=/var/log\nexport EB_CONFIG_APP_PIDS=/var/pids\nexport EB_CONFIG_HTTP_PORT=%d\n",
		f.at.Current, f.at.Staging, f.user, f.port)
}

// hooksCommon is what hooks source on the Amazon Linux AMI for a few functions.
const hooksCommon = `error() { echo "$1" >&2; }
warn() { echo "$1"; }
error_exit() { error "$1"; exit "${2:-1}"; }
`

// bakeHooks makes what the Amazon Linux AMI's images have for hooks.
func (d *deployment) bakeHooks() error {
	const hooks = "/opt/elasticbeanstalk/hooks/"
	for _, command := range []string{"appdeploy", "configdeploy", "restartappserver"} {
		for _, stage := range []string{"pre", "enact", "post"} {
			if err := os.MkdirAll(d.path(hooks+command+"/"+stage), 0o755); err != nil {
				return err
			}
		}
	}
	return writeIn(d.path(hooks+"common.sh"), hooksCommon)
}

// containerConfig is what `get-config container` knows, by the keys that
// scripts of the Amazon Linux AMI's platforms ask for. [public hooks of those
// platforms]
func (f *facts) containerConfig() map[string]string {
	return map[string]string{
		"app_base_dir": "/var/app", "app_staging_dir": f.at.Staging, "app_deploy_dir": f.at.Current, "app_user": f.user,
		"app_log_dir": "/var/log", "app_pid_dir": "/var/pids", "source_bundle": bundlePath, "environment_name": f.command.Environment,
		"instance_port": strconv.Itoa(proxyPort), "app_port": strconv.Itoa(f.port),
		"script_dir": "/opt/elasticbeanstalk/bin", "support_dir": "/opt/elasticbeanstalk/support", "support_files_dir": "/opt/elasticbeanstalk/containerfiles",
		"http_port": strconv.Itoa(f.port), "proxy_server": "nginx",
	}
}

// platformConfig is what `get-config platformconfig` answers since Amazon
// Linux 2. [EB:custom-platforms-scripts]
func (f *facts) platformConfig() map[string]string {
	return map[string]string{
		"AppUser": f.user, "AppDeployDir": f.at.Current + "/", "AppStagingDir": f.at.Staging + "/",
		"DefaultInstancePort": strconv.Itoa(proxyPort), "ProxyServer": "nginx",
	}
}

// meta is what `get-config meta` knows. [hm; public hooks]
func (f *facts) meta() map[string]string {
	return map[string]string{
		"stackname": f.command.Stack, "region": f.command.Region, "resource": f.command.Resource,
		"environmentname": f.command.Environment, "applicationname": f.command.Application, "versionlabel": f.command.VersionLabel,
	}
}
