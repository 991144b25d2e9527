package platform

import (
	"fmt"
	"strings"
)

// Where Apache httpd's configuration is made and where it is read.
// [gh:awsdocs/elastic-beanstalk-samples#148]
const (
	HTTPDStaging = "/var/proxy/staging/httpd"
	HTTPDFolder  = "/etc/httpd"
)

// HTTPDModules are the modules that the platforms' httpd has loaded before it
// reads conf.d, where the instance has them; mod_ssl and mod_wsgi are the
// application's affair on the Amazon Linux AMI. [EB platform pages]
var HTTPDModules = []string{
	"mpm_event", "authz_core", "authz_host", "authn_core", "access_compat", "alias", "dir", "env", "expires", "filter", "deflate", "headers", "mime",
	"proxy", "proxy_http", "proxy_fcgi", "proxy_wstunnel", "rewrite", "setenvif", "slotmem_shm", "socache_shmcb", "status", "reqtimeout",
}

// HTTPDBundle is the folder of the source bundle that is copied over httpd's
// files.
func (p *Platform) HTTPDBundle() string {
	if p.AL1() {
		return ".ebextensions/httpd"
	}
	return ".platform/httpd"
}

// HTTPDFiles are the platform's httpd files by their names below HTTPDFolder,
// for an httpd that has those modules as files. Their folder is given to httpd
// on its command line, so that a test of the staged files reads only them.
// [EB:platforms-linux-extend.proxy; EB:java-tomcat-proxy]
func (p *Platform) HTTPDFiles(x Proxy, modules []string) map[string]string {
	var load strings.Builder
	for _, m := range modules {
		fmt.Fprintf(&load, "LoadModule %s_module modules/mod_%s.so\n", m, m)
	}
	out := map[string]string{
		"conf/httpd.conf": fmt.Sprintf(httpdMain, load.String()),
		"conf.d/elasticbeanstalk/00_application.conf": httpdApplication(p, x),
	}
	return out
}

const httpdMain = `# Written by the platform at every deployment.
DefaultRuntimeDir /run/httpd
PidFile    /run/httpd/httpd.pid
ServerName localhost
User       apache
Group      apache
Listen     80

%s
<Directory />
    AllowOverride none
    Require all denied
</Directory>
<Directory "/var/www">
    AllowOverride All
    Require all granted
</Directory>

<IfModule mime_module>
    TypesConfig /etc/mime.types
</IfModule>
DirectoryIndex index.php index.html

LogFormat "%%h %%l %%u %%t \"%%r\" %%>s %%b \"%%{Referer}i\" \"%%{User-Agent}i\" \"%%{X-Forwarded-For}i\"" combined
LogFormat "%%{%%s}t.%%{msec_frac}t\"%%U\"%%s\"%%D\"%%D\"%%{X-Forwarded-For}i" healthd
ErrorLog  /var/log/httpd/error_log
CustomLog /var/log/httpd/access_log combined
LogLevel  warn

IncludeOptional conf.d/*.conf

<VirtualHost *:80>
    IncludeOptional conf.d/elasticbeanstalk/*.conf
</VirtualHost>
`

// httpdApplication is what httpd does with requests: PHP's go to its server,
// all others' to the application.
func httpdApplication(p *Platform, x Proxy) string {
	if p.Language == PHP {
		return fmt.Sprintf("DocumentRoot %s\n<FilesMatch \\.(php|phar)$>\n    SetHandler \"proxy:%s|fcgi://localhost/\"\n</FilesMatch>\n", x.Root, strings.Replace(x.Address, "unix://", "unix:", 1))
	}
	to := "http://" + x.Address + "/"
	if socket, ok := strings.CutPrefix(x.Address, "unix://"); ok {
		to = "unix:" + socket + "|http://localhost/"
	}
	return fmt.Sprintf("ProxyPass / %s retry=0\nProxyPassReverse / http://%s/\nProxyPreserveHost on\n", to, x.Address)
}
