package check

import (
	"fmt"
	"strings"

	"beanpole/internal/finding"
	"beanpole/internal/source"
)

var plainToTLSPort = &Rule{
	Slug:  "plain-to-tls-port",
	Title: "plain HTTP goes to the port of TLS, or the reverse",
	Why: `Instances serve plain HTTP on port 80 and TLS on port 443. A listener or process that
sends HTTP to 443 gets "The plain HTTP request was sent to HTTPS port", one that speaks
HTTPS to 80 gets no handshake: every health check fails, and the load balancer answers
503 or 502. InstanceProtocol of a Classic Load Balancer's listener and Protocol of a
process are HTTP unless they are set, also for port 443.`,
	Before: `aws:elasticbeanstalk:environment:process:https:
  Port: 443`,
	After: `aws:elasticbeanstalk:environment:process:https:
  Port: 443
  Protocol: HTTPS`,
	Since: "0.1.0",

	find: func(r *run) (out []*finding.Finding) {
		for _, l := range r.listeners() {
			if l.v2 || l.off() {
				continue
			}
			if f := r.plainListener(l); f != nil {
				out = append(out, f)
			}
		}
		if r.balancerKind() == "application" {
			out = append(out, r.plainProcesses()...)
		}
		return out
	},
}

// plainListener reports a classic listener that speaks HTTP to port 443.
func (r *run) plainListener(l *listener) *finding.Finding {
	front, okFront := l.protocol()
	back, okBack := l.back()
	port, okPort := l.value("InstancePort", l.port)
	if !okFront || !okBack || !okPort || !httpLayer(front) || back != "HTTP" || port != "443" {
		return nil
	}
	s := l.set["InstancePort"]
	if s == nil {
		s = l.anySetting()
	}
	f := r.settingFinding("plain-to-tls-port", finding.Warning, s)
	f.Certain = false
	f.Message = fmt.Sprintf("the load balancer may answer 503: listener %s speaks plain HTTP to port 443 of the instances", l.port)
	cause := finding.Note{Label: "cause", Text: "InstanceProtocol is not set, and its default here is HTTP"}
	if set := l.set["InstanceProtocol"]; set != nil {
		cause = finding.Note{Label: "cause", Text: "InstanceProtocol is HTTP", At: []source.Pos{set.Value.Place()}}
	} else if l.set["InstancePort"] == nil {
		cause.Text = "neither InstancePort nor InstanceProtocol is set; the defaults are the listener's own port, and HTTP"
	}
	f.Notes = []finding.Note{cause, {Label: "fix", Text: "write InstancePort   80   (the balancer ends TLS), or InstanceProtocol   HTTPS   (the instances serve TLS too)"}}
	return f
}

// plainProcesses reports processes of an application load balancer with HTTP on
// 443, or HTTPS on 80.
func (r *run) plainProcesses() (out []*finding.Finding) {
	seen := map[string]bool{}
	for _, s := range r.made() {
		if !strings.HasPrefix(s.Namespace, processPrefix) || seen[s.Namespace] {
			continue
		}
		seen[s.Namespace] = true
		port := r.settingOr(s.Namespace, pair{"Port", "80"})
		protocol := r.settingOr(s.Namespace, pair{"Protocol", "HTTP"})
		a, b := port.Value.TextOr(""), protocol.Value.TextOr("")
		if !(a == "443" && b == "HTTP" || a == "80" && b == "HTTPS") {
			continue
		}
		at, fix := port, "add   Protocol: HTTPS"
		if b == "HTTPS" {
			at, fix = protocol, "write   Port: 443   and let the instances serve TLS there, or   Protocol: HTTP"
		}
		f := r.settingFinding("plain-to-tls-port", finding.Warning, at)
		f.Certain = false
		f.Message = fmt.Sprintf("the load balancer may answer 502 or 503: process %q speaks %s to port %s of the instances", strings.TrimPrefix(s.Namespace, processPrefix), b, a)
		f.Notes = []finding.Note{{Label: "cause", Text: "instances serve TLS on 443 and plain HTTP on 80; Protocol is HTTP and Port 80 unless they are set"}, {Label: "fix", Text: fix}}
		out = append(out, f)
	}
	return out
}
