package ebext

import (
	"slices"
	"sort"
	"strconv"
	"strings"

	"beanpole/internal/lazyregexp"
	"beanpole/internal/source"
)

// Namespaces of application and network load balancers, and their prefixes
// [EB:command-options-general].
const (
	nsListenerV2   = "aws:elbv2:listener:"
	nsRuleV2       = "aws:elbv2:listenerrule:"
	nsBalancerV2   = "aws:elbv2:loadbalancer"
	nsProcess      = "aws:elasticbeanstalk:environment:process:"
	defaultProcess = "default"
	ruleV2         = "AWSEBV2LoadBalancerListenerRule"
)

// addBalancerV2 adds an Application or Network Load Balancer with its listeners,
// their rules, and a target group for each process.
func addBalancerV2(rs *source.Node, s Settings) {
	rs.Set(balancerV2, resource("AWS::ElasticLoadBalancingV2::LoadBalancer", fields(
		"Type", s.value(nsEnvironment, "LoadBalancerType"),
		"Subnets", firstOf(s.commaList(nsVPC, "ELBSubnets"), s.commaList(nsVPC, "Subnets")),
		"LoadBalancerAttributes", attributes("idle_timeout.timeout_seconds", s.value(nsBalancerV2, "IdleTimeout")))))
	for _, name := range processes(s) {
		rs.Set(targetGroup(name), resource("AWS::ElasticLoadBalancingV2::TargetGroup", targetGroupProperties(s, name)))
	}
	for _, l := range listenersV2(s) {
		rs.Set(l.logicalID(), resource("AWS::ElasticLoadBalancingV2::Listener", l.properties(s)))
		for _, name := range splitList(s.text(l.namespace, "Rules")) {
			rs.Set(l.ruleID(name), resource("AWS::ElasticLoadBalancingV2::ListenerRule", ruleProperties(s, l, name)))
		}
	}
}

func firstOf(nodes ...*source.Node) *source.Node {
	for _, n := range nodes {
		if n != nil {
			return n
		}
	}
	return nil
}

