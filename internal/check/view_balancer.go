package check

import (
	"sort"
	"strings"

	"beanpole/internal/ebext"
	"beanpole/internal/fact"
)

// listener is a listener of the environment's load balancer as option settings
// describe it.
type listener struct {
	namespace string
	port      string
	v2        bool // of an application or network load balancer
	set       map[string]*ebext.Setting
}

// listeners are those for which somebody made a setting, by port.
func (r *run) listeners() []*listener {
	all := map[string]*listener{}
	for _, s := range r.made() {
		port, v2, ok := listenerPort(s.Namespace)
		if !ok {
			continue
		}
		l := all[s.Namespace]
		if l == nil {
			l = &listener{namespace: s.Namespace, port: port, v2: v2, set: map[string]*ebext.Setting{}}
			all[s.Namespace] = l
		}
		l.set[s.Option] = s
	}
	out := make([]*listener, 0, len(all))
	for _, l := range all {
		out = append(out, l)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].namespace < out[j].namespace })
	return out
}

// listenerPort is the port of a listener's namespace.
func listenerPort(namespace string) (port string, v2, ok bool) {
	switch namespace {
	case "aws:elb:listener":
		return "80", false, true
	case "aws:elbv2:listener:default":
		return "80", true, true
	}
	if port, ok := strings.CutPrefix(namespace, "aws:elb:listener:"); ok {
		return port, false, true
	}
	port, ok = strings.CutPrefix(namespace, "aws:elbv2:listener:")
	return port, ok, ok
}

// value is an option's value as it was made, otherwise when nobody made it.
// ok is unset when a value is not known.
func (l *listener) value(option, otherwise string) (text string, ok bool) {
	s := l.set[option]
	if s == nil || s.Value.TextOr("") == "" {
		return otherwise, true
	}
	return s.Value.Text, fact.Known(s.Value.Text)
}

// protocol is what the listener's clients speak.
func (l *listener) protocol() (text string, ok bool) {
	if l.v2 {
		return l.value("Protocol", "HTTP")
	}
	return l.value("ListenerProtocol", "HTTP")
}

// off: the listener is switched off.
func (l *listener) off() bool {
	text, _ := l.value("ListenerEnabled", "true")
	return !on(text)
}

// certificate is the option that names the listener's certificate.
func (l *listener) certificate() string {
	if l.v2 {
		return "SSLCertificateArns"
	}
	return "SSLCertificateId"
}

// anySetting is one of the listener's settings, the first in its file.
func (l *listener) anySetting() *ebext.Setting {
	var first *ebext.Setting
	for _, s := range l.set {
		if first == nil || s.Pos.Offset < first.Pos.Offset || s.Pos.Offset == first.Pos.Offset && s.Option < first.Option {
			first = s
		}
	}
	return first
}

// known is the setting of an option that is in force, the service's default
// included; nil when there is none, or its value is not known.
func (r *run) known(namespace, option string) (text string, set *ebext.Setting) {
	set = r.setting(namespace, option)
	if set == nil || !fact.Known(set.Value.TextOr("")) {
		return "", nil
	}
	return set.Value.TextOr(""), set
}
