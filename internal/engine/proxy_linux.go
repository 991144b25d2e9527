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
)

const (
	proxyStaging = "/var/proxy/staging/nginx"
	proxyConfig  = "/etc/nginx"
	proxyPID     = "/run/nginx.pid"
	proxyPort    = 80 // DefaultInstancePort [EB:custom-platforms-scripts]
	proxyWait    = 10 * time.Second
)

// The proxy's configuration has the structure that EB documents: conf.d/*.conf
// at http level, conf.d/elasticbeanstalk/*.conf inside the server of port 80,
// both beside the file that includes them, so that a test of the staged files
// sees only staged files. [EB:platforms-linux-extend, log: eb-engine.log]
var proxyFiles = map[string]string{
	"nginx.conf": `# Written by the platform at every deployment.
user              nginx;
worker_processes  auto;
error_log         /var/log/nginx/error.log warn;
pid               /run/nginx.pid;

events {
    worker_connections 1024;
}

http {
    server_tokens off;

    include      /etc/nginx/mime.types;
    default_type application/octet-stream;

    log_format main '$remote_addr - $remote_user [$time_local] "$request" '
                    '$status $body_bytes_sent "$http_referer" '
                    '"$http_user_agent" "$http_x_forwarded_for"';
    log_format healthd '$msec"$uri"$status"$request_time"$upstream_response_time"$http_x_forwarded_for';

    map $http_upgrade $connection_upgrade {
        default upgrade;
        ''      '';
    }

    include conf.d/*.conf;

    server {
        listen     80 default_server;
        access_log /var/log/nginx/access.log main;

        client_header_timeout 60;
        client_body_timeout   60;
        keepalive_timeout     60;

        include conf.d/elasticbeanstalk/*.conf;
    }
}
`,
	"conf.d/elasticbeanstalk/00_application.conf": `location / {
    proxy_pass         http://127.0.0.1:PORT;
    proxy_http_version 1.1;

    proxy_set_header Connection        $connection_upgrade;
    proxy_set_header Upgrade           $http_upgrade;
    proxy_set_header Host              $host;
    proxy_set_header X-Real-IP         $remote_addr;
    proxy_set_header X-Forwarded-For   $proxy_add_x_forwarded_for;
}
`,
	"conf.d/elasticbeanstalk/healthd.conf": `if ($time_iso8601 ~ "^(\d{4})-(\d{2})-(\d{2})T(\d{2})") {
    set $year  $1;
    set $month $2;
    set $day   $3;
    set $hour  $4;
}

access_log /var/log/nginx/healthd/application.log.$year-$month-$day-$hour healthd;
`,
}

// renderProxy writes the staged configuration; the application's own files
// come over it.
func (d *deployment) renderProxy() error {
	staged := d.path(proxyStaging)
	if err := os.RemoveAll(staged); err != nil {
		return err
	}
	for name, text := range proxyFiles {
		at := filepath.Join(staged, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(at, []byte(strings.ReplaceAll(text, "PORT", strconv.Itoa(d.port()))), 0o644); err != nil {
			return err
		}
	}
	own := ".platform/nginx"
	if d.al1 {
		own = ".ebextensions/nginx"
	}
	return copyTree(filepath.Join(d.path(stagingDir), own), staged)
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
		data, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		return os.WriteFile(at, data, 0o644)
	})
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
	if err := os.MkdirAll("/var/log/nginx/healthd", 0o755); err != nil {
		return err
	}
	if uid, gid, err := ids("nginx"); err == nil { // workers open these logs
		os.Chown("/var/log/nginx/healthd", uid, gid)
	}
	nginx, err := findProxy()
	if err != nil {
		return err
	}
	if err := d.runLogged(ctx, nginx, "-t", "-c", proxyStaging+"/nginx.conf"); err != nil {
		return err
	}
	d.note("Running command: cp -rp %s/. %s", proxyStaging, proxyConfig)
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
