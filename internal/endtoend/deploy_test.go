package endtoend

import (
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
	s.serves()
	if r := s.must(0, "status"); strings.Contains(r.out, "broken") {
		t.Errorf("the failed version counts as deployed: %s", r)
	}
	oneLine(t, s.run("deploy", "app", "--environment", "nobody"), 2, "nobody", "shop-production")
	s.down()
}
