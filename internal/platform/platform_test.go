package platform

import (
	"slices"
	"strings"
	"testing"

	"beanpole/internal/ebext"
)

// bundle are files by name.
type bundle map[string]string

func (b bundle) Has(name string) bool    { _, ok := b[name]; return ok }
func (b bundle) Read(name string) string { return b[name] }
func (b bundle) Names() (out []string) {
	for n := range b {
		out = append(out, n)
	}
	return out
}

func TestEveryBranchsNameIsRead(t *testing.T) {
	for branch, want := range map[string]Language{
		"Go 1": Go, "Node.js 20": NodeJS, "Python 3.11": Python, "Ruby 2.6 (Puma)": Ruby, "PHP 8.1": PHP, "Tomcat 9 with Corretto 11": Tomcat,
		"Tomcat 8.5 Java 8": Tomcat, "Corretto 17": JavaSE, "Java 8": JavaSE, ".NET Core": DotNet, ".NET 8": DotNet, "Docker 19.03.6-ce": Docker,
		"Multi-container Docker 19.03 (Generic)": ECS, "ECS": ECS, "Packer 1.0": Other,
	} {
		if got := LanguageOf(branch); got != want {
			t.Errorf("%s: %q", branch, got)
		}
	}
}

func TestWhatStartsWithoutAProcfile(t *testing.T) {
	const (
		al1    = "64bit Amazon Linux 2018.03 v1 running "
		al2    = "64bit Amazon Linux 2 v1 running "
		al2023 = "64bit Amazon Linux 2023 v1 running "
		nodeNS = "aws:elasticbeanstalk:container:nodejs"
		pyNS   = "aws:elasticbeanstalk:container:python"
	)
	for _, c := range []struct {
		name, platform string
		files          bundle
		options        map[string]string // namespace + " " + name
		command, fault string
		notes          int
	}{
		{name: "go", platform: al2023 + "Go 1", command: "bin/application"},
		{name: "go, binary at the root", platform: al2023 + "Go 1", files: bundle{"application": ""}, command: "./application"},
		{name: "go, both binaries", platform: al2023 + "Go 1", files: bundle{"application": "", "bin/application": ""}, command: "bin/application"},
		{name: "npm before app.js", platform: al2 + "Node.js 18", files: bundle{"package.json": "", "app.js": ""}, command: "npm start"},
		{name: "app.js before server.js", platform: al2 + "Node.js 18", files: bundle{"server.js": "", "app.js": ""}, command: "node app.js"},
		{name: "nothing", platform: al2 + "Node.js 18", fault: "failed to generate a 'Procfile' for Node.js.", notes: 1},
		{name: "app.js before npm", platform: al1 + "Node.js", files: bundle{"package.json": "", "app.js": ""}, command: "node app.js"},
		{name: "NodeCommand", platform: al1 + "Node.js", files: bundle{"app.js": ""}, options: map[string]string{nodeNS + " NodeCommand": "node x"}, command: "node x"},
		{name: "NodeCommand is gone", platform: al2 + "Node.js 18", files: bundle{"app.js": ""}, options: map[string]string{nodeNS + " NodeCommand": "node x"}, command: "node app.js"},
		{name: "WSGI", platform: al2 + "Python 3.8", command: "gunicorn --bind 127.0.0.1:8000 --workers=1 --threads=15 application", notes: 1},
		{name: "WSGIPath as given", platform: al2 + "Python 3.8", options: map[string]string{pyNS + " WSGIPath": "shop/wsgi.py", pyNS + " NumProcesses": "3"},
			command: "gunicorn --bind 127.0.0.1:8000 --workers=3 --threads=15 shop/wsgi.py", notes: 1},
		{name: "WSGIPath is a file", platform: al1 + "Python 3.6", options: map[string]string{pyNS + " WSGIPath": "shop/wsgi.py"},
			command: "gunicorn --bind 127.0.0.1:8000 --workers=1 --threads=15 shop.wsgi", notes: 1},
		{name: "puma", platform: al2 + "Ruby 2.7", command: "puma -C " + PumaConfig},
		{name: "bundler", platform: al2 + "Ruby 2.7", files: bundle{"Gemfile": ""}, command: "bundle exec puma -C " + PumaConfig},
		{name: "php", platform: al2 + "PHP 8.1"},
		{name: "jar", platform: al2 + "Corretto 11", files: bundle{"a.jar": "", "b.txt": ""}, command: "java -jar a.jar", notes: 2},
		{name: "two jars", platform: al2 + "Corretto 11", files: bundle{"b.jar": "", "a.jar": ""}, fault: "more than one JAR file: a.jar, b.jar"},
		{name: "no jar", platform: al2 + "Corretto 11", fault: "neither a Procfile nor a JAR file"},
		{name: "dotnet", platform: al2023 + ".NET 8", files: bundle{"shop.runtimeconfig.json": "", "shop.dll": ""}, command: "dotnet exec ./shop.dll", notes: 1},
		{name: "two applications", platform: al2023 + ".NET 8", files: bundle{"a.runtimeconfig.json": "", "b.runtimeconfig.json": ""}, fault: "2 files *.runtimeconfig.json"},
		{name: "docker", platform: al2 + "Docker", fault: "there is no Procfile"},
	} {
		p := Of(ebext.ParsePlatform(c.platform))
		got := p.Start(c.files, func(namespace, name string) string { return c.options[namespace+" "+name] })
		if got.Command != c.command || len(got.Notes) != c.notes || (got.Fault == "") != (c.fault == "") || !strings.Contains(got.Fault, c.fault) {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}

func TestAConfigurationDeploymentRunsNoExtensions(t *testing.T) {
	p := Of(ebext.ParsePlatform("64bit Amazon Linux 2 v1 running Node.js 18"))
	app, config := p.Order(AppDeploy), p.Order(ConfigDeploy)
	does := func(order []Instruction, a Action) bool {
		return slices.ContainsFunc(order, func(i Instruction) bool { return i.Do == a })
	}
	for _, a := range []Action{PreBuild, PostBuild, ElectLeader} {
		if !does(app, a) || does(config, a) {
			t.Errorf("action %d", a)
		}
	}
	for _, a := range []Action{Stage, PreBuildHooks, Build, RenderProxy, PreDeployHooks, Flip, StartProxy, PostDeployHooks} {
		if !does(app, a) || !does(config, a) {
			t.Errorf("action %d", a)
		}
	}
	if !slices.Contains(app, Instruction{"Use NPM to install dependencies", Build}) {
		t.Error("the platform's own name of its build is missing")
	}
	if len(p.Order("restart-app-server")) != 0 {
		t.Error("an unknown command has an order")
	}
}

func TestRenderedFilesAreAmongThoseOfThePlatform(t *testing.T) {
	p := Of(ebext.ParsePlatform("64bit Amazon Linux 2 v1 running Go 1"))
	files := p.ProxyFiles(Proxy{Address: "127.0.0.1:5000", Static: map[string]string{"/assets/": "public"}})
	for _, name := range Rendered {
		if files[name] == "" {
			t.Errorf("%s is not rendered", name)
		}
	}
	for _, d := range ServerDirectives {
		if !strings.Contains(files["nginx.conf"], "        "+d+" ") {
			t.Errorf("the server does not set %s", d)
		}
	}
	if got := files["conf.d/elasticbeanstalk/01_static.conf"]; !strings.Contains(got, "location /assets/ {\n    alias /var/app/current/public/;") {
		t.Errorf("static files: %s", got)
	}
}
