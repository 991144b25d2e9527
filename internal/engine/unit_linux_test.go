package engine

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestLinesOfExecAreSplitAsSystemdDoes(t *testing.T) {
	env := func(name string) string { return map[string]string{"OPTS": "-a -b", "WHO": "me"}[name] }
	for _, c := range []struct {
		line string
		want []string
		bad  bool
	}{
		{line: "/bin/echo one  two", want: []string{"/bin/echo", "one", "two"}},
		{line: `-/bin/sh -c "echo 'a b' \"c\""`, want: []string{"/bin/sh", "-c", `echo 'a b' "c"`}},
		{line: "/bin/x $OPTS ${OPTS} a${WHO}b $$HOME 100%%", want: []string{"/bin/x", "-a", "-b", "-a -b", "ameb", "$HOME", "100%"}},
		{line: "/bin/x ''", want: []string{"/bin/x", ""}},
		{line: `/bin/x "open`, bad: true},
		{line: "-", bad: true},
	} {
		got, err := parseCommand(c.line, env)
		if (err != nil) != c.bad || !c.bad && !reflect.DeepEqual(got.argv, c.want) {
			t.Errorf("%s: %q, %v", c.line, got.argv, err)
		}
	}
}

func TestUnitsAreReadAsSystemdReadsThem(t *testing.T) {
	got := parseUnit("# comment\n[Unit]\nDescription = Worker\n[Service]\nEnvironment=A=1\nExecStart=/bin/a \\\n  -b\nEnvironment=B=2\nUser=x\nUser=\n")
	want := map[string][]string{"Unit.Description": {"Worker"}, "Service.Environment": {"A=1", "B=2"}, "Service.ExecStart": {"/bin/a  -b"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%q", got)
	}
}

const workerUnit = `[Unit]
Description=Worker of the shop
[Service]
Environment=WHO=worker
EnvironmentFile=-/etc/none
ExecStartPre=/bin/sh -c 'echo before'
ExecStart=/bin/sh -c 'echo ${WHO} at work; exec sleep 1000'
Restart=always
[Install]
WantedBy=multi-user.target
`

func TestAUnitOfTheUsersRuns(t *testing.T) {
	e := &engine{root: t.TempDir()}
	write := func(name, text string) {
		if err := writeIn(e.root+"/etc/systemd/system/"+name, text); err != nil {
			t.Fatal(err)
		}
	}
	ask := func(line string) appletAnswer { return e.applet(strings.Fields(line), true) }
	t.Cleanup(func() { ask("systemctl stop worker") })
	if a := ask("systemctl start worker"); a.Status != exitNotInstalled {
		t.Errorf("before there is one: %+v", a)
	}
	write("worker.service", workerUnit)
	ask("systemctl daemon-reload")
	if a := ask("systemctl enable --now worker.service"); a.Status != 0 ||
		a.Errors != "Created symlink /etc/systemd/system/multi-user.target.wants/worker.service → /etc/systemd/system/worker.service.\n" {
		t.Errorf("enable --now: %+v", a)
	}
	if a := ask("systemctl is-active worker"); a.Out != "active\n" {
		t.Errorf("is-active: %+v", a)
	}
	if _, err := os.Readlink(filepath.Join(e.root, "/etc/systemd/system/multi-user.target.wants/worker.service")); err != nil {
		t.Error(err)
	}
	if a := ask("systemctl status worker"); !strings.HasPrefix(a.Out, "● worker.service - Worker of the shop\n     Loaded: loaded (/etc/systemd/system/worker.service; enabled; preset: disabled)\n     Active: active (running)\n") {
		t.Errorf("status: %s", a.Out)
	}
	waitFor(t, func() bool {
		log, _ := os.ReadFile(e.root + "/var/log/messages")
		return inOrder(string(log), " worker: before\n", " worker: worker at work\n") == ""
	})
	if a := ask("systemctl disable --now worker"); a.Status != 0 {
		t.Errorf("disable --now: %+v", a)
	}
	if got := ask("systemctl is-active worker").Out + ask("systemctl is-enabled worker").Out; got != "inactive\ndisabled\n" {
		t.Errorf("after disable --now: %q", got)
	}
}

func TestAUnitThatCannotStartSaysSo(t *testing.T) {
	e := &engine{root: t.TempDir()}
	for name, c := range map[string]struct{ text, says string }{
		"pre.service":     {"[Service]\nExecStartPre=/bin/sh -c 'echo not ready; exit 3'\nExecStart=/bin/true\n", "not ready"},
		"none.service":    {"[Service]\nType=simple\n", "the unit has no ExecStart"},
		"oneshot.service": {"[Service]\nType=oneshot\nExecStart=/bin/false\n", "exit status 1"},
		"env.service":     {"[Service]\nEnvironmentFile=/etc/none\nExecStart=/bin/true\n", "no such file"},
	} {
		if err := writeIn(e.root+"/etc/systemd/system/"+name, c.text); err != nil {
			t.Fatal(err)
		}
		a := e.applet([]string{"systemctl", "start", name}, true)
		if a.Status != 1 || !strings.HasPrefix(a.Errors, "Job for "+name+" failed because the control process exited with error code.") || !strings.Contains(a.Errors, c.says) {
			t.Errorf("%s: %+v", name, a)
		}
		if got := e.applet([]string{"systemctl", "is-failed", name}, true); got.Out != "failed\n" {
			t.Errorf("%s: is-failed says %q", name, got.Out)
		}
	}
	if err := writeIn(e.root+"/etc/systemd/system/once.service", "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n"); err != nil {
		t.Fatal(err)
	}
	e.applet([]string{"systemctl", "start", "once"}, true)
	if got := e.applet([]string{"systemctl", "is-active", "once"}, true); got.Out != "active\n" {
		t.Errorf("a oneshot that remains is %q", got.Out)
	}
}

func TestATimerCountsAsStartedAndIsToldToDoNothing(t *testing.T) {
	e := &engine{root: t.TempDir()}
	if err := writeIn(e.root+"/etc/systemd/system/renew.timer", "[Timer]\nOnCalendar=daily\n[Install]\nWantedBy=timers.target\n"); err != nil {
		t.Fatal(err)
	}
	a := e.applet([]string{"systemctl", "enable", "--now", "renew.timer"}, true)
	if a.Status != 0 || a.Errors != "Created symlink /etc/systemd/system/timers.target.wants/renew.timer → /etc/systemd/system/renew.timer.\n" {
		t.Errorf("%+v", a)
	}
	if len(e.skipped) != 1 || e.skipped[0].What != "systemctl start renew.timer" {
		t.Errorf("skipped %v", e.skipped)
	}
	if a := e.applet([]string{"systemctl", "is-active", "renew.timer"}, true); a.Out != "active\n" {
		t.Errorf("%+v", a)
	}
	if a := e.applet([]string{"systemctl", "stop", "other.timer"}, true); a.Status != exitNotInstalled {
		t.Errorf("a timer that is not there: %+v", a)
	}
}

func FuzzUnit(f *testing.F) {
	f.Add(workerUnit)
	f.Add("[Service]\nExecStart=/bin/x \"a\\\" $B ${C} %%\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, lines := range parseUnit(text) {
			for _, line := range lines {
				parseCommand(line, func(string) string { return "x y" })
			}
		}
	})
}
