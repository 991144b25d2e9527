package check

import (
	"regexp"
	"strconv"
	"strings"

	"beanpole/internal/lazyregexp"
	"beanpole/internal/nginx"
)

// servedPorts are the ports on which the proxy of an instance listens. known is
// unset when it may listen on further ones.
func (r *run) servedPorts() (ports map[int]bool, known bool) {
	ports = map[int]bool{}
	files, certain := r.nginxInForce()
	if applies, sure := r.proxyIs("apache"); applies {
		certain = sure
		ports[80] = true
		for _, text := range r.apacheFiles() {
			for _, m := range apachePort.FindAllStringSubmatch(text.Text, -1) {
				addPort(ports, m[2])
			}
		}
		return ports, certain
	}
	if applies, _ := r.proxyIs("nginx"); !applies {
		return ports, false
	}
	if r.ownMain() == nil {
		ports[80] = true
	}
	for _, f := range files {
		nginx.Walk(f.directives, func(d *nginx.Directive) {
			switch {
			case d.Name.Text == "listen" && len(d.Args) > 0:
				addPort(ports, d.Args[0].Text)
			case d.Name.Text == "server" && d.HasBlock && nginx.Find(d.Block, "listen") == nil:
				ports[80] = true // nginx's default for root
			}
		})
		certain = certain && !f.includesUnknown(r)
	}
	return ports, certain
}

var apachePort = lazyregexp.New(`(?mi)^[ \t]*(Listen[ \t]+(\S+))`)

// addPort adds the port of an address; 80 for one without.
func addPort(ports map[int]bool, address string) {
	if strings.HasPrefix(address, "unix:") {
		return
	}
	port := address
	if i := strings.LastIndexByte(address, ':'); i >= 0 && !strings.HasSuffix(address, "]") {
		port = address[i+1:]
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		n = 80
	}
	ports[n] = true
}

// mayServe: something else of the deployment names the port, and may listen on
// it: a program, a file that it writes, a container.
func (r *run) mayServe(port int) bool {
	names := regexp.MustCompile(`\b` + strconv.Itoa(port) + `\b`)
	for _, text := range r.programs() {
		if names.MatchString(text) {
			return true
		}
	}
	for _, p := range r.placedFiles() {
		if p.text == nil && configures(p.path) || p.text != nil && names.MatchString(p.text.Text) {
			return true
		}
	}
	for _, name := range r.in.Bundle.Names() {
		container := !strings.Contains(name, "/") && (strings.HasPrefix(name, "Docker") || strings.Contains(name, "compose."))
		if !container && !strings.HasPrefix(name, ".platform/") && !strings.HasPrefix(name, ".ebextensions/nginx/") && !strings.HasPrefix(name, ".ebextensions/httpd/") {
			continue
		}
		if t := r.text(name); t != nil && (names.MatchString(t.Text) || container && strings.Contains(t.Text, "host")) {
			return true
		}
	}
	return r.otherSources() || strings.HasPrefix(r.platform.Branch, "ECS") || strings.HasPrefix(r.platform.Branch, "Multi-container")
}

// configures: the path is one where a server's configuration or a service lies.
func configures(name string) bool {
	return strings.HasPrefix(name, "/etc/") && !strings.HasPrefix(name, "/etc/pki/")
}
