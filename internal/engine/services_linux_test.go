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
		"services": {"sysvinit": {"nginx": {"ensureRunning": "true"}}},
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
			if len(r.Skipped) != 2 || r.Skipped[0] != (instance.Skipped{What: "services", File: ".ebextensions/a.config"}) || !strings.Contains(r.Skipped[1].What, "crond") {
				t.Errorf("skipped %+v", r.Skipped)
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
