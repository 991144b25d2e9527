package cfninit

import (
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
)

// servicesStub stands in for a program that keeps services: it notes its call,
// and finds a service stopped, or fails on it, when that is in its name.
func servicesStub(name string, args []string) int {
	f, err := os.OpenFile("/calls", os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return 99
	}
	defer f.Close()
	fmt.Fprintf(f, "%s %q\n", name, args)
	text := strings.Join(args, " ")
	switch {
	case strings.Contains(text, "bad"):
		return 1
	case strings.Contains(text, "stopped") && (strings.HasSuffix(text, " status") || strings.HasPrefix(text, "is-active ")):
		return 3
	}
	return 0
}

// servicesRoot is a file system with the stub in the places given.
func servicesRoot(t *testing.T, places ...string) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root: programs run by chroot")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if f, err := elf.Open(self); err == nil && f.Section(".interp") != nil {
		t.Skip("needs a test program without libraries: CGO_ENABLED=0")
	}
	root := stateRoot(t)
	for _, p := range places {
		if err := os.MkdirAll(root+p[:strings.LastIndexByte(p, '/')], 0o755); err != nil {
			t.Fatal(err)
		}
		from, err := os.Open(self)
		if err != nil {
			t.Fatal(err)
		}
		to, err := os.OpenFile(root+p, os.O_CREATE|os.O_WRONLY, 0o755)
		if err == nil {
			_, err = io.Copy(to, from)
		}
		if err == nil {
			err = to.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		from.Close()
	}
	return root
}

func TestServicesAreKeptAsTheAgentDoes(t *testing.T) {
	both := []string{"/sbin/service", "/sbin/chkconfig"}
	for _, c := range []struct {
		name, config string
		later        bool // the agent of Amazon Linux 2 and later
		places       []string
		calls, fault string
		log          []string // lines of a verbose log
	}{
		{name: "enabled, and started when stopped", places: both,
			config: `{services: {sysvinit: {stopped: {enabled: "true", ensureRunning: yes}}}}`,
			calls:  `chkconfig ["stopped" "on"] service ["stopped" "status"] service ["stopped" "start"]`,
			log: []string{"DEBUG Using service modifier: /sbin/chkconfig", "DEBUG Setting service stopped to enabled", "INFO enabled service stopped",
				"DEBUG Using service runner: /sbin/service", "DEBUG Starting service stopped as it is not running", "INFO Started stopped successfully"}},
		{name: "a file that changed comes before ensureRunning", places: both,
			config: `{files: {/etc/a: {content: x}}, services: {sysvinit: {web: {ensureRunning: false, files: [/etc/b, /etc/a]}}}}`,
			calls:  `service ["web" "restart"]`},
		{name: "a list that is none counts only when its section is there", places: both,
			config: `{services: {sysvinit: {web: {files: 5, commands: null, ensureRunning: true}}}}`, calls: `service ["web" "status"]`},
		{name: "a list that is none", places: both,
			config: `{files: {/etc/a: {content: x}}, services: {sysvinit: {web: {files: 5}}}}`, fault: "'int' object is not iterable"},
		{name: "a list with a map", places: both,
			config: `{files: {/etc/a: {content: x}}, services: {sysvinit: {web: {files: [/etc/a, {}]}}}}`, fault: "unhashable type: 'dict'"},
		{name: "properties as a text", places: both, config: `{services: {sysvinit: {web: enabled}}}`, fault: "string indices must be integers"},
		{name: "properties as a list", places: both, config: `{services: {sysvinit: {web: [ensureRunning]}}}`, fault: "list indices must be integers, not str"},
		{name: "enabled as a list", places: both, config: `{services: {sysvinit: {web: {enabled: [x]}}}}`, fault: "unhashable type: 'list'"},
		{name: "a name for the shell is one argument", places: both,
			config: `{services: {sysvinit: {"web; touch /made\n$(touch /made)": {enabled: false}}}}`,
			calls:  `chkconfig ["web; touch /made\n$(touch /made)" "off"]`},
		{name: "no script", config: `{services: {sysvinit: {web: {enabled: true, ensureRunning: true}}}}`, fault: "[Errno 2] No such file or directory",
			log: []string{"ERROR Could not enable web, as chkconfig and update-rc.d were not available", "DEBUG Running init scripts directly"}},
		{name: "a script alone", places: []string{"/etc/init.d/service"}, config: `{services: {sysvinit: {service: {ensureRunning: false}}}}`,
			calls: `service ["status"] service ["stop"]`},
		{name: "a service that can't be started", places: []string{"/usr/sbin/service"}, config: `{services: {sysvinit: {bad: {enabled: true, ensureRunning: true}}}}`,
			calls: `service ["bad" "status"] service ["bad" "start"]`, fault: "Could not start bad"},
		{name: "windows", config: `{services: {windows: {web: {}}}}`, fault: "Cannot modify windows services without pywin32"},
		{name: "systemd is new", config: `{services: {systemd: {web: {}}}}`, log: []string{"WARNING Unsupported service manager: systemd"}},
		{name: "systemd in 2.0", later: true, places: []string{"/usr/bin/systemctl"},
			config: `{files: {/etc/a: {content: x}}, services: {systemd: {web: {enabled: true, files: [/etc/a]}, stopped: {ensureRunning: true}}}}`,
			calls:  `systemctl ["enable" "web"] systemctl ["daemon-reload"] systemctl ["reload-or-restart" "web"] systemctl ["is-active" "stopped"] systemctl ["start" "stopped"]`},
		{name: "systemd that is not there", later: true, config: `{services: {systemd: {web: {}}}}`, fault: "SystemD is not available on the instance"},
		{name: "systemd that fails", later: true, places: []string{"/usr/bin/systemctl"}, config: `{services: {systemd: {bad: {enabled: false}}}}`,
			calls: `systemctl ["disable" "bad"]`, fault: "Could not disable service bad"},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := servicesRoot(t, c.places...)
			var log bytes.Buffer
			r := &Runner{Root: root, Log: &log, Verbose: c.log != nil, TokensFirst: c.later}
			_, err := r.Build(context.Background(), parse(t, `AWS::CloudFormation::Init: {config: `+c.config+`}`), nil)
			var fault *BuildError
			if errors.As(err, &fault); (fault == nil) != (c.fault == "") || fault != nil && fault.Text != c.fault || fault == nil && err != nil {
				t.Errorf("ended with %v, want %q", err, c.fault)
			}
			data, _ := os.ReadFile(root + "/calls")
			if got := strings.TrimSpace(strings.ReplaceAll(string(data), "\n", " ")); got != c.calls {
				t.Errorf("called\n%s\nwant\n%s", got, c.calls)
			}
			if _, err := os.Stat(root + "/made"); err == nil {
				t.Error("a name went to a shell")
			}
			for _, line := range c.log {
				level, text, _ := strings.Cut(line, " ")
				if !strings.Contains(log.String(), "["+level+"] "+text+"\n") {
					t.Errorf("no %q in\n%s", line, log.String())
				}
			}
		})
	}
}
