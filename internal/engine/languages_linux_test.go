package engine

import (
	"net/http"
	"strings"
	"testing"

	"beanpole/internal/instance"
)

const (
	node2023   = "64bit Amazon Linux 2023 v6.1.0 running Node.js 20"
	python2023 = "64bit Amazon Linux 2023 v4.1.0 running Python 3.11"
	ruby2023   = "64bit Amazon Linux 2023 v4.1.0 running Ruby 3.2"
	php2023    = "64bit Amazon Linux 2023 v4.3.0 running PHP 8.2"
	docker2    = "64bit Amazon Linux 2 v3.8.0 running Docker"
	ecs2023    = "64bit Amazon Linux 2023 v4.0.0 running ECS"
)

const noExtensions = `{"AWS::CloudFormation::Init": {"configSets": {"Infra-EmbeddedPreBuild": [], "Infra-EmbeddedPostBuild": []}}}`

// needs skips where this machine lacks a program that the instance would show.
func needs(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := findProgram(p); err != nil {
			t.Skipf("no %s in the system's own folders here", p)
		}
	}
}

const nodeServer = `const http = require('http');
http.createServer((q, s) => s.end('node says ' + process.env.GREETING + ' as ' + process.getuid() + ' on ' + process.env.PORT)).listen(process.env.PORT, '127.0.0.1');
`

const pythonApplication = `import os
def application(environ, start_response):
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [('python says %s from %s' % (os.environ['GREETING'], os.getcwd())).encode()]
`

// Without package net, which takes long to compile.
const goApplication = `package main

import "syscall"

func main() {
	s, _ := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	syscall.Bind(s, &syscall.SockaddrInet4{Port: 5000, Addr: [4]byte{127, 0, 0, 1}})
	syscall.Listen(s, 10)
	for {
		c, _, _ := syscall.Accept(s)
		greeting, _ := syscall.Getenv("GREETING")
		syscall.Read(c, make([]byte, 4096))
		syscall.Write(c, []byte("HTTP/1.0 200 OK\r\n\r\ngo says "+greeting))
		syscall.Close(c)
	}
}
`

const rackApplication = `run ->(env) { [200, {'content-type' => 'text/plain'}, ["ruby says #{ENV['GREETING']} from #{Dir.pwd}"]] }
`

// TestApplicationsRunAsTheirPlatformRunsThem deploys an application of each
// language that is on this machine, without a Procfile.
func TestApplicationsRunAsTheirPlatformRunsThem(t *testing.T) {
	for _, c := range []struct {
		name, platform string
		needs          []string
		bundle         map[string]string
		says           string
		log            string   // phrase of eb-engine.log
		events         []string // before the last
		procfile       string
	}{
		{
			name: "npm start", platform: node2023, needs: []string{"node", "npm"},
			bundle: map[string]string{"package.json": `{"name": "a", "scripts": {"start": "node index.js"}}`, "index.js": nodeServer},
			says:   "node says hello as 900 on 8080", log: "Running command: /bin/su webapp -c npm --omit=dev install", procfile: "web: npm start\n",
			events: []string{"Instance deployment: You didn't specify a Node.js version in the 'package.json' file in your source bundle. The deployment didn't install a specific Node.js version."},
		},
		{
			name: "app.js", platform: node2023, needs: []string{"node", "npm"},
			bundle: map[string]string{"app.js": nodeServer}, says: "node says hello as 900 on 8080", log: "Executing instruction: Use NPM to install dependencies", procfile: "web: node app.js\n",
		},
		{
			name: "WSGI", platform: python2023, needs: []string{"python3", "gunicorn"},
			bundle: map[string]string{"application.py": pythonApplication, "requirements.txt": "# nothing\n"},
			says:   "python says hello from /var/app/current", log: "Running command: /var/app/venv/staging-LQM1lest/bin/pip install -r requirements.txt",
			procfile: "web: gunicorn --bind 127.0.0.1:8000 --workers=1 --threads=15 application\n",
			events:   []string{"Instance deployment successfully generated a 'Procfile'."},
		},
		{
			name: "Puma", platform: ruby2023, needs: []string{"ruby", "puma"},
			bundle: map[string]string{"config.ru": rackApplication}, says: "ruby says hello from /var/app/current",
			log: "Executing instruction: InstallDependency", procfile: "web: puma -C /opt/elasticbeanstalk/config/private/pumaconf.rb\n",
		},
		{
			name: "application.go", platform: al2023, needs: []string{"go"},
			bundle: map[string]string{"application.go": goApplication, "go.mod": "module shop\n"}, says: "go says hello",
			log: "go build -o bin/application application.go", procfile: "web: bin/application\n",
		},
		{
			name: "PHP", platform: php2023, needs: []string{"php-fpm8.2"},
			bundle: map[string]string{"index.php": "<?php echo 'php says ', getenv('GREETING'), ' from ', getcwd();"}, says: "php says hello from /var/app/current",
			log:    "cp -rp /var/proxy/staging/nginx/* /etc/nginx",
			events: []string{"Instance deployment: You didn't include a 'composer.json' file in your source bundle. The deployment didn't install Composer dependencies."},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			needs(t, c.needs...)
			i := startInstance(t, &world{metadata: noExtensions, bundle: c.bundle}, "")
			r := deploy(t, i, c.platform, instance.Success)
			if got := get(t, i, "/"); got != c.says {
				t.Errorf("it says %q", got)
			}
			var events []string
			for _, e := range r.Events[:len(r.Events)-1] {
				events = append(events, e.Message)
			}
			if strings.Join(events, "\n") != strings.Join(c.events, "\n") {
				t.Errorf("events %q", events)
			}
			if log := logOf(t, i, "eb-engine.log"); !strings.Contains(log, c.log) {
				t.Errorf("eb-engine.log lacks %q:\n%s", c.log, log)
			}
			if got, _ := i.ReadFile("/var/app/current/Procfile"); string(got) != c.procfile {
				t.Errorf("Procfile %q", got)
			}
		})
	}
}

