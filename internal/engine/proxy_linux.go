package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"beanpole/internal/platform"
)

const (
	proxyStaging = platform.ProxyStaging
	proxyConfig  = platform.ProxyFolder
	proxyPID     = "/run/nginx.pid"
	proxyPort    = 80 // DefaultInstancePort [EB:custom-platforms-scripts]
	proxyWait    = 10 * time.Second
)

// renderProxy writes the staged configuration; the application's own files
// come over it.
func (d *deployment) renderProxy() error {
	switch d.at.Server(d.option) {
	case "none":
		return nil
	case "apache":
		d.tell("WARN", "beanpole: it does not run Apache httpd as the proxy yet; nginx stands for it, without what is in .platform/httpd, .ebextensions/httpd or /etc/httpd")
	}
	staged := d.path(proxyStaging)
	if err := os.RemoveAll(staged); err != nil {
		return err
	}
	for name, text := range d.at.ProxyFiles(d.proxyFacts()) {
		if err := writeIn(filepath.Join(staged, name), text); err != nil {
			return err
		}
	}
	if err := copyTree(filepath.Join(d.staging(), d.at.ProxyBundle()), staged); err != nil {
		return err
	}
	site := d.at.SiteFile()
	if site == "" {
		return nil
	}
	return copyFile(filepath.Join(staged, site), d.path(platform.SiteStaging))
}

// bakeProxy writes the platform's files where nginx reads them, as the Amazon
// Linux AMI's images have them before the first version: a container command
// may start nginx with what the version has added to conf.d.
func (d *deployment) bakeProxy() error {
	for name, text := range d.at.ProxyFiles(d.proxyFacts()) {
		if err := writeIn(filepath.Join(d.path(proxyConfig), name), text); err != nil {
			return err
		}
	}
	return os.MkdirAll(d.path("/var/log/nginx/healthd"), 0o755)
}

// proxyFacts is what the platform's nginx files depend on in this version.
func (d *deployment) proxyFacts() platform.Proxy {
	x := platform.Proxy{Address: d.address(), Root: documentRoot, Static: map[string]string{}}
	if root := strings.Trim(d.option("aws:elasticbeanstalk:container:php:phpini", "document_root"), "/"); root != "" {
		x.Root += "/" + root
	}
	namespaces := []string{"aws:elasticbeanstalk:environment:proxy:staticfiles"}
	if d.al1 {
		namespaces = []string{"aws:elasticbeanstalk:container:nodejs:staticfiles", "aws:elasticbeanstalk:container:python:staticfiles", "aws:elasticbeanstalk:container:golang:staticfiles"}
	}
	for _, n := range namespaces {
		for at, folder := range d.command.Options[n] {
			x.Static[at] = folder
		}
	}
	return x
}

// documentRoot is where PHP's files are served from: a link to the running
// version. [EB:php-platform]
const documentRoot = "/var/www/html"

// linkDocumentRoot makes documentRoot lead to the running version.
func (d *deployment) linkDocumentRoot() error {
	at := d.path(documentRoot)
	if target, err := os.Readlink(at); err == nil && target == d.at.Current {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		return err
	}
	if err := os.RemoveAll(at); err != nil {
		return err
	}
	return os.Symlink(d.at.Current, at)
}

// copyTree copies the plain files and folders below from over those below to.
// It follows no link.
func copyTree(from, to string) error {
	if _, err := os.Lstat(from); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return filepath.WalkDir(from, func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, p)
		if err != nil {
			return err
		}
		at := filepath.Join(to, rel)
		switch {
		case e.IsDir():
			return os.MkdirAll(at, 0o755)
		case !e.Type().IsRegular():
			return nil
		}
		return copyFile(p, at)
	})
}

func copyFile(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return writeIn(to, string(data))
}

