package engine

import (
	"os"
	"strings"
	"testing"
)

const workerJob = `description "Worker of the shop"
start on started nginx
respawn
env WHO=worker
pre-start script
  echo before "$WHO"
end script
script
  GREETING="it's $WHO, 100%"
  echo $GREETING
  exec sleep 1000
end script
`

func TestJobsOfUpstartRun(t *testing.T) {
	e := &engine{root: t.TempDir(), al1: true}
	ask := func(line string) appletAnswer { return e.applet(strings.Fields(line), true) }
	if a := ask("start worker"); a.Status != 1 || a.Errors != "start: Unknown job: worker\n" {
		t.Errorf("before there is one: %+v", a)
	}
	if err := writeIn(e.root+"/etc/init/worker.conf", workerJob); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ask("stop worker") })
	ask("initctl reload-configuration")
	if a := ask("start worker"); a.Status != 0 || !strings.HasPrefix(a.Out, "worker start/running, process ") {
		t.Errorf("start: %+v", a)
	}
	waitFor(t, func() bool {
		log, _ := os.ReadFile(e.root + "/var/log/messages")
		return inOrder(string(log), " worker: before worker\n", " worker: it's worker, 100%\n") == ""
	})
	if a := ask("initctl stop worker"); a.Out != "worker stop/waiting\n" {
		t.Errorf("stop: %+v", a)
	}
	if a := e.applet([]string{"start", "worker"}, false); a.Status != 1 || a.Errors != "start: Rejected send message\n" {
		t.Errorf("by nobody: %+v", a)
	}
}

func TestScriptsOfInitDRun(t *testing.T) {
	e := &engine{root: t.TempDir(), al1: true}
	if err := writeIn(e.root+"/etc/init.d/daemon", "#!/bin/sh\necho \"$1 it\"\n[ \"$1\" = start ] || exit 3\n"); err != nil {
		t.Fatal(err)
	}
	if a := e.applet([]string{"service", "daemon", "start"}, true); a.Status != 1 || a.Errors != "daemon: unrecognized service\n" {
		t.Errorf("without execute bit: %+v", a)
	}
	if err := os.Chmod(e.root+"/etc/init.d/daemon", 0o755); err != nil {
		t.Fatal(err)
	}
	for verb, status := range map[string]int{"start": 0, "status": 3} {
		if a := e.applet([]string{"service", "daemon", verb}, true); a.Status != status || a.Out != verb+" it\n" {
			t.Errorf("%s: %+v", verb, a)
		}
	}
	if a := e.applet([]string{"service", "../init.d/daemon", "start"}, true); a.Status != 1 {
		t.Errorf("a path: %+v", a)
	}
}
