package engine

import (
	"bytes"
	"errors"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"beanpole/internal/instance"
)

// on runs a line for the shell on an instance.
func on(t *testing.T, i *instance.Instance, line string) (status int, output string) {
	t.Helper()
	var out bytes.Buffer
	err := i.Exec(t.Context(), []string{"/bin/sh", "-c", line}, nil, &out, &out)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if exit != nil {
		status = exit.ExitCode()
	}
	return status, out.String()
}

const restartMetadata = `{"AWS::CloudFormation::Init": {
	"configSets": {"Infra-EmbeddedPreBuild": ["prebuild_0_shop"], "Infra-EmbeddedPostBuild": ["postbuild_0_shop"]},
	"prebuild_0_shop": {
		"packages": {"yum": {"mod_ssl": []}},
		"services": {"sysvinit": {"nginx": {"enabled": "true", "ensureRunning": "true", "files": ["/etc/nginx/conf.d/https.conf"]}}},
		"files": {"/etc/nginx/conf.d/https.conf": {"mode": "000644", "content": "server { listen 8443; return 200 encrypted; }"}}},
	"postbuild_0_shop": {"commands": {
		"01": {"command": "RESTART"},
		"02": {"command": "curl -s --fail http://127.0.0.1:8443/ > /srv/seen"},
		"03": {"command": "systemctl restart crond || service crond restart"}}}},
	"AWS::ElasticBeanstalk::Ext": {"_EBExtensionFilePaths": {"prebuild_0_shop": ".ebextensions/a.config", "postbuild_0_shop": ".ebextensions/a.config"}}}`

