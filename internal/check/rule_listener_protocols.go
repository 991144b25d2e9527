package check

import (
	"fmt"
	"strings"

	"beanpole/internal/ebext"
	"beanpole/internal/finding"
	"beanpole/internal/source"
)

var listenerProtocols = &Rule{
	Slug:  "listener-protocols",
	Title: "the two sides of a listener do not go together",
	Why: `A listener of a Classic Load Balancer speaks one protocol with clients and one with
the instances. HTTP and HTTPS go with HTTP and HTTPS, TCP and SSL with TCP and SSL.
All listeners that use the same port of the instances must be all encrypted there or
all plain; the listener on port 80 is one of them unless it is switched off. Elastic
Load Balancing refuses anything else, and the update of the environment fails
[EB:command-options-general aws:elb:listener].`,
	Before: `aws:elb:listener:443:
  ListenerProtocol: HTTPS
  InstancePort: 443
  InstanceProtocol: TCP`,
	After: `aws:elb:listener:443:
  ListenerProtocol: TCP
  InstancePort: 443
  InstanceProtocol: TCP`,
	Since: "0.1.0",

	find: func(r *run) (out []*finding.Finding) {
		var classic []*listener
		for _, l := range r.listeners() {
			if l.v2 || l.off() {
				continue
			}
			if f := r.layers(l); f != nil {
				out = append(out, f)
				continue
			}
			classic = append(classic, l)
		}
		return append(out, r.sharedPorts(classic)...)
	},
}

// httpLayer: the protocol is of the application layer.
func httpLayer(protocol string) bool { return strings.HasPrefix(protocol, "HTTP") }

func encrypted(protocol string) bool { return protocol == "HTTPS" || protocol == "SSL" }

// layers reports a listener that speaks HTTP on one side only.
func (r *run) layers(l *listener) *finding.Finding {
	front, ok := l.protocol()
	back, known := l.value("InstanceProtocol", "")
	if !ok || !known || back == "" || httpLayer(front) == httpLayer(back) {
		return nil
	}
	f := r.settingFinding("listener-protocols", finding.Error, l.set["InstanceProtocol"])
	f.Certain = r.direct || l.set["ListenerProtocol"] != nil
	f.Message = fmt.Sprintf("Elastic Load Balancing %s refuse listener %s: %s with clients does not go with %s to the instances", will(f), l.port, front, back)
	cause := finding.Note{Label: "cause", Text: "HTTP and HTTPS go with HTTP or HTTPS, TCP and SSL with TCP or SSL"}
	if s := l.set["ListenerProtocol"]; s != nil {
		cause.At = append(cause.At, s.Value.Place())
	} else {
		cause.Text += "; without a ListenerProtocol the listener speaks HTTP"
	}
	fix := "write InstanceProtocol   HTTPS   or   HTTP   (the balancer ends TLS), or ListenerProtocol   TCP   (the instances end it)"
	if !httpLayer(front) {
		fix = "write InstanceProtocol   TCP   (what comes from the client is passed on as it is)"
	}
	f.Notes = []finding.Note{cause, {Label: "fix", Text: fix}}
	return f
}

// sharedPorts reports listeners that speak to one port of the instances both
// encrypted and plain.
func (r *run) sharedPorts(classic []*listener) (out []*finding.Finding) {
	plain := map[string]*listener{}
	if len(classic) > 0 && !r.firstListenerOff() {
		plain["80"] = nil // the default listener
	}
	for _, l := range classic {
		if back, ok := l.back(); ok && !encrypted(back) {
			if port, ok := l.value("InstancePort", l.port); ok {
				plain[port] = l
			}
		}
	}
	for _, l := range classic {
		back, ok := l.back()
		port, known := l.value("InstancePort", l.port)
		other, both := plain[port]
		if !ok || !known || !both || !encrypted(back) {
			continue
		}
		out = append(out, r.sharedPort(l, other, port, back))
	}
	return out
}

// back is the protocol to the instances.
func (l *listener) back() (string, bool) {
	front, ok := l.protocol()
	otherwise := "TCP"
	if httpLayer(front) {
		otherwise = "HTTP"
	}
	text, known := l.value("InstanceProtocol", otherwise)
	return text, ok && known
}

func (r *run) sharedPort(l, other *listener, port, back string) *finding.Finding {
	f := r.settingFinding("listener-protocols", finding.Error, l.set["InstanceProtocol"])
	f.Certain = r.direct || other != nil
	if !f.Certain {
		f.Severity = finding.Warning
	}
	cause := finding.Note{Label: "cause", Text: "the listener on port 80 speaks plainly to that port"}
	if other != nil {
		cause = finding.Note{Label: "cause", Text: fmt.Sprintf("listener %s speaks plainly to that port", other.port), At: []source.Pos{other.anySetting().Pos}}
	}
	f.Message = fmt.Sprintf("Elastic Load Balancing %s refuse listener %s: port %s of the instances cannot take %s beside plain traffic", will(f), l.port, port, back)
	fix := "write InstancePort   443   and let the instances serve TLS there, or InstanceProtocol   HTTP"
	if port != "80" {
		fix = "use another InstancePort for one of them"
	}
	f.Notes = []finding.Note{cause}
	if !f.Certain {
		f.Notes = append(f.Notes, finding.Note{Label: "not known", Text: "whether the listener on port 80 is switched off elsewhere"})
	}
	f.Notes = append(f.Notes, finding.Note{Label: "fix", Text: fix})
	return f
}

// firstListenerOff: the classic listener on port 80 is switched off.
func (r *run) firstListenerOff() bool {
	for _, l := range r.listeners() {
		if !l.v2 && l.port == "80" && l.off() {
			return true
		}
	}
	text, set := r.known("aws:elb:loadbalancer", "LoadBalancerHTTPPort")
	return set != nil && set.Level > ebext.Default && text == "OFF"
}
