package endtoend

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The ways of AWS's documentation to end HTTPS on the instance, one for each
// platform, with files of our own: certificate and key come from `files`, and
// the server block from `files` or from the bundle, wherever that platform
// takes it from.

// certificateFiles are the entries of `files` that every recipe has.
func certificateFiles(s *shop) string {
	var b strings.Builder
	for _, name := range []string{"server.crt", "server.key"} {
		text, err := os.ReadFile(filepath.Join(s.dir, "certs", name))
		if err != nil {
			s.t.Fatal(err)
		}
		fmt.Fprintf(&b, "  /etc/pki/tls/certs/%s:\n    mode: \"000400\"\n    owner: root\n    group: root\n    content: |\n%s", name, indented(string(text), 6))
	}
	return b.String()
}

func indented(text string, by int) string {
	pad := strings.Repeat(" ", by)
	return pad + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n"+pad) + "\n"
}

// tlsServer is a server block of nginx that ends HTTPS before the application.
func tlsServer(location string) string {
	return `server {
    listen      443 ssl;
    server_name localhost;

    ssl_certificate     /etc/pki/tls/certs/server.crt;
    ssl_certificate_key /etc/pki/tls/certs/server.key;
    ssl_protocols       TLSv1.2 TLSv1.3;

    ` + location + `
}
`
}

func proxied(to string) string {
	return `location / {
        proxy_pass         http://` + to + `;
        proxy_http_version 1.1;
        proxy_set_header   Host              $host;
        proxy_set_header   X-Forwarded-Proto https;
    }`
}

const phpLocation = `root  /var/www/html;
    index index.php;
    location ~ \.php$ {
        include       /etc/nginx/fastcgi_params;
        fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;
        fastcgi_pass  php-fpm;
    }`

// openPort lets the world reach 443 of a single instance.
const openPort = `
Resources:
  sslSecurityGroupIngress:
    Type: AWS::EC2::SecurityGroupIngress
    Properties:
      GroupId: {"Fn::GetAtt": [AWSEBSecurityGroup, GroupId]}
      IpProtocol: tcp
      FromPort: 443
      ToPort: 443
      CidrIp: 0.0.0.0/0
`

// passThrough has the load balancer hand TCP on to 443 of the instances.
const passThrough = `
option_settings:
  aws:elb:listener:443:
    ListenerProtocol: TCP
    InstancePort: 443
    InstanceProtocol: TCP
Resources:
  443inboundfromloadbalancer:
    Type: AWS::EC2::SecurityGroupIngress
    Properties:
      GroupId: {"Fn::GetAtt": [AWSEBSecurityGroup, GroupId]}
      IpProtocol: tcp
      FromPort: 443
      ToPort: 443
      SourceSecurityGroupName: {"Fn::GetAtt": [AWSEBLoadBalancer, SourceSecurityGroup.GroupName]}
`

const (
	nodePage = `require('http').createServer((q, s) => s.end('node over ' + (q.headers['x-forwarded-proto'] || 'http'))).listen(process.env.PORT)` + "\n"
	wsgiPage = "def application(environ, start_response):\n    start_response('200 OK', [])\n    return [b'python over ' + environ.get('HTTP_X_FORWARDED_PROTO', 'http').encode()]\n"
	rackPage = "run ->(env) { [200, {}, ['ruby over ' + (env['HTTP_X_FORWARDED_PROTO'] || 'http')]] }\n"
	phpPage  = "<?php echo 'php over ', empty($_SERVER['HTTPS']) ? 'http' : 'https';\n"
	javaPage = `import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
public class Page {
    public static void main(String[] args) throws Exception {
        HttpServer s = HttpServer.create(new InetSocketAddress("127.0.0.1", Integer.parseInt(System.getenv("PORT"))), 0);
        s.createContext("/", x -> {
            String p = x.getRequestHeaders().getFirst("X-Forwarded-Proto");
            byte[] b = ("java over " + (p == null ? "http" : p)).getBytes();
            x.sendResponseHeaders(200, b.length);
            x.getResponseBody().write(b);
            x.close();
        });
        s.start();
    }
}
`
)

