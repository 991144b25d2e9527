package engine

import (
	"context"
	"maps"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"beanpole/internal/instance"
	"beanpole/internal/platform"
)

// with is a bundle with one more file.
func with(bundle map[string]string, name, text string) map[string]string {
	out := maps.Clone(bundle)
	out[name] = text
	return out
}

// webApplication is a bundle whose application is this program.
var webApplication = map[string]string{"Procfile": "web: /opt/beanpole/beanpole test-application\n"}

func TestHooksFailWithTheEnginesWords(t *testing.T) {
	w := &world{metadata: noExtensions, bundle: webApplication}
	i := startInstance(t, w, "")
	deploy(t, i, al2023, instance.Success)
	for _, c := range []struct{ name, hook, says string }{
		{"CRLF", "#!/bin/sh\r\necho x\r\n", "fork/exec .platform/hooks/predeploy/01.sh: no such file or directory"},
		{"no first line", "echo x\n", "fork/exec .platform/hooks/predeploy/01.sh: exec format error"},
		{"exit", "#!/bin/sh\necho trouble >&2\nexit 4\n", "exit status 4"},
	} {
		w.bundle = with(webApplication, ".platform/hooks/predeploy/01.sh", c.hook)
		r := deploy(t, i, al2023, instance.Failure)
		if r.FailedStep != "RunAppDeployPreDeployHooks" {
			t.Errorf("%s: failed in %s", c.name, r.FailedStep)
		}
		if want := "[ERROR] An error occurred during execution of command [app-deploy] - [RunAppDeployPreDeployHooks]. Stop running the command. Error: Command .platform/hooks/predeploy/01.sh failed with error " + c.says + " \n"; !strings.Contains(logOf(t, i, "eb-engine.log"), want) {
			t.Errorf("%s: eb-engine.log lacks %q", c.name, want)
		}
		get(t, i, "/") // the old version serves on
	}
	if log := logOf(t, i, "eb-hooks.log"); log != "trouble\n" {
		t.Errorf("eb-hooks.log %q", log)
	}
}

func TestAHookThatHangsEndsWithItsCommand(t *testing.T) {
	w := &world{metadata: noExtensions, bundle: webApplication}
	i := startInstance(t, w, "")
	deploy(t, i, al2023, instance.Success)
	w.bundle = with(webApplication, ".platform/hooks/prebuild/01.sh", "#!/bin/sh\nsleep 4242 & sleep 4242\n")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := command(al2023)
	c.Timeout = 2 * time.Second
	r, err := i.Do(ctx, c)
	if err != nil || r.Status != instance.Failure || !r.TimedOut || r.FailedStep != "RunAppDeployPreBuildHooks" {
		t.Fatalf("%+v, %v", r, err)
	}
	if out, _ := exec.Command("pgrep", "-f", "sleep 4242").Output(); len(out) != 0 {
		t.Errorf("the hook's processes are left: %s", out)
	}
	get(t, i, "/")
}

// fillDisk leaves 40 MiB on the instance's own disk, where it has one.
const fillDisk = `free=$(df --output=avail -B1 / | tail -1)
[ "$free" -lt 600000000 ] || exit 3
fallocate -l $((free - (40 << 20))) /srv/filler`

func TestADiskThatIsFullLeavesTheOldVersion(t *testing.T) {
	w := &world{metadata: noExtensions, bundle: webApplication}
	i := startInstance(t, w, "")
	deploy(t, i, al2023, instance.Success)
	if status, out := on(t, i, fillDisk); status == 3 {
		t.Skip("instances have no disks of their own on this machine")
	} else if status != 0 {
		t.Fatalf("fill the disk: %d, %s", status, out)
	}
	w.bundle = with(webApplication, "large", strings.Repeat("x", 64<<20))
	r := deploy(t, i, al2023, instance.Failure)
	if log := logOf(t, i, "eb-engine.log"); r.FailedStep != "StageApplication" || !strings.Contains(log, "no space left on device") {
		t.Errorf("%+v\n%s", r, log)
	}
	if _, err := i.ReadFile("/var/app/staging/Procfile"); err == nil {
		t.Error("a part of the version is left in the staging folder")
	}
	get(t, i, "/")
	w.bundle = webApplication
	deploy(t, i, al2023, instance.Success)
}

func TestAnNginxThatDoesNotStartFailsTheDeployment(t *testing.T) {
	w := &world{metadata: noExtensions, bundle: with(webApplication, ".platform/nginx/conf.d/bad.conf", "location / {}\n")}
	i := startInstance(t, w, "")
	r := deploy(t, i, al2023, instance.Failure)
	if log := logOf(t, i, "eb-engine.log"); r.FailedStep != "start proxy with new configuration" ||
		!strings.Contains(log, `"location" directive is not allowed here in /var/proxy/staging/nginx/conf.d/bad.conf:1`) {
		t.Errorf("%+v\n%s", r, log)
	}
	// What a command puts into /etc/nginx/conf.d is not tested, and shows at the start.
	w.bundle, w.metadata = webApplication, strings.Replace(goodMetadata, "server { listen 8080; return 200 extra; }", "no such directive;", 1)
	w.metadata = strings.Replace(w.metadata, "test -f built && ", "", 1)
	if r = deploy(t, i, al2023, instance.Failure); r.FailedStep != "start proxy with new configuration" {
		t.Errorf("%+v", r)
	}
	if log := logOf(t, i, "eb-engine.log"); !strings.Contains(log, `unknown directive "no" in /etc/nginx/conf.d/extra.conf:1`) {
		t.Error(log)
	}
	w.metadata = noExtensions // the file of the earlier version stays, as on AWS
	deploy(t, i, al2023, instance.Failure)
	w.metadata = strings.Replace(goodMetadata, "test -f built && ", "", 1)
	deploy(t, i, al2023, instance.Success)
	get(t, i, "/")
}

