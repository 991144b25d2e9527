package check

import (
	"fmt"
	"strconv"
	"strings"

	"beanpole/internal/ebext"
	"beanpole/internal/fact"
	"beanpole/internal/finding"
	"beanpole/internal/nginx"
)

var portNotServed = &Rule{
	Slug:  "port-not-served",
	Title: "nobody listens where the load balancer sends requests",
	Why: `The platform's proxy listens on port 80. A process or listener that sends to another
port of the instances (443 mostly) needs a server there: a block of nginx's with
listen 443 ssl and a certificate. Only root may open ports below 1024, so that the
application, which runs as webapp, is no such server. Without one every health check
is refused, and clients get 502 or 503. Where the load balancer is to end TLS, its
listener on 443 sends to port 80.`,
	Before: `aws:elbv2:listener:443:
  Protocol: HTTPS
  DefaultProcess: https
aws:elasticbeanstalk:environment:process:https:
  Port: 443
  Protocol: HTTPS`,
	After: `aws:elbv2:listener:443:
  Protocol: HTTPS
  DefaultProcess: default`,
	Since: "0.1.0",

	find: func(r *run) (out []*finding.Finding) {
		if on, _ := r.onGenerations(laterThanAL1...); !on {
			return nil
		}
		ports, known := r.servedPorts()
		if !known && (!r.platform.Known || len(ports) == 0) {
			return nil
		}
		seen := map[int]bool{}
		settings := r.portSettings()
		if r.balanced() == fact.Broken {
			settings = nil // nothing sends by them
		}
		for _, s := range settings {
			port, err := strconv.Atoi(s.Value.TextOr(""))
			if err != nil || port >= 1024 || port <= 0 || ports[port] || seen[port] || port == 80 || r.mayServe(port) {
				continue
			}
			seen[port] = true
			out = append(out, r.notServed(s, port, known))
		}
		if f := r.mainWithout80(ports); f != nil {
			out = append(out, f)
		}
		return out
	},
}

// portSettings are the settings that name a port of the instances, without those
// about which plain-to-tls-port speaks.
func (r *run) portSettings() (out []*ebext.Setting) {
	kind := r.balancerKind()
	for _, s := range r.made() {
		if strings.HasPrefix(s.Namespace, processPrefix) && s.Option == "Port" && kind != "classic" {
			protocol := r.settingOr(s.Namespace, pair{"Protocol", "HTTP"})
			if kind != "application" || s.Value.TextOr("") != "443" || protocol.Value.TextOr("") != "HTTP" {
				out = append(out, s)
			}
		}
	}
	for _, l := range r.listeners() {
		if s := l.set["InstancePort"]; s != nil && !l.v2 && !l.off() && kind != "application" && kind != "network" && r.plainListener(l) == nil {
			out = append(out, s)
		}
	}
	return out
}

func (r *run) notServed(s *ebext.Setting, port int, certain bool) *finding.Finding {
	f := r.settingFinding("port-not-served", finding.Warning, s)
	f.Certain = certain
	f.Message = fmt.Sprintf("the load balancer %s get no answer from port %d of the instances: nothing listens there", verb(certain), port)
	note(f, "cause", fmt.Sprintf("the proxy listens on 80, no file or command of the bundle names %d, and the application may not open ports below 1024", port))
	note(f, "on AWS", "health checks of this port fail, and clients get 502 or 503")
	if !certain {
		note(f, "not known", r.proxyNotKnown())
	}
	fix := "send to port 80, where the proxy listens"
	if port == 443 {
		fix += ", and let the load balancer end TLS; or let the proxy serve 443: .platform/nginx/conf.d/https.conf with   listen 443 ssl;   and a certificate"
	}
	note(f, "fix", fix)
	return f
}

// mainWithout80 is about an nginx.conf of the bundle that listens elsewhere than
// where requests come in; nil when it does not.
func (r *run) mainWithout80(ports map[int]bool) *finding.Finding {
	main := r.ownMain()
	if main == nil || len(ports) == 0 || ports[80] || r.mayServe(80) {
		return nil
	}
	for _, s := range r.portSettings() {
		if port, err := strconv.Atoi(s.Value.TextOr("")); err != nil || ports[port] {
			return nil // the requests come in there
		}
	}
	files, certain := r.nginxInForce()
	certain = certain && r.direct
	for _, f := range files {
		var at *nginx.Directive
		nginx.Walk(f.directives, func(d *nginx.Directive) {
			if at == nil && d.Name.Text == "listen" && len(d.Args) > 0 {
				at = d
			}
		})
		if at == nil {
			continue
		}
		out := f.finding("port-not-served", at.Name, certain)
		out.End, out.Severity = f.text.PosAt(at.End), finding.Warning
		out.Message = "requests " + verb(certain) + " get no answer: they come in on port 80, where this nginx does not listen"
		note(out, "cause", ".platform/nginx/nginx.conf takes the place of the file that listens on 80")
		if !certain {
			note(out, "not known", r.proxyNotKnown())
		}
		note(out, "fix", "write   listen 80 default_server;")
		return out
	}
	return nil
}