// sslHost is httpd's counterpart of tlsServer.
func sslHost(body string) string {
	return `LoadModule ssl_module modules/mod_ssl.so
Listen 443
` + `<VirtualHost *:443>
    ServerName localhost
    SSLEngine on
    SSLCertificateFile    /etc/pki/tls/certs/server.crt
    SSLCertificateKeyFile /etc/pki/tls/certs/server.key
    SSLProtocol           all -SSLv3 -TLSv1 -TLSv1.1
    ` + body + `
</VirtualHost>
`
}

const (
	// backToPort80 has httpd ask itself, as PHP's recipe does.
	backToPort80 = `SetEnvIf Request_URI . HTTPS=on
    ProxyPass        / http://localhost:80/ retry=0
    ProxyPassReverse / http://localhost:80/
    ProxyPreserveHost on
    RequestHeader set X-Forwarded-Proto https`
	modWSGI = `LoadModule wsgi_module modules/mod_wsgi.so
WSGIPythonHome /opt/python/run/baselinenv
WSGISocketPrefix run/wsgi
WSGIRestrictEmbedded On
`
	wsgiHost = `WSGIScriptAlias / /opt/python/current/app/application.py
    <Directory /opt/python/current/app>
        Require all granted
    </Directory>
    WSGIDaemonProcess wsgi-ssl processes=1 threads=5 python-path=/opt/python/current/app user=wsgi group=wsgi home=/opt/python/current/app
    WSGIProcessGroup wsgi-ssl
    RequestHeader set X-Forwarded-Proto https`
	phpProxied = "<?php echo 'php over ', $_SERVER['HTTP_X_FORWARDED_PROTO'] ?? 'http';\n"
)

// httpsRecipe is one platform's way.
type httpsRecipe struct {
	name, platform string
	needs          []string          // programs of the system's own folders
	app            map[string]string // files of the bundle
	files          string            // more entries of `files`
	commands       string            // container_commands
	balanced       bool              // TCP passed through instead of a single instance
	says           string
}

// restart is how recipes put a new server block into force before the version
// goes live.
func restart(command string) string {
	return "container_commands:\n  01restart_nginx:\n    command: \"" + command + "\"\n"
}

// placed is an entry of `files` for a text.
func placed(path, text string) string {
	return "  " + path + ":\n    mode: \"000644\"\n    owner: root\n    group: root\n    content: |\n" + indented(text, 6)
}