func TestWhatTheRootLacksIsSaidInOneEvent(t *testing.T) {
	i := startInstance(t, &world{metadata: noExtensions, bundle: map[string]string{"Dockerrun.aws.json": `{"AWSEBDockerrunVersion": 2}`}}, "")
	r := deploy(t, i, ecs2023, instance.Failure)
	if len(r.Events) != 2 || r.Events[0].Message != "beanpole: it does not run the several containers of ECS platforms, which Amazon ECS starts on AWS; the platform Docker runs here" || r.FailedStep != "Start ECS task" {
		t.Errorf("%+v", r)
	}
}

func TestAnApplicationThatDiesAtOnceIsSaid(t *testing.T) {
	i := startInstance(t, &world{metadata: noExtensions, bundle: map[string]string{"Procfile": "web: echo no way; exit 7\n"}}, "")
	r := deploy(t, i, al2023, instance.Success)
	if len(r.Events) != 2 || r.Events[0].Severity != "WARN" ||
		!strings.HasPrefix(r.Events[0].Message, "beanpole: process web has just started and ended (exit status 7), starts again in 200ms") {
		t.Errorf("events %+v", r.Events)
	}
	if log := logOf(t, i, "web.stdout.log"); !strings.Contains(log, " web: no way\n") {
		t.Errorf("web.stdout.log: %s", log)
	}
	resp, err := http.Get("http://" + i.Address().String() + "/")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusBadGateway {
		t.Errorf("status %d", resp.StatusCode)
	}
}

func TestDependenciesThatCannotBeInstalledFailWithThePlatformsWords(t *testing.T) {
	for _, c := range []struct {
		name, platform, step, event, log string
		needs                            []string
		bundle                           map[string]string
	}{
		{
			name: "npm", platform: node2023, needs: []string{"node", "npm"}, step: "Use NPM to install dependencies",
			bundle: map[string]string{"package.json": `{"name": "a", "engines": {"node": "20"}, "scripts": {"start": "node a", "preinstall": "echo no luck >&2; exit 1"}}`},
			event:  "Instance deployment: 'npm' failed to install dependencies that you defined in 'package.json'. For details, see 'eb-engine.log'. The deployment failed.",
			log:    "Error: Command /bin/su webapp -c npm --omit=dev install failed with error exit status 1. Stderr:",
		},
		{
			name: "pip", platform: python2023, needs: []string{"python3", "gunicorn"}, step: "InstallDependency",
			bundle: map[string]string{"requirements.txt": "nosuch @ file:///nonexistent/nosuch.tar.gz\n", "application.py": ""},
			event:  "Instance deployment failed to install application dependencies. The deployment failed.",
			log:    "Error: fail to install dependencies with requirements.txt file with error Command /var/app/venv/staging-LQM1lest/bin/pip install -r requirements.txt failed with error exit status 1. Stderr:",
		},
		{
			name: "nothing to start", platform: node2023, needs: []string{"node", "npm"}, step: "Use NPM to install dependencies", bundle: map[string]string{"index.html": ""},
			event: "Instance deployment failed to generate a 'Procfile' for Node.js. Provide one of these files: 'package.json', 'server.js', or 'app.js'. The deployment failed.",
			log:   "Error: failed to generate a 'Procfile' for Node.js. Provide one of these files: 'package.json', 'server.js', or 'app.js'.",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			needs(t, c.needs...)
			i := startInstance(t, &world{metadata: noExtensions, bundle: c.bundle}, "")
			r := deploy(t, i, c.platform, instance.Failure)
			if r.FailedStep != c.step || len(r.Events) != 2 || r.Events[0].Message != c.event || r.Events[0].Severity != "ERROR" {
				t.Errorf("%+v", r)
			}
			if log := logOf(t, i, "eb-engine.log"); !strings.Contains(log, c.log) {
				t.Errorf("eb-engine.log lacks %q:\n%s", c.log, log)
			}
		})
	}
}
