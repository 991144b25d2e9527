package engine

import (
	"bytes"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// someEngine has one application process, "web", that runs.
func someEngine(t *testing.T) *engine {
	t.Helper()
	e := &engine{}
	run := func() *process {
		return supervise(func() (*exec.Cmd, error) {
			c, err := shellCommand("exec sleep 1000", "/", "", nil, nil, nil)
			if err != nil {
				return nil, err
			}
			return c, c.Start()
		}, func(string) {}, "")
	}
	e.applications = []*application{{name: "web", run: run, now: run()}}
	t.Cleanup(e.stopAll)
	waitFor(t, func() bool { return e.applications[0].pid() != 0 })
	return e
}

func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited for too long")
		}
	}
}

func TestServiceCommandsAnswerInTheSystemsWords(t *testing.T) {
	for _, c := range []struct {
		line   string
		al1    bool
		nobody bool
		status int
		out    string
		errs   string
	}{
		{line: "systemctl is-active web", out: "active\n"},
		{line: "systemctl is-active -q web.service"},
		{line: "systemctl is-active foo", status: 3, out: "inactive\n"},
		{line: "systemctl status foo", status: 4, errs: "Unit foo.service could not be found.\n"},
		{line: "systemctl restart foo", status: 5, errs: "Failed to restart foo.service: Unit foo.service not found.\n"},
		{line: "systemctl stop foo.socket", status: 5, errs: "Failed to stop foo.socket: Unit foo.socket not found.\n"},
		{line: "systemctl reload web", status: 1, errs: "Failed to reload web.service: Job type reload is not applicable for unit web.service.\n"},
		{line: "systemctl daemon-reload"},
		{line: "systemctl enable foo", status: 1, errs: "Failed to enable unit: Unit file foo.service does not exist.\n"},
		{line: "systemctl enable web"},
		{line: "systemctl disable web", errs: "Removed \"/etc/systemd/system/multi-user.target.wants/web.service\".\n"},
		{line: "systemctl is-enabled web", out: "enabled\n"},
		{line: "systemctl frobnicate web", status: 1, errs: "Unknown command verb frobnicate.\n"},
		{line: "systemctl list-units", status: 1, errs: "beanpole: systemctl does not carry out list-units yet\n"},
		{line: "systemctl restart", status: 1, errs: "Too few arguments.\n"},
		{line: "systemctl restart web", nobody: true, status: 1, errs: "Failed to restart web.service: Interactive authentication required.\n"},
		{line: "systemctl is-active web", nobody: true, out: "active\n"},
		{line: "service foo restart", status: 5, errs: "Redirecting to /bin/systemctl restart foo.service\nFailed to restart foo.service: Unit foo.service not found.\n"},
		{line: "service web stop", errs: "Redirecting to /bin/systemctl stop web.service\n"},
		{line: "service web", status: 1, errs: serviceUsage + "\n"},
		{line: "initctl status web", status: 127, errs: "initctl: command not found\n"},
		{line: "systemctl restart rsyslog", errs: "beanpole: rsyslog.service is not on this instance, so `systemctl restart rsyslog` does nothing here\n"},
		{line: "service foo restart", al1: true, status: 1, errs: "foo: unrecognized service\n"},
		{line: "service web restart", al1: true, out: "Stopping web: [  OK  ]\nStarting web: [  OK  ]\n"},
		{line: "service web restart", al1: true, nobody: true, status: 4, errs: "web: only root may restart it\n"},
		{line: "service web dance", al1: true, status: 2, out: "Usage: web {start|stop|restart|condrestart|try-restart|force-reload|reload|status}\n"},
		{line: "systemctl restart nginx", al1: true, status: 127, errs: "systemctl: command not found\n"},
		{line: "initctl restart foo", al1: true, status: 1, errs: "initctl: Unknown job: foo\n"},
		{line: "initctl stop web", al1: true, out: "web stop/waiting\n"},
	} {
		e := someEngine(t)
		e.al1 = c.al1
		a := e.applet(strings.Fields(c.line), !c.nobody)
		if a.Status != c.status || a.Out != c.out || a.Errors != c.errs {
			t.Errorf("%s (al1 %v): %d, %q, %q", c.line, c.al1, a.Status, a.Out, a.Errors)
		}
	}
}

func TestStoppedProcessStaysStoppedUntilItIsStarted(t *testing.T) {
	e := someEngine(t)
	ask := func(line string) string { return e.applet(strings.Fields(line), true).Out }
	first := e.applications[0].pid()
	for _, c := range []struct{ do, want string }{
		{"systemctl stop eb-app.target", "inactive\n"}, {"systemctl start web", "active\n"}, {"systemctl stop web", "inactive\n"},
		{"systemctl restart eb-app.target", "active\n"},
	} {
		ask(c.do)
		waitFor(t, func() bool { return ask("systemctl is-active web") == c.want })
	}
	if now := e.applications[0].pid(); now == first || now == 0 {
		t.Errorf("process %d, before %d", now, first)
	}
	if got := ask("systemctl status web"); !strings.HasPrefix(got, "● web.service - ") || !strings.Contains(got, "Active: active (running)\n   Main PID: ") {
		t.Errorf("status says %q", got)
	}
	ask("systemctl disable --now web")
	if got := ask("systemctl is-active web") + ask("systemctl is-enabled web"); got != "inactive\ndisabled\n" {
		t.Errorf("after disable --now: %q", got)
	}
}

func TestUnitsThatAreOnAWSOnlyAreNotedAsSkipped(t *testing.T) {
	e := someEngine(t)
	e.applet([]string{"systemctl", "restart", "rsyslog"}, true)
	e.applet([]string{"systemctl", "restart", "web"}, true)
	if len(e.skipped) != 1 || e.skipped[0].What != "systemctl restart rsyslog" {
		t.Errorf("skipped %v", e.skipped)
	}
}

func TestEngineAnswersOnItsSocketOnly(t *testing.T) {
	e := someEngine(t)
	e.root = t.TempDir()
	if err := os.Mkdir(e.root+"/run", 0o755); err != nil {
		t.Fatal(err)
	}
	l, err := e.listen()
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("unix", e.root+socketPath)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	json.NewEncoder(c).Encode(appletCall{[]string{"systemctl", "is-active", "web"}})
	var a appletAnswer
	if err := json.NewDecoder(c).Decode(&a); err != nil || a.Out != "active\n" {
		t.Errorf("answer %+v, %v", a, err)
	}
	if _, err := os.Stat(socketPath); err == nil {
		t.Skip("there is a socket of an engine on this machine")
	}
	var out, errs bytes.Buffer
	if status := Applet([]string{"/usr/bin/systemctl", "restart", "nginx"}, &out, &errs); status != 1 || !strings.Contains(errs.String(), "on its instances only") {
		t.Errorf("off an instance: %d, %q", status, errs.String())
	}
}
