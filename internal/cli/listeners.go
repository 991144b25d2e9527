package cli

import (
	"errors"
	"net"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"beanpole/internal/check"
)

// listenersOf are the ports at which an environment answers, with the options
// of each, from its option settings (namespace, option, value). Those of an
// application or network load balancer are given as classic ones are.
func listenersOf(settings [][3]string) map[int]map[string]string {
	prefix := "aws:elb:listener"
	for _, s := range settings {
		switch {
		case s[0] != "aws:elasticbeanstalk:environment":
		case s[1] == "EnvironmentType" && s[2] == "SingleInstance":
			return map[int]map[string]string{80: {}, 443: {"ListenerProtocol": "TCP"}}
		case s[1] == "LoadBalancerType" && s[2] != "classic":
			prefix = "aws:elbv2:listener"
		}
	}
	listeners := map[int]map[string]string{80: {}}
	for _, s := range settings {
		namespace, option, value := s[0], s[1], s[2]
		rest, ok := strings.CutPrefix(namespace, prefix)
		if !ok {
			continue
		}
		port := 80
		if rest != "" && rest != ":default" {
			var err error
			if port, err = strconv.Atoi(strings.TrimPrefix(rest, ":")); err != nil {
				continue
			}
		}
		if listeners[port] == nil {
			listeners[port] = map[string]string{}
		}
		if option == "Protocol" {
			option = "ListenerProtocol"
		}
		listeners[port][option] = value
	}
	return listeners
}

// open are the ports of the listeners that are not switched off, in order.
func open(listeners map[int]map[string]string) []int {
	var ports []int
	for p, l := range listeners {
		if !strings.EqualFold(l["ListenerEnabled"], "false") {
			ports = append(ports, p)
		}
	}
	slices.Sort(ports)
	return ports
}

// portsFree says in one line when another program listens where the
// environment that is going to be made would.
func (d *deployment) portsFree() error {
	given, err := d.flags.given()
	if err != nil {
		return err
	}
	in := &check.Input{
		Bundle: d.bundle, Template: d.template, Given: given, Read: d.files().read,
		Platform: d.flags.platform, Environment: d.flags.environment, Env: d.cfnEnv(),
	}
	report, err := check.Run(in)
	if err != nil {
		return nil // Elastic Beanstalk is going to say it, in an event
	}
	var settings [][3]string
	for _, s := range report.Settings.InForce() {
		settings = append(settings, [3]string{s.Namespace, s.Option, s.Value.TextOr("")})
	}
	at, err := d.flags.portFor()
	if err != nil {
		return err
	}
	for _, p := range open(listenersOf(settings)) {
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(at(p))))
		if errors.Is(err, syscall.EADDRINUSE) {
			return usageError("port %d is in use, where the load balancer's listener %d would answer; end what listens there (ss -ltnp sport = :%d names it), or give another with --listen %d=PORT", at(p), p, at(p), p)
		}
		if err == nil {
			l.Close()
		}
	}
	return nil
}
