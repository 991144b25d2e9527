package engine

import (
	"os/exec"
	"strings"
	"testing"

	"beanpole/internal/ebext"
	"beanpole/internal/instance"
	"beanpole/internal/platform"
)

func TestGetConfigAnswersAsDocumented(t *testing.T) {
	e := &engine{root: t.TempDir()}
	if a := e.applet([]string{"get-config", "environment"}, true); a.Status != 1 || !strings.Contains(a.Errors, "nothing was deployed") {
		t.Errorf("before a deployment: %+v", a)
	}
	d := newDeployment(e, &instance.Command{Stack: "awseb-e-1-stack", Region: "us-east-1", Application: "shop", VersionLabel: "v1", Environment: "shop-production",
		Env: map[string]string{"A": "1", "B": "it's"}, Leader: true,
		Options: map[string]map[string]string{"aws:elasticbeanstalk:application:environment": {"A": "1"}, "aws:elasticbeanstalk:command": {"Timeout": "600"}},
	}, platform.Of(ebext.ParsePlatform("64bit Amazon Linux 2 v3.4.0 running PHP 8.0")))
	if err := d.writeFacts(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		line, out string
		status    int
		nobody    bool
	}{
		{line: "get-config environment", out: `{"A":"1","B":"it's"}`},
		{line: "get-config environment -k A", out: "1"},
		{line: "get-config environment -k C", status: 1},
		{line: "get-config environment --output YAML", out: "A: \"1\"\nB: it's"},
		{line: "get-config --output YAML environment -k B", out: "it's"},
		{line: "get-config optionsettings -n aws:elasticbeanstalk:command -o Timeout", out: "600"},
		{line: "get-config optionsettings --namespace aws:elasticbeanstalk:command", out: `{"Timeout":"600"}`},
		{line: "get-config optionsettings -n aws:x", status: 1},
		{line: "get-config platformconfig -k AppStagingDir", out: "/var/app/staging/"},
		{line: "get-config platformconfig -k AppUser", out: d.user()},
		{line: "get-config container -k app_deploy_dir", out: "/var/app/current"},
		{line: "get-config meta -k stackname", out: "awseb-e-1-stack"},
		{line: "get-config addons", out: "{}"},
		{line: "get-config", status: 1},
		{line: "get-config frobnicate", status: 1},
		{line: "get-config environment -k", status: 1},
		{line: "get-config environment", nobody: true, status: 1},
		{line: "cfn-elect-cmd-leader --stack x", status: 0},
	} {
		a := e.applet(strings.Fields(c.line), !c.nobody)
		if a.Status != c.status || strings.TrimSuffix(a.Out, "\n") != c.out || (c.status != 0) != (a.Errors != "") {
			t.Errorf("%s: %+v", c.line, a)
		}
	}
	e.facts.command.Leader = false
	if a := e.applet([]string{"cfn-elect-cmd-leader"}, true); a.Status != 5 {
		t.Errorf("no leader: %+v", a)
	}
}

func TestTheLeadersTestGoesByTheVariable(t *testing.T) {
	e := &engine{root: t.TempDir()}
	if err := e.linkTools(); err != nil {
		t.Fatal(err)
	}
	for _, at := range leaderTests {
		for value, want := range map[string]bool{"true": true, "false": false, "": false} {
			c := exec.Command(e.root + at)
			c.Env = []string{"EB_IS_COMMAND_LEADER=" + value}
			if err := c.Run(); (err == nil) != want {
				t.Errorf("%s with %q: %v", at, value, err)
			}
		}
	}
}
