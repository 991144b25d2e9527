package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"beanpole/internal/platform"
)

// webServer is one of the two proxies that platforms have.
type webServer struct {
	name, title     string
	programs        []string // names of its program, the first is AWS's
	pidFile         string
	staging, config string
	test, start     []string // arguments of its program
	quit            syscall.Signal
}

var (
	nginxServer = &webServer{
		name: "nginx", title: "The nginx HTTP and reverse proxy server", programs: []string{"nginx"}, pidFile: "/run/nginx.pid",
		staging: platform.ProxyStaging, config: platform.ProxyFolder,
		test: []string{"-t", "-c", platform.ProxyStaging + "/nginx.conf"}, quit: syscall.SIGQUIT,
	}
	httpdServer = &webServer{
		name: "httpd", title: "The Apache HTTP Server", programs: []string{"httpd", "apache2"}, pidFile: "/run/httpd/httpd.pid",
		staging: platform.HTTPDStaging, config: platform.HTTPDFolder,
		test:  []string{"-t", "-d", platform.HTTPDStaging, "-f", "conf/httpd.conf"},
		start: []string{"-d", platform.HTTPDFolder, "-f", "conf/httpd.conf", "-k", "start"}, quit: syscall.SIGTERM,
	}
	webServers = []*webServer{nginxServer, httpdServer}
)

// find is the path of its program. Debian's httpd goes by another name: it is
// called by AWS's, which users' commands look for.
func (s *webServer) find() (string, error) {
	for i, name := range s.programs {
		at, err := findProgram(name)
		if err != nil {
			continue
		}
		if i == 0 {
			return at, nil
		}
		link := filepath.Join(filepath.Dir(at), s.programs[0])
		return link, os.Symlink(at, link)
	}
	return "", fmt.Errorf("there is no %s on this instance", s.name)
}

// process is the process that its PID file names.
func (s *webServer) process() (pid int, running bool) {
	data, err := os.ReadFile(s.pidFile)
	if err != nil {
		return 0, false
	}
	pid, err = strconv.Atoi(strings.TrimSpace(string(data)))
	return pid, err == nil && pid > 1 && syscall.Kill(pid, 0) == nil
}

// stop ends it, if it runs.
func (s *webServer) stop() error {
	pid, running := s.process()
	if !running {
		return nil
	}
	for _, a := range []struct {
		signal syscall.Signal
		wait   time.Duration
	}{{s.quit, 3 * time.Second}, {syscall.SIGTERM, 2 * time.Second}, {syscall.SIGKILL, time.Second}} {
		if err := syscall.Kill(pid, a.signal); errors.Is(err, syscall.ESRCH) {
			return nil
		}
		for end := time.Now().Add(a.wait); time.Now().Before(end); time.Sleep(time.Millisecond) {
			if syscall.Kill(pid, 0) != nil {
				return nil
			}
		}
	}
	return fmt.Errorf("%s does not end", s.name)
}

// run starts it with the configuration as it is.
func (s *webServer) run(ctx context.Context) error {
	program, err := s.find()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(s.pidFile), 0o755); err != nil {
		return err
	}
	return run(ctx, append([]string{program}, s.start...)...)
}

// moduleFolders are where httpd's modules lie, on Amazon Linux and on Debian.
var moduleFolders = []string{"/usr/lib64/httpd/modules", "/usr/lib/apache2/modules"}

// httpdModules are those of platform.HTTPDModules that are there, and where.
func httpdModules() (folder string, names []string) {
	for _, folder = range moduleFolders {
		for _, m := range platform.HTTPDModules {
			if _, err := os.Stat(filepath.Join(folder, "mod_"+m+".so")); err == nil {
				names = append(names, m)
			}
		}
		if names != nil {
			return folder, names
		}
	}
	return "", nil
}

// writeHTTPD writes the platform's httpd files below a folder.
func (d *deployment) writeHTTPD(to string) error {
	if err := d.addUsers(); err != nil {
		return err
	}
	folder, modules := httpdModules()
	for name, text := range d.at.HTTPDFiles(d.proxyFacts(), modules) {
		if err := writeIn(filepath.Join(to, name), text); err != nil {
			return err
		}
	}
	for _, dir := range []string{"/var/log/httpd", "/run/httpd"} {
		if err := os.MkdirAll(d.path(dir), 0o755); err != nil {
			return err
		}
	}
	return linkIn(to, folder)
}

// linkHTTPD makes the links of the live configuration.
func (d *deployment) linkHTTPD() error {
	folder, _ := httpdModules()
	return linkIn(d.path(platform.HTTPDFolder), folder)
}

// linkIn makes the links that httpd's paths go through.
func linkIn(to, folder string) error {
	for link, target := range map[string]string{"modules": folder, "run": "/run/httpd", "logs": "/var/log/httpd"} {
		if err := os.Symlink(target, filepath.Join(to, link)); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	return nil
}
