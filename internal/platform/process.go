package platform

import (
	"encoding/json"
	"fmt"
	"path"
	"sort"
	"strings"

	"beanpole/internal/ebext"
)

// Files is what a deployment sees of the application's top folder.
type Files interface {
	Has(name string) bool
	// Read is a file's text; "" for one that cannot be read.
	Read(name string) string
	// Names are the files that lie in the top folder itself.
	Names() []string
}

// Note is something that the platform tells the user while it deploys.
type Note struct{ Severity, Text string }

// Default is what a platform starts when the bundle has no Procfile.
type Default struct {
	Command string // of the process "web"; "" when it starts none
	Notes   []Note // events, in order
	Fault   string // why nothing can be started, as eb-engine.log says it; "" when something can
}

// generated is the event after a Procfile was made up.
// [events of AWS environments, 2021 to 2026]
const generated = "Instance deployment successfully generated a 'Procfile'."

// BuildCommand is what the platform builds a bundle without a Buildfile with, ""
// for nothing. A Procfile says that the bundle is none of the simple ones.
// [EB:go-environment]
func (p *Platform) BuildCommand(f Files) string {
	if p.Language == Go && f.Has("application.go") && !f.Has("Buildfile") && !f.Has("Procfile") {
		return "go build -o bin/application application.go"
	}
	return ""
}

// Start decides what a bundle without a Procfile starts. option gives the
// value of an option setting, "" when it is not set.
func (p *Platform) Start(f Files, option func(namespace, name string) string) Default {
	switch p.Language {
	case Go:
		return startGo(f)
	case NodeJS:
		return p.startNode(f, option)
	case Python:
		return p.startPython(option)
	case Ruby:
		return startRuby(f)
	case JavaSE:
		return startJar(f)
	case DotNet:
		return startDotNet(f)
	case PHP, Tomcat:
		return Default{} // a server of the platform's own runs it
	}
	return Default{Fault: "there is no Procfile, and beanpole does not know what this platform starts without one"}
}

// startGo: bin/application, given or built from application.go, before one at
// the bundle's root. [EB:go-environment]
func startGo(f Files) Default {
	if f.Has("application") && !f.Has("bin/application") {
		return Default{Command: "./application"}
	}
	return Default{Command: "bin/application"}
}

// startNode: `npm start` when there is a package.json, else app.js, then
// server.js. [EB:nodejs-configuration-procfile] On the Amazon Linux AMI the
// option NodeCommand comes first, then app.js, server.js and `npm start`.
// [EB:create_deploy_nodejs.container]
func (p *Platform) startNode(f Files, option func(namespace, name string) string) Default {
	scripts := func() (string, bool) {
		for _, name := range []string{"app.js", "server.js"} {
			if f.Has(name) {
				return "node " + name, true
			}
		}
		return "", false
	}
	npm := f.Has("package.json")
	if p.AL1() {
		if c := option("aws:elasticbeanstalk:container:nodejs", "NodeCommand"); c != "" {
			return Default{Command: c}
		}
		if c, ok := scripts(); ok {
			return Default{Command: c}
		}
		if npm {
			return Default{Command: "npm start"}
		}
		return Default{Fault: "no app.js, server.js or package.json"}
	}
	if npm {
		return Default{Command: "npm start"}
	}
	if c, ok := scripts(); ok {
		return Default{Command: c}
	}
	const fault = "failed to generate a 'Procfile' for Node.js. Provide one of these files: 'package.json', 'server.js', or 'app.js'."
	return Default{Fault: fault, Notes: []Note{{"ERROR", "Instance deployment " + fault + " The deployment failed."}}}
}

// NodeNote is what the platform says of a version of Node.js in package.json;
// beanpole runs the one that the instance has either way.
// [events of AWS environments, 2020 to 2023]
func NodeNote(packageJSON string) (Note, bool) {
	var p struct {
		Engines struct {
			Node string `json:"node"`
		} `json:"engines"`
	}
	if packageJSON == "" || json.Unmarshal([]byte(packageJSON), &p) == nil && p.Engines.Node != "" {
		return Note{}, false
	}
	return Note{"INFO", "Instance deployment: You didn't specify a Node.js version in the 'package.json' file in your source bundle. The deployment didn't install a specific Node.js version."}, true
}

// startPython: gunicorn with the module that the option WSGIPath names.
// [EB:python-configuration-procfile, EB:command-options-specific Python]
func (p *Platform) startPython(option func(namespace, name string) string) Default {
	const namespace = "aws:elasticbeanstalk:container:python"
	or := func(name, otherwise string) string {
		if v := option(namespace, name); v != "" {
			return v
		}
		return otherwise
	}
	module := or("WSGIPath", "application")
	if p.AL1() { // where it is a file; later gunicorn gets it as it is
		module = strings.ReplaceAll(strings.TrimSuffix(module, ".py"), "/", ".")
	}
	return Default{
		Command: fmt.Sprintf("gunicorn --bind 127.0.0.1:%d --workers=%s --threads=%s %s", p.Port, or("NumProcesses", "1"), or("NumThreads", "15"), module),
		Notes:   []Note{{"INFO", generated}},
	}
}

// PumaConfig is the file that the Ruby platform gives to Puma.
const PumaConfig = "/opt/elasticbeanstalk/config/private/pumaconf.rb"

func startRuby(f Files) Default {
	command := "puma -C " + PumaConfig
	if f.Has("Gemfile") {
		command = "bundle exec " + command
	}
	return Default{Command: command}
}

// startJar: a bundle with one JAR file in its top folder needs no Procfile.
// [EB:java-se-platform; events of AWS environments, 2021 to 2026]
func startJar(f Files) Default {
	var jars []string
	for _, n := range f.Names() {
		if strings.HasSuffix(n, ".jar") {
			jars = append(jars, n)
		}
	}
	sort.Strings(jars)
	switch len(jars) {
	case 0:
		return Default{Fault: "there is neither a Procfile nor a JAR file in the source bundle's top folder"}
	case 1:
		return Default{Command: "java -jar " + jars[0], Notes: []Note{
			{"INFO", "Instance deployment successfully detected a JAR file in your source bundle."}, {"INFO", generated}}}
	}
	return Default{Fault: "there is no Procfile, and more than one JAR file: " + strings.Join(jars, ", ")}
}

// startDotNet: the one application of a folder that `dotnet publish` made.
// [EB:dotnet-linux-platform]
func startDotNet(f Files) Default {
	const suffix = ".runtimeconfig.json"
	var found []string
	for _, n := range f.Names() {
		if strings.HasSuffix(n, suffix) {
			found = append(found, strings.TrimSuffix(path.Base(n), suffix))
		}
	}
	if len(found) != 1 {
		return Default{Fault: fmt.Sprintf("there is no Procfile, and %d files *%s instead of one", len(found), suffix)}
	}
	return Default{Command: "dotnet exec ./" + found[0] + ".dll", Notes: []Note{{"INFO", generated}}}
}

// PumaSettings is PumaConfig's text. [EB:ruby-platform]
func PumaSettings(socket string) string {
	return fmt.Sprintf(`directory '/var/app/current'
threads 8, 32
workers 0
bind 'unix://%s'
stdout_redirect '/var/log/puma/puma.log', '/var/log/puma/puma.log', true
`, socket)
}

// NPMInstall is how a generation's platform installs dependencies.
// [log: eb-engine.log, eb-activity.log]
func NPMInstall(g ebext.Generation) string {
	if g == ebext.AL2023 {
		return "npm --omit=dev install"
	}
	return "npm --production install"
}