var httpsRecipes = []httpsRecipe{
	{name: "node-al2023", platform: "64bit Amazon Linux 2023 v6.1.0 running Node.js 20", needs: []string{"node", "npm"}, says: "node over https",
		app: map[string]string{"app.js": nodePage, ".platform/nginx/conf.d/https.conf": tlsServer(proxied("127.0.0.1:8080"))}},
	{name: "node-al2023-passthrough", platform: "64bit Amazon Linux 2023 v6.1.0 running Node.js 20", needs: []string{"node", "npm"}, says: "node over https", balanced: true,
		app: map[string]string{"app.js": nodePage, ".platform/nginx/conf.d/https.conf": tlsServer(proxied("127.0.0.1:8080"))}},
	{name: "node-al1", platform: "64bit Amazon Linux 2018.03 v4.17.0 running Node.js", needs: []string{"node", "npm"}, says: "node over https",
		app: map[string]string{"app.js": nodePage}, files: placed("/etc/nginx/conf.d/https.conf", tlsServer(proxied("nodejs")))},
	{name: "python-al2023", platform: "64bit Amazon Linux 2023 v4.1.0 running Python 3.11", needs: []string{"python3", "gunicorn"}, says: "python over https",
		app: map[string]string{"application.py": wsgiPage, ".platform/nginx/conf.d/https.conf": tlsServer(proxied("127.0.0.1:8000"))}},
	{name: "python-al2-passthrough", platform: "64bit Amazon Linux 2 v3.5.0 running Python 3.8", needs: []string{"python3", "gunicorn"}, says: "python over https", balanced: true,
		app: map[string]string{"application.py": wsgiPage, ".platform/nginx/conf.d/https.conf": tlsServer(proxied("127.0.0.1:8000"))}},
	{name: "ruby-al1", platform: "64bit Amazon Linux 2018.03 v2.12.0 running Ruby 2.6 (Puma)", needs: []string{"ruby", "puma"}, says: "ruby over https",
		app: map[string]string{"config.ru": rackPage}, files: placed("/etc/nginx/conf.d/https.conf", tlsServer(proxied("my_app"))), commands: restart("service nginx restart")},
	{name: "ruby-al2", platform: "64bit Amazon Linux 2 v3.6.0 running Ruby 2.7", needs: []string{"ruby", "puma"}, says: "ruby over https",
		app: map[string]string{"config.ru": rackPage, ".platform/nginx/conf.d/https.conf": tlsServer(proxied("my_app"))}},
	{name: "php-al2023", platform: "64bit Amazon Linux 2023 v4.3.0 running PHP 8.2", needs: []string{"php-fpm8.2"}, says: "php over https",
		app: map[string]string{"index.php": phpPage, ".platform/nginx/conf.d/https.conf": tlsServer(phpLocation)}},
	{name: "go-al1", platform: "64bit Amazon Linux 2018.03 v2.16.10 running Go 1.14", says: "You came by https",
		app:      map[string]string{"bin/application": "", "Procfile": "web: bin/application\n", ".ebextensions/nginx/conf.d/https.conf": tlsServer(proxied("127.0.0.1:5000"))},
		commands: restart("service nginx restart")},
	{name: "dotnet-way-al2", platform: "64bit Amazon Linux 2 v3.5.0 running Go 1", says: "You came by https",
		app:      map[string]string{"bin/application": "", "Procfile": "web: bin/application\n", ".platform/nginx/conf.d/https.conf": tlsServer(proxied("127.0.0.1:5000"))},
		commands: restart("systemctl restart nginx")},
	{name: "python-al1", platform: "64bit Amazon Linux 2018.03 v2.9.0 running Python 3.6", needs: []string{"python3", "gunicorn", "apache2", "killall"}, says: "python over https",
		app: map[string]string{"application.py": wsgiPage}, files: placed("/etc/httpd/conf.d/ssl.conf", modWSGI+sslHost(wsgiHost)),
		commands: "packages:\n  yum:\n    mod24_ssl: []\ncontainer_commands:\n  01killhttpd:\n    command: killall httpd\n  02waitforhttpddeath:\n    command: sleep 1\n"},
	{name: "php-al1", platform: "64bit Amazon Linux 2018.03 v2.9.0 running PHP 7.3", needs: []string{"php-fpm8.2", "apache2"}, says: "php over https",
		app: map[string]string{"index.php": phpProxied}, files: placed("/etc/httpd/conf.d/ssl.conf", sslHost(backToPort80)), commands: "packages:\n  yum:\n    mod24_ssl: []\n"},
	{name: "php-al2023-apache", platform: "64bit Amazon Linux 2023 v4.3.0 running PHP 8.2", needs: []string{"php-fpm8.2", "apache2"}, says: "php over https",
		app:      map[string]string{"index.php": phpProxied, ".platform/httpd/conf.d/ssl.conf": sslHost(backToPort80)},
		commands: "option_settings:\n  aws:elasticbeanstalk:environment:proxy:\n    ProxyServer: apache\n"},
	{name: "tomcat-al1", platform: "64bit Amazon Linux 2018.03 v3.4.0 running Tomcat 8.5 Java 8", needs: []string{"tomcat"}},
	{name: "dotnet-al2023", platform: "64bit Amazon Linux 2023 v3.0.0 running .NET 8", needs: []string{"dotnet"}},
	{name: "java-al2023", platform: "64bit Amazon Linux 2023 v4.1.0 running Corretto 17", needs: []string{"java", "javac", "jar"}, says: "java over https",
		app: map[string]string{"Page.java": javaPage, ".platform/nginx/conf.d/https.conf": tlsServer(proxied("127.0.0.1:5000"))}},
}

