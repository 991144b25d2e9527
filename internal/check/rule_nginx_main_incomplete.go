package check

import (
	"strings"

	"beanpole/internal/ebext"
	"beanpole/internal/finding"
	"beanpole/internal/nginx"
	"beanpole/internal/source"
)

var nginxMainIncomplete = &Rule{
	Slug:  "nginx-main-incomplete",
	Title: "an nginx.conf that leaves Elastic Beanstalk's parts out",
	Why: `.platform/nginx/nginx.conf takes the place of the platform's main file. What the
platform renders beside it is read only when the file says so: the way to the
application, static files, and the log from which enhanced health counts requests stand
in conf.d/elasticbeanstalk/*.conf [EB:platforms-linux-extend]. Without them nginx
answers with its own pages or 404, or the environment's health shows no requests, no
latency and no 5xx.`,
	Before: `server {
  listen 80 default_server;
  location / { proxy_pass http://127.0.0.1:5000; }
}`,
	After: `server {
  listen 80 default_server;
  include conf.d/elasticbeanstalk/*.conf;
}`,
	Since: "0.1.0",

	find: func(r *run) []*finding.Finding {
		main := r.ownMain()
		if main == nil || !main.ok || main.fault != nil {
			return nil
		}
		files, certain := r.nginxInForce()
		if len(files) == 0 || r.programsHold("nginx.conf") {
			return nil
		}
		passes, health := false, false
		for _, f := range files {
			if f.level == nginx.Server || f.includesName("conf.d/elasticbeanstalk/00_application.conf") || f.includesUnknown(r) {
				return nil
			}
			health = health || strings.Contains(f.text.Text, "healthd")
			nginx.Walk(f.directives, func(d *nginx.Directive) { passes = passes || answers[d.Name.Text] })
		}
		at := main.place()
		out := &finding.Finding{Rule: "nginx-main-incomplete", Severity: finding.Warning, Certain: certain, Pos: at}
		switch {
		case !passes:
			out.Message = "requests " + verb(certain) + " not reach the application: this nginx.conf passes none on"
		case health || r.basicHealth():
			return nil
		default:
			out.Message = "enhanced health " + verb(certain) + " see no requests: this nginx.conf leaves the platform's log out"
		}
		note(out, "cause", "it does not include conf.d/elasticbeanstalk/*.conf, and it replaces the file that does")
		if !certain {
			note(out, "not known", r.proxyNotKnown())
		}
		note(out, "fix", "add   include conf.d/elasticbeanstalk/*.conf;   to the server block of port 80, and take its own location / out")
		return []*finding.Finding{out}
	},
}

// answers are the directives by which nginx answers, or passes a request on.
var answers = map[string]bool{"proxy_pass": true, "fastcgi_pass": true, "uwsgi_pass": true, "scgi_pass": true, "grpc_pass": true,
	"root": true, "alias": true, "return": true, "rewrite": true, "passenger_enabled": true}

// place is where the file begins.
func (f *proxyFile) place() source.Pos {
	for _, d := range f.directives {
		if d.Name.Text == "http" {
			return f.text.PosAt(d.Name.Start)
		}
	}
	return f.text.PosAt(0)
}

// harmlessInclude: what is included brings no server and no directive of a
// server's.
func harmlessInclude(name string) bool {
	return strings.HasSuffix(name, "mime.types") || strings.HasSuffix(name, "_params") || strings.HasSuffix(name, "conf.d/*.conf") ||
		strings.Contains(name, "modules/*.conf") || strings.HasSuffix(name, "fastcgi.conf")
}

// includesUnknown: the file includes what is neither the platform's own nor seen
// in the bundle.
func (f *proxyFile) includesUnknown(r *run) (unknown bool) {
	nginx.Walk(f.directives, func(d *nginx.Directive) {
		if d.Name.Text == "include" && len(d.Args) == 1 {
			unknown = unknown || !harmlessInclude(d.Args[0].Text)
		}
	})
	return unknown
}

// basicHealth: the environment reports basic health, which the API takes unless
// it is told otherwise [EB:command-options-general].
func (r *run) basicHealth() bool {
	kind, set, known := r.option("aws:elasticbeanstalk:healthreporting:system", "SystemType")
	return kind == "basic" && (known || set.Level > ebext.Default)
}