// suffixes are the names behind a prefix of namespaces, sorted.
func suffixes(s Settings, prefix string) (names []string) {
	for _, set := range s {
		if name, ok := strings.CutPrefix(set.Namespace, prefix); ok && name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	return names
}

// processes are the environment's processes; there is always a default one.
func processes(s Settings) []string {
	names := suffixes(s, nsProcess)
	if !slices.Contains(names, defaultProcess) {
		names = append([]string{defaultProcess}, names...)
	}
	return names
}

var notInLogicalID = lazyregexp.New(`[^A-Za-z0-9]`)

// targetGroup is the logical ID of a process's target group. That of the
// default process is documented; the others' follow those of listeners
// (inferred).
func targetGroup(process string) string {
	if process == defaultProcess {
		return targetGroupV2
	}
	return targetGroupV2 + notInLogicalID.ReplaceAllString(process, "")
}

// targetGroups refer to all of them.
func targetGroups(s Settings) *source.Node {
	all := list()
	for _, name := range processes(s) {
		all.Items = append(all.Items, ref(targetGroup(name)))
	}
	return all
}

// attributes is a list of Key and Value; those without a value are left out,
// and a list of nothing is nil.
func attributes(pairs ...any) *source.Node {
	all := list()
	for i := 0; i+1 < len(pairs); i += 2 {
		if v, ok := pairs[i+1].(*source.Node); ok && v != nil {
			all.Items = append(all.Items, fields("Key", pairs[i].(string), "Value", v))
		}
	}
	if len(all.Items) == 0 {
		return nil
	}
	return all
}

func targetGroupProperties(s Settings, process string) *source.Node {
	ns, kind := nsProcess+process, balancerKind(s)
	protocol := firstOf(s.value(ns, "Protocol"), text(map[string]string{"network": "TCP"}[kind]))
	if protocol.Text == "" {
		protocol = text("HTTP")
	}
	p := fields(
		"Port", firstOf(s.value(ns, "Port"), text("80")), "Protocol", protocol, "VpcId", s.value(nsVPC, "VPCId"),
		"HealthCheckPath", s.value(ns, "HealthCheckPath"),
		"HealthCheckIntervalSeconds", s.value(ns, "HealthCheckInterval"),
		"HealthCheckTimeoutSeconds", s.value(ns, "HealthCheckTimeout"),
		"HealthyThresholdCount", s.value(ns, "HealthyThresholdCount"),
		"UnhealthyThresholdCount", s.value(ns, "UnhealthyThresholdCount"),
		"TargetGroupAttributes", attributes(
			"deregistration_delay.timeout_seconds", s.value(ns, "DeregistrationDelay"),
			"stickiness.enabled", s.value(ns, "StickinessEnabled"),
			"stickiness.type", s.value(ns, "StickinessType"),
			"stickiness.lb_cookie.duration_seconds", s.value(ns, "StickinessLBCookieDuration")),
	)
	if code := s.value(ns, "MatcherHTTPCode"); code != nil {
		p.Set("Matcher", fields("HttpCode", code))
	}
	if kind == "network" && s.value(ns, "HealthCheckPath") != nil {
		p.Set("HealthCheckProtocol", text("HTTP")) // with a path it is a request [EB:environments-cfg-nlb]
	}
	// The option of classic load balancers counts for the default process too
	// [EB:command-options-general].
	if url := s.value(nsApplication, "Application Healthcheck URL"); url != nil && process == defaultProcess && s.value(ns, "HealthCheckPath") == nil && strings.HasPrefix(url.Text, "/") {
		p.Set("HealthCheckPath", url)
		if kind == "network" {
			p.Set("HealthCheckProtocol", text("HTTP"))
		}
	}
	return p
}

// frontV2 is one listener of an application or network load balancer.
type frontV2 struct {
	namespace string
	port      int
}

// listenersV2 are those that are enabled, by port; `default` is port 80.
func listenersV2(s Settings) []frontV2 {
	byPort := map[int]frontV2{80: {nsListenerV2 + "default", 80}}
	for _, name := range suffixes(s, nsListenerV2) {
		if port, err := strconv.Atoi(name); err == nil && port > 0 && port < 65536 {
			byPort[port] = frontV2{nsListenerV2 + name, port}
		}
	}
	var out []frontV2
	for _, l := range byPort {
		if !strings.EqualFold(s.text(l.namespace, "ListenerEnabled"), "false") {
			out = append(out, l)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].port < out[j].port })
	return out
}

// logicalID is AWSEBV2LoadBalancerListener for the default listener and has the
// port behind it for another.
func (l frontV2) logicalID() string {
	if l.port == 80 {
		return listenerV2
	}
	return listenerV2 + strconv.Itoa(l.port)
}

func (l frontV2) ruleID(rule string) string {
	return ruleV2 + strconv.Itoa(l.port) + notInLogicalID.ReplaceAllString(rule, "")
}

func forward(process string) *source.Node {
	if process == "" {
		process = defaultProcess
	}
	return list(fields("Type", "forward", "TargetGroupArn", ref(targetGroup(process))))
}

func (l frontV2) properties(s Settings) *source.Node {
	def := "HTTP"
	if balancerKind(s) == "network" {
		def = "TCP"
	}
	p := fields(
		"LoadBalancerArn", ref(balancerV2), "Port", strconv.Itoa(l.port),
		"Protocol", firstOf(s.value(l.namespace, "Protocol"), text(def)),
		"DefaultActions", forward(s.text(l.namespace, "DefaultProcess")),
		"SslPolicy", s.value(l.namespace, "SSLPolicy"),
	)
	if arns := s.commaList(l.namespace, "SSLCertificateArns"); arns != nil && len(arns.Items) > 0 {
		p.Set("Certificates", list(fields("CertificateArn", arns.Items[0])))
	}
	return p
}

func ruleProperties(s Settings, l frontV2, rule string) *source.Node {
	ns, conditions := nsRuleV2+rule, list()
	for _, c := range [][2]string{{"HostHeaders", "host-header"}, {"PathPatterns", "path-pattern"}} {
		if values := s.commaList(ns, c[0]); values != nil {
			conditions.Items = append(conditions.Items, fields("Field", c[1], "Values", values))
		}
	}
	return fields(
		"ListenerArn", ref(l.logicalID()), "Priority", firstOf(s.value(ns, "Priority"), text("1")),
		"Conditions", conditions, "Actions", forward(s.text(ns, "Process")),
	)
}