func TestAWSsRecipesServeHTTPSOnTheInstance(t *testing.T) {
	for _, r := range httpsRecipes {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			for _, p := range r.needs {
				if !inSystem(p) {
					t.Skipf("this machine's system has no %s", p)
				}
			}
			newShop(t).servesRecipe(r)
		})
	}
}

// inSystem tells whether an instance would find the program.
func inSystem(program string) bool {
	for _, dir := range []string{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"} {
		if fi, err := os.Stat(filepath.Join(dir, program)); err == nil && fi.Mode().IsRegular() {
			return true
		}
	}
	return false
}

func (s *shop) servesRecipe(r httpsRecipe) {
	s.t.Helper()
	s.writeApp(r)
	args := []string{"up", "page", "--platform", r.platform, "--port", fmt.Sprint(s.api),
		"--listen", fmt.Sprintf("443=%d", s.https), "--listen", fmt.Sprintf("80=%d", s.http)}
	if !r.balanced {
		args = append(args, "--option", "aws:elasticbeanstalk:environment:EnvironmentType=SingleInstance")
	}
	s.must(0, args...)
	curl := output(s.t.Context(), environment(), nil, "curl", "--silent", "--show-error", "--retry", "20", "--retry-delay", "1", "--retry-all-errors", "--fail",
		"--cacert", filepath.Join(s.dir, "certs", "ca.pem"), fmt.Sprintf("https://localhost:%d/", s.https))
	if curl.status != 0 || !strings.Contains(curl.out, r.says) {
		s.t.Errorf("curl: %s\n%s", curl, s.run("logs"))
	}
	status, page, _, err := s.get("http", s.http)
	if err != nil || status != 200 || strings.Contains(page, "https") {
		s.t.Errorf("http: %d, %v, %q", status, err, page)
	}
	s.down()
}

// writeApp writes a recipe's bundle into the folder page.
func (s *shop) writeApp(r httpsRecipe) {
	s.t.Helper()
	extra := openPort
	if r.balanced {
		extra = passThrough
	}
	files := map[string]string{".ebextensions/https-instance.config": "files:\n" + certificateFiles(s) + r.files + r.commands + extra}
	for name, text := range r.app {
		files[name] = text
	}
	if _, compiled := files["bin/application"]; compiled {
		data, err := os.ReadFile(filepath.Join(s.dir, "app", "bin", "application"))
		if err != nil {
			s.t.Fatal(err)
		}
		files["bin/application"] = string(data)
	}
	dir := filepath.Join(s.dir, "page")
	for name, text := range files {
		at := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			s.t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(text), 0o755); err != nil {
			s.t.Fatal(err)
		}
	}
	if _, source := files["Page.java"]; source {
		s.makeJar(dir)
	}
}

// makeJar leaves one JAR file in the place of Page.java.
func (s *shop) makeJar(dir string) {
	s.t.Helper()
	for _, argv := range [][]string{
		{"javac", "--release", "11", "Page.java"},
		{"/bin/sh", "-c", "jar --create --file page.jar --main-class Page *.class && rm *.class Page.java"},
	} {
		c := exec.Command(argv[0], argv[1:]...)
		c.Dir = dir
		if out, err := c.CombinedOutput(); err != nil {
			s.t.Fatalf("%s: %v\n%s", argv, err, out)
		}
	}
}
