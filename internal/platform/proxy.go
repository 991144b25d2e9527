package platform

import (
	"fmt"
	"sort"
	"strings"
)

// Where nginx's configuration is made and where it is read.
// [log: eb-engine.log]
const (
	ProxyStaging = "/var/proxy/staging/nginx"
	ProxyFolder  = "/etc/nginx"
)

// ServerDirectives are what the platform's own server block sets before it
// includes conf.d/elasticbeanstalk/*.conf, so that no file there can set them
// again (seen in several public copies of Amazon Linux 2's nginx.conf).
var ServerDirectives = []string{"client_header_timeout", "client_body_timeout", "keepalive_timeout", "gzip", "gzip_comp_level"}

// Rendered are the names of the files that every deployment writes anew below
// ProxyFolder since Amazon Linux 2, whatever stands there.
// [log: eb-engine.log "cp -rp /var/proxy/staging/nginx/* /etc/nginx"]
var Rendered = []string{
	"nginx.conf", "conf.d/elasticbeanstalk/00_application.conf", "conf.d/elasticbeanstalk/01_static.conf", "conf.d/elasticbeanstalk/healthd.conf",
}

// Proxy is what the proxy's files depend on.
type Proxy struct {
	Address string            // of the first process: "127.0.0.1:8080" or "unix:///run/x.sock"
	Root    string            // of what PHP serves
	Static  map[string]string // URL path to folder in the application
}

// Server is the proxy that an environment asks for: "nginx", "apache" or
// "none". [EB:platforms-linux-extend.proxy; EB:command-options-specific]
func (p *Platform) Server(option func(namespace, name string) string) string {
	namespaces := []string{"aws:elasticbeanstalk:environment:proxy"}
	server := "nginx"
	if p.AL1() {
		namespaces = append(namespaces, "aws:elasticbeanstalk:container:nodejs")
		if p.Apache {
			server = "apache"
		}
	}
	for _, n := range namespaces {
		if v := option(n, "ProxyServer"); v != "" {
			server = v
		}
	}
	return server
}

// ProxyBundle is the folder of the source bundle that is copied over the
// platform's files.
func (p *Platform) ProxyBundle() string {
	if p.AL1() {
		return ".ebextensions/nginx"
	}
	return ".platform/nginx"
}

// SiteFile is the one file in which the Node.js platform of the Amazon Linux
// AMI keeps upstream and server; "" elsewhere. It is made in SiteStaging and
// put into its place when the new version starts.
// [samples: websockets, https-redirect]
func (p *Platform) SiteFile() string {
	if p.AL1() && p.Language == NodeJS {
		return "conf.d/00_elastic_beanstalk_proxy.conf"
	}
	return ""
}

// SiteStaging is where SiteFile is made: a name in which # stands for /.
const SiteStaging = "/tmp/deployment/config/#etc#nginx#conf.d#00_elastic_beanstalk_proxy.conf"

// ProxyFiles are the platform's nginx files by their names below ProxyFolder.
// They have the structure that EB documents: conf.d/*.conf at http level,
// conf.d/elasticbeanstalk/*.conf inside the server of port 80, both beside the
// file that includes them, so that a test of the staged files sees only staged
// files. [EB:platforms-linux-extend, log: eb-engine.log; names of the
// language's own files: public copies]
func (p *Platform) ProxyFiles(x Proxy) map[string]string {
	const app = "conf.d/elasticbeanstalk/"
	head, out := mainHead, map[string]string{app + "healthd.conf": healthdLog}
	if p.AL1() { // whose nginx.conf has the format itself
		head = strings.Replace(head, "    include conf.d/", "    "+healthdFormat+"\n    include conf.d/", 1)
	} else {
		out["conf.d/healthd_logformat.conf"] = healthdFormat
	}
	out["nginx.conf"] = head + defaultServer + "}\n"
	switch {
	case p.SiteFile() != "":
		out["nginx.conf"] = head + "}\n"
		out[p.SiteFile()] = upstream(p.Upstream, x.Address) + siteServer(p.location(x))
	case p.Language == PHP:
		out["conf.d/elasticbeanstalk-nginx-php-upstream.conf"] = upstream(p.Upstream, x.Address)
		out[app+"php.conf"] = fastCGI(x.Root, p.Upstream)
	case p.Upstream != "":
		out["conf.d/elasticbeanstalk-nginx-"+strings.ToLower(string(p.Language))+"-upstream.conf"] = upstream(p.Upstream, x.Address)
		out[app+"00_application.conf"] = p.location(x)
	default:
		out[app+"00_application.conf"] = p.location(x)
	}
	if len(x.Static) > 0 {
		out[app+"01_static.conf"] = p.static(x.Static)
	}
	return out
}