// stopProxy ends nginx, if it runs.
func stopProxy() error {
	pid, running := proxyProcess()
	if !running {
		return nil
	}
	for _, s := range []struct {
		signal syscall.Signal
		wait   time.Duration
	}{{syscall.SIGQUIT, 3 * time.Second}, {syscall.SIGTERM, 2 * time.Second}, {syscall.SIGKILL, time.Second}} {
		if err := syscall.Kill(pid, s.signal); errors.Is(err, syscall.ESRCH) {
			return nil
		}
		for end := time.Now().Add(s.wait); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
			if syscall.Kill(pid, 0) != nil {
				return nil
			}
		}
	}
	return errors.New("nginx does not end")
}

func proxyProcess() (pid int, running bool) {
	data, err := os.ReadFile(proxyPID)
	if err != nil {
		return 0, false
	}
	pid, err = strconv.Atoi(strings.TrimSpace(string(data)))
	return pid, err == nil && pid > 1 && syscall.Kill(pid, 0) == nil
}

// startProxy tests the staged configuration, copies it over the live one,
// where files of the user's that are not staged stay, and starts nginx.
func (d *deployment) startProxy(ctx context.Context) error {
	if d.at.Server(d.option) == "none" {
		return nil
	}
	if err := os.MkdirAll("/var/log/nginx/healthd", 0o755); err != nil {
		return err
	}
	if d.at.Language == platform.PHP {
		if err := d.linkDocumentRoot(); err != nil {
			return err
		}
	}
	if uid, gid, err := ids("nginx"); err == nil { // workers open these logs
		os.Chown("/var/log/nginx/healthd", uid, gid)
	}
	nginx, err := findProxy()
	if err != nil {
		return err
	}
	if site := d.at.SiteFile(); site != "" { // which a container command may have changed
		if err := copyFile(d.path(platform.SiteStaging), filepath.Join(proxyStaging, site)); err != nil {
			return err
		}
	}
	if err := d.runLogged(ctx, nginx, "-t", "-c", proxyStaging+"/nginx.conf"); err != nil {
		return err
	}
	d.note("Running command: cp -rp %s/* %s", proxyStaging, proxyConfig)
	if err := copyTree(proxyStaging, proxyConfig); err != nil {
		return err
	}
	d.engine.mu.Lock()
	defer d.engine.mu.Unlock()
	if err := stopProxy(); err != nil { // somebody may have started it meanwhile
		return err
	}
	if err := d.runLogged(ctx, nginx); err != nil {
		d.engine.fail(proxy{}, err)
		return err
	}
	d.engine.fail(proxy{}, nil)
	return accepts(ctx, proxyPort)
}

// stopProxy ends nginx before the new version goes live.
func (d *deployment) stopProxy(context.Context) error {
	d.engine.mu.Lock()
	defer d.engine.mu.Unlock()
	return stopProxy()
}

func findProxy() (string, error) {
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		return "", errors.New("there is no nginx on this instance")
	}
	return nginx, nil
}

// packagedProxy is nginx's configuration before the first deployment, as its
// package brings it: a container command may start nginx with it, and with
// what the version has put into conf.d.
const packagedProxy = `# Of the package; every deployment puts the platform's in its place.
user              nginx;
worker_processes  auto;
error_log         /var/log/nginx/error.log;
pid               /run/nginx.pid;

events {
    worker_connections 1024;
}

http {
    include      /etc/nginx/mime.types;
    default_type application/octet-stream;
    access_log   /var/log/nginx/access.log;

    include /etc/nginx/conf.d/*.conf;

    server {
        listen      80;
        server_name _;
        root        /usr/share/nginx/html;
    }
}
`

// writePackagedProxy writes packagedProxy where there is none.
func (e *engine) writePackagedProxy() error {
	at := e.root + proxyConfig + "/nginx.conf"
	if _, err := os.Lstat(at); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		return err
	}
	return os.WriteFile(at, []byte(packagedProxy), 0o644)
}

// accepts waits until a port of this instance accepts connections.
func accepts(ctx context.Context, port int) error {
	ctx, cancel := context.WithTimeout(ctx, proxyWait)
	defer cancel()
	for {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			return c.Close()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("port %d accepts no connection", port)
		case <-time.After(10 * time.Millisecond):
		}
	}
}