func TestARedeployKeepsWhatAWSKeeps(t *testing.T) {
	w := &world{bundle: webApplication, metadata: `{"AWS::CloudFormation::Init": {"configSets": {"Infra-EmbeddedPreBuild": ["a"], "Infra-EmbeddedPostBuild": ["b"]},
		"a": {"files": {"/etc/nginx/conf.d/one.conf": {"content": "# one\n"}, "/srv/shared": {"content": "one\n"}}},
		"b": {"commands": {"01": {"command": "echo '# mine' >> /etc/nginx/nginx.conf; echo '# mine' > /etc/nginx/conf.d/mine.conf"}}}}}`}
	i := startInstance(t, w, "")
	deploy(t, i, al2023, instance.Success)
	w.metadata = `{"AWS::CloudFormation::Init": {"configSets": {"Infra-EmbeddedPreBuild": ["a"], "Infra-EmbeddedPostBuild": []},
		"a": {"files": {"/srv/shared": {"content": "two\n"}}, "commands": {"01": {"command": "curl -sf http://localhost/ -o /srv/before"}}}}}`
	w.bundle = with(webApplication, "new", "new")
	deploy(t, i, al2023, instance.Success)
	for path, want := range map[string]string{
		"/etc/nginx/conf.d/one.conf": "# one\n", "/etc/nginx/conf.d/mine.conf": "# mine\n", // files of earlier versions stay
		"/srv/shared": "two\n", "/srv/shared.bak": "one\n", "/var/app/current/new": "new",
	} {
		if got, err := i.ReadFile(path); string(got) != want {
			t.Errorf("%s: %q, %v", path, got, err)
		}
	}
	if got, err := i.ReadFile("/srv/before"); err != nil || !strings.Contains(string(got), "greeting hello") {
		t.Errorf("while commands run the old version says %q, %v", got, err)
	}
	if got, _ := i.ReadFile("/etc/nginx/nginx.conf"); strings.Contains(string(got), "# mine") {
		t.Error("an edit of a file that the platform renders is still there")
	}
}

func TestAConfigurationDeploymentRunsItsOwnHooks(t *testing.T) {
	bundle := with(webApplication, ".platform/hooks/predeploy/01.sh", "#!/bin/sh\necho application\n")
	for _, step := range platform.HookSteps {
		bundle[".platform/confighooks/"+step+"/01.sh"] = "#!/bin/sh\necho " + step + " in $PWD says $GREETING\n"
	}
	w := &world{metadata: goodMetadata, bundle: bundle}
	w.metadata = strings.Replace(w.metadata, "test -f built && ", "echo ran >> /srv/ran && ", 1)
	i := startInstance(t, w, "")
	deploy(t, i, al2023, instance.Success)
	c := command(al2023)
	c.Name, c.Env = platform.ConfigDeploy, map[string]string{"GREETING": "changed"}
	r, err := i.Do(t.Context(), c)
	if err != nil || r.Status != instance.Success {
		t.Fatalf("%+v, %v\n%s", r, err, logOf(t, i, "eb-engine.log"))
	}
	if got := get(t, i, "/"); !strings.HasSuffix(got, "greeting changed") {
		t.Errorf("the application says %q", got)
	}
	if got := logOf(t, i, "eb-hooks.log"); got != "application\nprebuild in /var/app/staging says changed\npredeploy in /var/app/staging says changed\npostdeploy in /var/app/current says changed\n" {
		t.Errorf("eb-hooks.log %q", got)
	}
	if got, _ := i.ReadFile("/srv/ran"); string(got) != "ran\n" {
		t.Errorf("container commands ran: %q", got)
	}
	if log := logOf(t, i, "eb-engine.log"); !strings.Contains(log, "[INFO] Engine command: (config-deploy)") {
		t.Error(log)
	}
}

func TestHooksOfTheAmazonLinuxAMIAreActivities(t *testing.T) {
	hook := func(text string) string {
		return `{"AWS::CloudFormation::Init": {"configSets": {"Infra-EmbeddedPreBuild": ["a"], "Infra-EmbeddedPostBuild": []},
			"a": {"files": {"/opt/elasticbeanstalk/hooks/appdeploy/post/99_mine.sh": {"mode": "000755", "content": "#!/bin/sh\n` + text + `\n"}}}}}`
	}
	w := &world{metadata: hook(`. /opt/elasticbeanstalk/support/envvars; . /opt/elasticbeanstalk/hooks/common.sh; warn \"$GREETING done by $(id -un) in $EB_CONFIG_APP_CURRENT\"`), bundle: webApplication}
	i := startInstance(t, w, "")
	deploy(t, i, al1, instance.Success)
	const at = "[Application deployment v1@1/StartupStage1/AppDeployPostHook/99_mine.sh] : "
	if missing := inOrder(logOf(t, i, "eb-activity.log"), at+"Starting activity...", at+"Completed activity. Result:\n  hello done by root in /var/app/current\n"); missing != "" {
		t.Errorf("eb-activity.log lacks %q:\n%s", missing, logOf(t, i, "eb-activity.log"))
	}
	w.metadata = hook("echo no luck; exit 1")
	r := deploy(t, i, al1, instance.Failure)
	if want := "no luck. Hook /opt/elasticbeanstalk/hooks/appdeploy/post/99_mine.sh failed. " + tipAL1; r.Output != want {
		t.Errorf("output %q, want %q", r.Output, want)
	}
	resp, err := http.Get("http://" + i.Address().String() + "/")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
}
