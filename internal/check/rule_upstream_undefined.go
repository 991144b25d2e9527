package check

import (
	"fmt"
	"net"
	"regexp"
	"strings"

	"beanpole/internal/finding"
	"beanpole/internal/lazyregexp"
	"beanpole/internal/nginx"
	"beanpole/internal/platform"
	"beanpole/internal/source"
)

var upstreamUndefined = &Rule{
	Slug:  "upstream-undefined",
	Title: "nginx passes requests to a name that nothing defines",
	Why: `On the Amazon Linux AMI the platforms' nginx files defined an upstream (nodejs on
Node.js, docker on Docker, my_app on Ruby), and AWS's older HTTPS samples pass requests
to it. Since Amazon Linux 2 the platform passes them straight to the port of the
application and no upstream nodejs is there; names of services in a Docker Compose file
are known inside of Docker only. nginx takes the name for a host, looks it up while it
starts, and ends with
  nginx: [emerg] host not found in upstream "nodejs" in /etc/nginx/conf.d/https.conf:21`,
	Before: `location / {
  proxy_pass http://nodejs;
}`,
	After: `location / {
  proxy_pass http://127.0.0.1:5000;  # the port of the environment property PORT
}`,
	Since: "0.1.0",

	find: func(r *run) (out []*finding.Finding) {
		if applies, known := r.onGenerations(laterThanAL1...); !applies || !known && !r.bundleHolds(".platform/") {
			return nil // may be meant for an instance of the Amazon Linux AMI that still runs
		}
		files, certain := r.nginxInForce()
		seen := map[string]bool{}
		for _, f := range files {
			nginx.Walk(f.directives, func(d *nginx.Directive) {
				name := passedTo(d)
				if name == "" || seen[f.name+"\x00"+name] || r.definesUpstream(name) || r.platformUpstream(name) {
					return
				}
				seen[f.name+"\x00"+name] = true
				out = append(out, r.noUpstream(f, d, name, certain))
			})
		}
		return out
	},
}

// definesUpstream: some text of the deployment defines the upstream, or may: a
// program can write nginx files or /etc/hosts, and the content of a file that is
// fetched is not known.
func (r *run) definesUpstream(name string) bool {
	defines := regexp.MustCompile(`\bupstream\s+` + regexp.QuoteMeta(name) + `\b`)
	for _, text := range r.programs() {
		if defines.MatchString(text) || strings.Contains(text, "/etc/hosts") {
			return true
		}
	}
	for _, name := range r.in.Bundle.Names() {
		if t := r.nginxText(name); t != nil && defines.MatchString(t.Text) {
			return true
		}
	}
	for at, p := range r.placedFiles() {
		if strings.HasPrefix(at, "/etc/nginx/") && (p.text == nil || defines.MatchString(p.text.Text)) || at == "/etc/hosts" {
			return true
		}
	}
	return false
}

// nginxText is a file of the bundle that nginx may read, nil for all others.
func (r *run) nginxText(name string) *source.Node {
	if strings.HasPrefix(name, ".platform/nginx/") || strings.HasPrefix(name, ".ebextensions/nginx/") {
		return r.text(name)
	}
	return nil
}

var passTarget = lazyregexp.New(`^(?:https?|grpcs?)://([A-Za-z0-9_-]+)(?::[0-9]+)?(?:/|$)`)

// passedTo is the name of one part to which a directive passes requests; "" for
// an address, a full domain name, a variable.
func passedTo(d *nginx.Directive) string {
	if d.Name.Text != "proxy_pass" && d.Name.Text != "grpc_pass" || len(d.Args) != 1 || strings.Contains(d.Args[0].Text, "$") {
		return ""
	}
	m := passTarget.FindStringSubmatch(d.Args[0].Text)
	if m == nil || m[1] == "localhost" || net.ParseIP(m[1]) != nil {
		return ""
	}
	return m[1]
}

// oldUpstreams are the upstreams of the Amazon Linux AMI
// [EB:https-singleinstance-nodejs, -docker, -ruby].
var oldUpstreams = map[string]bool{"nodejs": true, "docker": true, "my_app": true}

// platformUpstream: the platform itself defines the name, or may. Since Amazon
// Linux 2 no platform defines nodejs.
func (r *run) platformUpstream(name string) bool {
	of := platform.Of(r.platform)
	if of.Upstream == name {
		return true
	}
	return oldUpstreams[name] && name != "nodejs" && (!r.platform.Known || of.Language == platform.Other)
}

func (r *run) noUpstream(f *proxyFile, d *nginx.Directive, name string, certain bool) *finding.Finding {
	old := oldUpstreams[name]
	sure := certain && old // else a resolver may know the name
	w := d.Args[0]
	out := f.finding("upstream-undefined", w, sure)
	what := "it cannot look up host"
	fix := "write   " + r.applicationAddress(w.Text, name)
	if old {
		what = "no upstream is called"
		fix += "   (the application's port: property PORT)"
	} else {
		fix += fmt.Sprintf("   when the application is reached there, or define upstream %q", name)
	}
	out.Message = fmt.Sprintf("nginx %s not start: %s %q", verb(sure), what, name)
	if old {
		note(out, "cause", fmt.Sprintf("upstream %q came with the platforms of the Amazon Linux AMI; since Amazon Linux 2 none defines it here", name))
	} else {
		note(out, "cause", "no file defines an upstream of this name; names of a Docker Compose file are known inside of Docker only")
	}
	note(out, "on AWS", fmt.Sprintf(`nginx: [emerg] host not found in upstream "%s" in %s:%d`, name, f.onInstance(), f.line(w.Start)))
	if !certain {
		note(out, "not known", r.proxyNotKnown())
	}
	note(out, "fix", fix)
	return out
}

var anyPort = lazyregexp.New(`:[0-9]+`)

// applicationAddress is the target with the application's address in the name's
// place. Its port is property PORT, or the platform's own.
func (r *run) applicationAddress(target, name string) string {
	port := ":PORT"
	set := r.setting("aws:elasticbeanstalk:application:environment", "PORT")
	of := platform.Of(r.platform)
	switch {
	case anyPort.MatchString(target):
		port = ""
	case set != nil && set.Value.TextOr("") != "" && strings.Trim(set.Value.Text, "0123456789") == "":
		port = ":" + set.Value.Text
	case r.platform.Known && r.direct && of.Port != 0 && of.Language != platform.Other:
		port = fmt.Sprintf(":%d", of.Port)
	}
	return strings.Replace(target, "://"+name, "://127.0.0.1"+port, 1)
}
