package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"beanpole/internal/platform"
)

const (
	proxyStaging = platform.ProxyStaging
	proxyConfig  = platform.ProxyFolder
	proxyPort    = 80 // DefaultInstancePort [EB:custom-platforms-scripts]
	proxyWait    = 10 * time.Second
)

// server is the proxy that this environment has; nil for none. nginx stands for
// an httpd that the instance lacks, and an event says so.
func (d *deployment) server() *webServer {
	switch d.at.Server(d.option) {
	case "none":
		return nil
	case "apache":
		if _, err := httpdServer.find(); err == nil {
			return httpdServer
		}
	}
	return nginxServer
}

// renderProxy writes the staged configuration; the application's own files
// come over it.
func (d *deployment) renderProxy() error {
	s := d.server()
	if s == nil {
		return nil
	}
	if s == nginxServer && d.at.Server(d.option) == "apache" {
		d.tell("WARN", "beanpole: this instance's root has no Apache httpd, which is this environment's proxy; nginx stands for it, without what is in .platform/httpd, .ebextensions/httpd or /etc/httpd. Install it on this machine (apt-get install apache2), or use a root that has it (--root, --image)")
	}
	staged := d.path(s.staging)
	if err := os.RemoveAll(staged); err != nil {
		return err
	}
	if s == httpdServer {
		if err := d.writeHTTPD(staged); err != nil {
			return err
		}
		return copyTree(filepath.Join(d.version(), d.at.HTTPDBundle()), staged)
	}
	for name, text := range d.at.ProxyFiles(d.proxyFacts()) {
		if err := writeIn(filepath.Join(staged, name), text); err != nil {
			return err
		}
	}
	if err := copyTree(filepath.Join(d.version(), d.at.ProxyBundle()), staged); err != nil {
		return err
	}
	site := d.at.SiteFile()
	if site == "" {
		return nil
	}
	return copyFile(filepath.Join(staged, site), d.path(platform.SiteStaging))
}

// version is where the version that is deployed lies.
func (d *deployment) version() string {
	if d.flipped {
		return d.current()
	}
	return d.staging()
}

// bakeProxy writes the platform's files where its proxy reads them, as the
// Amazon Linux AMI's images have them before the first version: a container
// command may start it with what the version has added to conf.d. httpd runs
// there from the start.
func (d *deployment) bakeProxy(ctx context.Context) error {
	if d.server() == httpdServer {
		if err := d.writeHTTPD(d.path(platform.HTTPDFolder)); err != nil {
			return err
		}
		return httpdServer.run(ctx)
	}
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

// startProxy tests the staged configuration, copies it over the live one,
// where files of the user's that are not staged stay, and starts the proxy.
func (d *deployment) startProxy(ctx context.Context) error {
	s := d.server()
	if s == nil {
		return nil
	}
	if err := d.readyProxy(); err != nil {
		return err
	}
	program, err := s.find()
	if err != nil {
		return err
	}
	if err := d.runLogged(ctx, append([]string{program}, s.test...)...); err != nil {
		return err
	}
	if s == httpdServer && !d.al1 { // conf.d is made anew
		if err := os.RemoveAll(s.config + "/conf.d"); err != nil {
			return err
		}
	}
	d.note("Running command: cp -rp %s/* %s", s.staging, s.config)
	if err := copyTree(s.staging, s.config); err != nil {
		return err
	}
	if s == httpdServer {
		if err := d.linkHTTPD(); err != nil {
			return err
		}
	}
	d.engine.mu.Lock()
	defer d.engine.mu.Unlock()
	if err := s.stop(); err != nil { // somebody may have started it meanwhile
		return err
	}
	d.note("Running command: systemctl start %s.service", s.name)
	err = s.run(ctx)
	d.engine.fail(proxy{s}, err)
	if err != nil {
		return err
	}
	return accepts(ctx, proxyPort)
}

// readyProxy makes what the proxy needs besides its staged files.
func (d *deployment) readyProxy() error {
	if err := os.MkdirAll("/var/log/nginx/healthd", 0o755); err != nil {
		return err
	}
	if uid, gid, err := ids("nginx"); err == nil { // workers open these logs
		os.Chown("/var/log/nginx/healthd", uid, gid)
	}
	if d.at.Language == platform.PHP {
		if err := d.linkDocumentRoot(); err != nil {
			return err
		}
	}
	site := d.at.SiteFile()
	if site == "" {
		return nil
	}
	// A container command may have changed it.
	return copyFile(d.path(platform.SiteStaging), filepath.Join(proxyStaging, site))
}

// stopProxy ends the proxy before the new version goes live, whichever it is.
func (d *deployment) stopProxy(context.Context) error {
	d.engine.mu.Lock()
	defer d.engine.mu.Unlock()
	for _, s := range webServers {
		if err := s.stop(); err != nil {
			return err
		}
	}
	return nil
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
		case <-time.After(2 * time.Millisecond):
		}
	}
}