const mainHead = `# Written by the platform at every deployment.
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

    map $http_upgrade $connection_upgrade {
        default upgrade;
        ''      '';
    }

    include conf.d/*.conf;
`

const defaultServer = `
    server {
        listen     80 default_server;
        access_log /var/log/nginx/access.log main;

        client_header_timeout 60;
        client_body_timeout   60;
        keepalive_timeout     60;
        gzip                  off;
        gzip_comp_level       4;

        include conf.d/elasticbeanstalk/*.conf;
    }
`

const healthdFormat = `log_format healthd '$msec"$uri"$status"$request_time"$upstream_response_time"$http_x_forwarded_for';
`

const healthdLog = `if ($time_iso8601 ~ "^(\d{4})-(\d{2})-(\d{2})T(\d{2})") {
    set $year  $1;
    set $month $2;
    set $day   $3;
    set $hour  $4;
}

access_log /var/log/nginx/healthd/application.log.$year-$month-$day-$hour healthd;
`

func upstream(name, address string) string {
	return fmt.Sprintf("upstream %s {\n    server %s;\n    keepalive 256;\n}\n", name, address)
}

func (p *Platform) location(x Proxy) string {
	to := x.Address
	if p.Upstream != "" {
		to = p.Upstream
	}
	return fmt.Sprintf(`location / {
    proxy_pass         http://%s;
    proxy_http_version 1.1;

    proxy_set_header Connection        $connection_upgrade;
    proxy_set_header Upgrade           $http_upgrade;
    proxy_set_header Host              $host;
    proxy_set_header X-Real-IP         $remote_addr;
    proxy_set_header X-Forwarded-For   $proxy_add_x_forwarded_for;
}
`, to)
}

func siteServer(location string) string {
	return "\nserver {\n    listen     80 default_server;\n    access_log /var/log/nginx/access.log main;\n\n    include conf.d/elasticbeanstalk/*.conf;\n\n    " +
		strings.ReplaceAll(strings.TrimSpace(location), "\n", "\n    ") + "\n}\n"
}

func fastCGI(root, to string) string {
	return fmt.Sprintf(`root  %s;
index index.php index.html index.htm;

location ~ \.(php|phar)(/.*)?$ {
    fastcgi_split_path_info ^(.+\.(?:php|phar))(/.*)$;

    fastcgi_intercept_errors on;
    fastcgi_index index.php;
    include       /etc/nginx/fastcgi_params;
    fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;
    fastcgi_param PATH_INFO       $fastcgi_path_info;
    fastcgi_pass  %s;
}
`, root, to)
}

func (p *Platform) static(folders map[string]string) string {
	var urls []string
	for u := range folders {
		urls = append(urls, u)
	}
	sort.Strings(urls)
	var b strings.Builder
	for _, u := range urls {
		folder := p.Current + "/" + strings.Trim(folders[u], "/")
		at := "/" + strings.Trim(u, "/")
		if strings.HasSuffix(u, "/") && at != "/" {
			at, folder = at+"/", folder+"/"
		}
		fmt.Fprintf(&b, "location %s {\n    alias %s;\n    access_log off;\n}\n\n", at, folder)
	}
	return b.String()
}
