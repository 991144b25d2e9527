package endtoend

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDeployBringsAChangedBundleToTheSameInstances(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.fix()
	s.must(0, s.upArgs()...)
	before := s.instances()
	s.edit("app/Procfile", "web:", "# changed\nweb:")
	r := s.must(0, "deploy", "app")
	wantEvents(t, r.out,
		"INFO Environment update is starting.",
		"INFO Deploying new version to instance(s).",
		"INFO Environment health has transitioned from Ok to Info. Command is executing on all instances.",
		"INFO Instance deployment completed successfully.",
		"INFO New application version was deployed to running EC2 instances.",
		"INFO Environment health has transitioned from Info to Ok. Application update completed * ago and took *.",
		"INFO Environment update completed successfully.")
	s.serves()
	if after := s.instances(); strings.Join(after, " ") != strings.Join(before, " ") {
		t.Errorf("other instances run: %v, not %v", after, before)
	}
	if r := s.run("shell", "--", "head", "-n", "1", "/var/app/current/Procfile"); r.out != "# changed\n" {
		t.Errorf("on the instance lies: %s", r)
	}

	// A version that fails leaves the old one in service.
	s.edit("app/.ebextensions/https.config", "files:", "commands:\n  01_fail:\n    command: exit 7\nfiles:")
	r = s.must(1, "deploy", "app", "--template", "infra.yaml", "--label", "broken")
	contains(t, strings.Join(events(r.out), "\n"), "ERROR Unsuccessful command execution on instance id(s) 'i-", "ERROR Failed to deploy application.")
	contains(t, r.out, "Exited with error code 7", "Failed: the command 01_fail failed [command-failed]")
	s.serves()
	if r := s.must(0, "status"); strings.Contains(r.out, "broken") {
		t.Errorf("the failed version counts as deployed: %s", r)
	}
	oneLine(t, s.run("deploy", "app", "--environment", "nobody"), 2, "nobody", "shop-production")
	oneLine(t, s.run("events", "--environment", "nobody"), 2, "nobody", "beanpole status")
	s.down()
}

func TestAnEnvironmentThatDoesNotAnswerIsNotCalledUpAlone(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	bundle := filepath.Join(s.dir, "ill")
	if err := os.Mkdir(bundle, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(bundle, "Procfile"), []byte("web: exit 1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	r := s.must(0, "up", "ill", "--port", fmt.Sprint(s.api), "--listen", fmt.Sprintf("80=%d", s.http), "--platform", "64bit Amazon Linux 2023 v4.6.0 running Go 1",
		"--option", "aws:elasticbeanstalk:environment:LoadBalancerType=application")
	contains(t, r.out, "ill-env is up, but its health is Red (beanpole status, beanpole logs):")
	s.down()
}