func TestNginxIsRestartedByContainerCommandsAsInAWSsRecipes(t *testing.T) {
	for _, c := range []struct{ platform, restart string }{
		{al2023, "systemctl restart nginx"}, {al2023, "service nginx restart"}, {al1, "service nginx restart"},
	} {
		i := startInstance(t, &world{metadata: strings.Replace(restartMetadata, "RESTART", c.restart, 1), bundle: goodBundle}, "")
		for range 2 { // on a fresh instance, and over the running version
			r := deploy(t, i, c.platform, instance.Success)
			if len(r.Skipped) != 1 || !strings.Contains(r.Skipped[0].What, "crond") {
				t.Errorf("skipped %+v", r.Skipped)
			}
			if len(r.Assumed) != 1 || r.Assumed[0].Manager != "yum" || r.Assumed[0].File != ".ebextensions/a.config" || r.Assumed[0].Packages[0] != "mod_ssl" {
				t.Errorf("taken for installed %+v", r.Assumed)
			}
			if seen, err := i.ReadFile("/srv/seen"); string(seen) != "encrypted" {
				t.Errorf("%s: nginx answered the container command %q, %v", c.restart, seen, err)
			}
			get(t, i, "/")
		}
		resp, err := http.Get("http://" + i.Address().String() + ":8443/")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
}

// triggerMetadata has a service that is restarted by a file of its own config,
// and commands that see nginx before and after, the platform not yet at it.
const triggerMetadata = `{"AWS::CloudFormation::Init": {
	"configSets": {"Infra-EmbeddedPreBuild": ["prebuild_0_shop"], "Infra-EmbeddedPostBuild": ["postbuild_0_shop"]},
	"prebuild_0_shop": {
		"services": {"MANAGER": {"nginx": {"enabled": "ENABLED", "files": ["/etc/nginx/conf.d/answer.conf"]}}},
		"commands": {"01": {"command": "pgrep -o -x nginx > /srv/before", "ignoreErrors": "true"}},
		"files": {"/etc/nginx/conf.d/answer.conf": {"mode": "000644", "content": "server { listen 8443; return 200 ANSWER; }"}}},
	"postbuild_0_shop": {"commands": {
		"01": {"command": "sleep 0.5; curl -s --fail http://127.0.0.1:8443/ > /srv/seen"},
		"02": {"command": "pgrep -o -x nginx > /srv/after"},
		"03": {"command": "chkconfig nginx && echo on > /srv/enabled || echo off > /srv/enabled"}}}}}`

func TestAServiceIsRestartedWhenAFileOfItsConfigChanged(t *testing.T) {
	for _, c := range []struct {
		platform, manager string
		reloads           bool // systemd has nginx reload instead
	}{{al1, "sysvinit", false}, {al2023, "sysvinit", false}, {al2023, "systemd", true}} {
		t.Run(c.platform+" "+c.manager, func(t *testing.T) {
			w := &world{bundle: goodBundle}
			i := startInstance(t, w, "")
			for _, d := range []struct {
				answer, enabled, state string
				same                   bool
			}{{"first", "true", "on", false}, {"second", "false", "off", false}, {"second", "true", "on", true}} {
				w.metadata = strings.NewReplacer("MANAGER", c.manager, "ANSWER", d.answer, "ENABLED", d.enabled).Replace(triggerMetadata)
				deploy(t, i, c.platform, instance.Success)
				for name, want := range map[string]string{"seen": d.answer, "enabled": d.state + "\n"} {
					if got, err := i.ReadFile("/srv/" + name); string(got) != want {
						t.Errorf("%s was %q, not %q, in the deployment that answers %s, %v", name, got, want, d.answer, err)
					}
				}
				before, _ := i.ReadFile("/srv/before")
				after, _ := i.ReadFile("/srv/after")
				if same := string(before) == string(after); same != (d.same || c.reloads && d.answer == "second") {
					t.Errorf("nginx's process was %q and is %q in the deployment that answers %s", before, after, d.answer)
				}
			}
		})
	}
}

func TestServicesAreControlledOnAnInstance(t *testing.T) {
	i := startInstance(t, &world{metadata: goodMetadata, bundle: goodBundle}, "")
	if status, out := on(t, i, "systemctl restart web"); status != 5 || out != "Failed to restart web.service: Unit web.service not found.\n" {
		t.Errorf("before the first deployment: %d, %q", status, out)
	}
	deploy(t, i, al2023, instance.Success)
	get(t, i, "/")
	for _, c := range []struct {
		line   string
		status int
		out    string
	}{
		{"systemctl is-active nginx web eb-app.target", 0, "active\nactive\nactive\n"},
		{"systemctl stop nginx && ! pgrep -x nginx; systemctl is-active nginx", 3, "inactive\n"},
		{"/sbin/service nginx start", 0, "Redirecting to /bin/systemctl start nginx.service\n"},
		{"/usr/bin/systemctl reload nginx", 0, ""},
		{"su -s /bin/sh webapp -c 'systemctl restart nginx'", 1, "Failed to restart nginx.service: Interactive authentication required.\n"},
		{"systemctl restart eb-app.target", 0, ""},
		{"chkconfig nginx off 2>&1; systemctl is-enabled nginx", 1, "Note: Forwarding request to 'systemctl disable nginx.service'.\nRemoved \"/etc/systemd/system/multi-user.target.wants/nginx.service\".\ndisabled\n"},
		{"/sbin/chkconfig nginx", 1, ""},
		{"su -s /bin/sh webapp -c 'chkconfig nginx on'", 1, "You do not have enough privileges to perform this operation.\n"},
		{"chkconfig nosuch on", 1, "Note: Forwarding request to 'systemctl enable nosuch.service'.\nFailed to enable unit: Unit file nosuch.service does not exist.\n"},
		{"test -e /usr/sbin/update-rc.d", 1, ""},
	} {
		if status, out := on(t, i, c.line); status != c.status || out != c.out {
			t.Errorf("%s: %d, %q", c.line, status, out)
		}
	}
	get(t, i, "/")
	status, out := on(t, i, "echo nonsense > /etc/nginx/conf.d/bad.conf; systemctl restart nginx")
	if status != 1 || !strings.HasPrefix(out, "Job for nginx.service failed because the control process exited with error code.\n") || !strings.Contains(out, "bad.conf") {
		t.Errorf("nginx with a bad file: %d, %q", status, out)
	}
	if status, out := on(t, i, "systemctl status nginx"); status != 3 || !strings.Contains(out, "Active: failed (Result: exit-code)") || !strings.Contains(out, "bad.conf") {
		t.Errorf("status after that: %d, %q", status, out)
	}
}
