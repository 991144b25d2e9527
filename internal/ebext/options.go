package ebext

import (
	"slices"
	"strings"
	"sync"
)

// Namespace is a namespace of option settings as AWS documents it
// [EB:command-options-general, EB:command-options-specific].
type Namespace struct {
	// Name is the namespace; of one that carries a name or a port itself it is
	// the part in front, with the colon: "aws:elb:listener:".
	Name string
	// Open: users choose the options' names, or AWS does not list them all.
	Open bool
	// On are the generations that have the namespace; none: all of them.
	On []Generation
	// Families are the platforms' branches that have it, by the start of their
	// name; none: all, or not known.
	Families []string
	Options  []Option
}

// Option is one option of a namespace.
type Option struct {
	Name string
	// Values are those that the option takes; none: any text.
	Values []string
	// Grows: AWS has added values since, and may add more.
	Grows bool
	// Min and Max bound a whole number, unless both are 0.
	Min, Max int
	On       []Generation // as in Namespace
}

// Option finds an option by its name, nil when the namespace lists none such.
func (n *Namespace) Option(name string) *Option {
	for i := range n.Options {
		if n.Options[i].Name == name {
			return &n.Options[i]
		}
	}
	return nil
}

func flag(name string) Option                          { return Option{Name: name, Values: []string{"true", "false"}} }
func whole(name string, least, most int) Option        { return Option{Name: name, Min: least, Max: most} }
func choice(name string, values ...string) Option      { return Option{Name: name, Values: values} }
func (o Option) grows() Option                         { o.Grows = true; return o }
func (o Option) only(generations ...Generation) Option { o.On = generations; return o }

func free(names ...string) []Option {
	out := make([]Option, len(names))
	for i, n := range names {
		out[i] = Option{Name: n}
	}
	return out
}

// retention are the days that CloudWatch Logs keeps events.
var retention = strings.Fields("1 3 5 7 14 30 60 90 120 150 180 365 400 545 731 1827 3653")

// process are the options of a process behind a load balancer.
var process = append(free("HealthCheckPath", "MatcherHTTPCode"),
	whole("DeregistrationDelay", 0, 3600), whole("HealthCheckInterval", 5, 300), whole("HealthCheckTimeout", 1, 60),
	whole("HealthyThresholdCount", 2, 10), whole("UnhealthyThresholdCount", 2, 10), whole("Port", 1, 65535),
	choice("Protocol", "HTTP", "HTTPS", "TCP"), flag("StickinessEnabled"), whole("StickinessLBCookieDuration", 1, 604800),
	choice("StickinessType", "lb_cookie"))

var listenerV2Options = append(free("DefaultProcess", "Rules", "SSLCertificateArns", "SSLPolicy"),
	flag("ListenerEnabled"), choice("Protocol", "HTTP", "HTTPS", "TCP"))

var stickiness = []Option{whole("Stickiness Cookie Expiration", 0, 1000000), flag("Stickiness Policy")}

// al1 marks what exists on retired platforms only
// [EB:using-features.migration-al, EB:command-options-specific].
var al1 = []Generation{AL1}

// namespaces are those that AWS documents. Where the list of options may not
// be whole, the namespace is open.
var namespaces = []*Namespace{
	{Name: "aws:autoscaling:asg", Options: []Option{
		choice("Availability Zones", "Any", "Any 1", "Any 2", "Any 3"), {Name: "Custom Availability Zones"},
		whole("Cooldown", 0, 10000), whole("MinSize", 0, 10000), whole("MaxSize", 0, 10000), flag("EnableCapacityRebalancing")}},
	{Name: nsLaunch, Options: append(free("EC2KeyName", profileOption, "ImageId", "InstanceType", "SecurityGroups",
		"SSHSourceRestriction", "BlockDeviceMappings"),
		flag("DisableIMDSv1"), flag("DisableDefaultEC2SecurityGroup"), flag("LaunchTemplateTagPropagationEnabled"),
		choice("MonitoringInterval", "1 minute", "5 minute").grows(), choice("RootVolumeType", "standard", "gp2", "gp3", "io1", "io2").grows(),
		whole("RootVolumeSize", 1, 65536), whole("RootVolumeIOPS", 100, 256000), whole("RootVolumeThroughput", 125, 2000))},
	{Name: "aws:autoscaling:scheduledaction", Options: append(free("StartTime", "EndTime", "Recurrence"),
		whole("MinSize", 0, 10000), whole("MaxSize", 0, 10000), whole("DesiredCapacity", 0, 10000), flag("Suspend"))},
	{Name: "aws:autoscaling:trigger", Options: append(free("LowerBreachScaleIncrement", "UpperBreachScaleIncrement",
		"LowerThreshold", "UpperThreshold"),
		whole("BreachDuration", 1, 600), whole("Period", 1, 600), whole("EvaluationPeriods", 1, 600),
		choice("MeasureName", strings.Fields("CPUUtilization NetworkIn NetworkOut DiskWriteOps DiskReadBytes DiskReadOps DiskWriteBytes Latency RequestCount HealthyHostCount UnhealthyHostCount TargetResponseTime")...).grows(),
		choice("Statistic", "Minimum", "Maximum", "Sum", "Average"),
		choice("Unit", strings.Fields("Seconds Percent Bytes Bits Count Bytes/Second Bits/Second Count/Second None")...))},
	{Name: "aws:autoscaling:updatepolicy:rollingupdate", Options: append(free("PauseTime", "Timeout"),
		whole("MaxBatchSize", 1, 10000), whole("MinInstancesInService", 0, 9999), flag("RollingUpdateEnabled"),
		choice("RollingUpdateType", "Time", "Health", "Immutable"))},
	{Name: "aws:ec2:instances", Options: append(free("InstanceTypes", "SpotMaxPrice", "SupportedArchitectures", "SpotAllocationStrategy"),
		flag("EnableSpot"), whole("SpotFleetOnDemandBase", 0, 10000), whole("SpotFleetOnDemandAboveBasePercentage", 0, 100))},
	{Name: nsVPC, Options: append(free("VPCId", "Subnets", "ELBSubnets", "DBSubnets", "ELBScheme"), flag("AssociatePublicIpAddress"))},
	{Name: nsApplication, Options: free("Application Healthcheck URL")},
	{Name: nsProperties, Open: true},
	{Name: "aws:elasticbeanstalk:application:environmentsecrets", Open: true},
	{Name: "aws:elasticbeanstalk:cloudwatch:logs", Options: []Option{flag("StreamLogs"), flag("DeleteOnTerminate"), choice("RetentionInDays", retention...).grows()}},
	{Name: "aws:elasticbeanstalk:cloudwatch:logs:health", Options: []Option{flag("HealthStreamingEnabled"), flag("DeleteOnTerminate"), choice("RetentionInDays", retention...).grows()}},
	{Name: "aws:elasticbeanstalk:command", Options: []Option{
		choice("DeploymentPolicy", "AllAtOnce", "Rolling", "RollingWithAdditionalBatch", "Immutable", "TrafficSplitting"),
		whole("Timeout", 1, 3600), choice("BatchSizeType", "Percentage", "Fixed"), whole("BatchSize", 1, 10000), flag("IgnoreHealthCheck")}},
	{Name: "aws:elasticbeanstalk:control", Open: true},
	{Name: nsCustom, Open: true},
	{Name: nsEnvironment, Options: append(free("ServiceRole", "ExternalExtensionsS3Bucket", "ExternalExtensionsS3Key"),
		choice("EnvironmentType", "SingleInstance", "LoadBalanced"), choice("LoadBalancerType", "classic", "application", "network"),
		flag("LoadBalancerIsShared"))},
	{Name: "aws:elasticbeanstalk:environment:process:", Options: process},
	{Name: "aws:elasticbeanstalk:environment:proxy", Options: []Option{
		choice("ProxyServer", "nginx", "apache", "apache/2.2", "none").grows(), flag("GzipCompression").only(AL1)}},
	{Name: "aws:elasticbeanstalk:environment:proxy:staticfiles", Open: true},
	{Name: "aws:elasticbeanstalk:healthreporting:system", Options: append(free("ConfigDocument"),
		choice("SystemType", "basic", "enhanced"), flag("EnhancedHealthAuthEnabled"),
		choice("HealthCheckSuccessThreshold", "Ok", "Warning", "Degraded", "Severe"))},
	{Name: "aws:elasticbeanstalk:hostmanager", Options: []Option{flag("LogPublicationControl")}},
	{Name: "aws:elasticbeanstalk:managedactions", Options: append(free("PreferredStartTime", "ServiceRoleForManagedUpdates"), flag("ManagedActionsEnabled"))},
	{Name: "aws:elasticbeanstalk:managedactions:platformupdate", Options: []Option{choice("UpdateLevel", "patch", "minor"), flag("InstanceRefreshEnabled")}},
	{Name: "aws:elasticbeanstalk:monitoring", Options: []Option{flag("Automatically Terminate Unhealthy Instances")}},
	{Name: "aws:elasticbeanstalk:sns:topics", Options: append(free("Notification Endpoint", "Notification Topic ARN", "Notification Topic Name"),
		choice("Notification Protocol", "http", "https", "email", "email-json", "sqs").grows())},
	{Name: "aws:elasticbeanstalk:sqsd", Options: append(free("WorkerQueueURL", "HttpPath", "MimeType"),
		whole("HttpConnections", 1, 100), whole("ConnectTimeout", 1, 60), whole("InactivityTimeout", 1, 36000),
		whole("VisibilityTimeout", 0, 43200), whole("ErrorVisibilityTimeout", 0, 43200), whole("RetentionPeriod", 60, 1209600), whole("MaxRetries", 1, 100))},
	{Name: "aws:elasticbeanstalk:trafficsplitting", Options: []Option{whole("NewVersionPercent", 1, 100), whole("EvaluationTime", 3, 600)}},
	{Name: "aws:elasticbeanstalk:xray", Options: []Option{flag("XRayEnabled")}},
	{Name: "aws:cloudformation:template:parameter", Open: true},

	{Name: "aws:elasticbeanstalk:container:dotnet:apppool", Open: true, Families: []string{".NET", "IIS"}},
	{Name: "aws:elasticbeanstalk:container:golang:staticfiles", Open: true, On: al1},
	{Name: "aws:elasticbeanstalk:container:java:staticfiles", Open: true, On: al1},
	{Name: "aws:elasticbeanstalk:container:nodejs", On: al1, Options: append(free("NodeCommand", "NodeVersion"),
		flag("GzipCompression"), choice("ProxyServer", "apache", "nginx", "none"))},
	{Name: "aws:elasticbeanstalk:container:nodejs:staticfiles", Open: true, On: al1},
	{Name: "aws:elasticbeanstalk:container:php:phpini", Open: true, Families: []string{"PHP"}},
	{Name: "aws:elasticbeanstalk:container:python", Options: append(free("WSGIPath", "StaticFiles"),
		whole("NumProcesses", 1, 10000), whole("NumThreads", 1, 10000)), Families: []string{"Python"}},
	{Name: "aws:elasticbeanstalk:container:python:staticfiles", Open: true, On: al1},
	{Name: "aws:elasticbeanstalk:container:ruby:staticfiles", Open: true, On: al1},
	{Name: "aws:elasticbeanstalk:container:tomcat:jvmoptions", Open: true, Families: []string{"Tomcat", "Corretto"}},

	{Name: nsHealth, Options: append(free("Target"), whole("HealthyThreshold", 2, 10), whole("UnhealthyThreshold", 2, 10),
		whole("Interval", 5, 300), whole("Timeout", 2, 60))},
	{Name: nsELB, Options: append(free("SecurityGroups", "ManagedSecurityGroup", "SSLCertificateId"), flag("CrossZone"),
		choice("LoadBalancerHTTPPort", "OFF", "80"), choice("LoadBalancerPortProtocol", "HTTP", "TCP"),
		choice("LoadBalancerHTTPSPort", "OFF", "443", "8443"), choice("LoadBalancerSSLPortProtocol", "HTTPS", "SSL"))},
	{Name: nsListener, Options: append(free("PolicyNames"), choice("ListenerProtocol", "HTTP", "TCP"),
		whole("InstancePort", 1, 65535), choice("InstanceProtocol", "HTTP", "HTTPS", "TCP", "SSL"), flag("ListenerEnabled"))},
	{Name: "aws:elb:listener:", Options: append(free("PolicyNames", "SSLCertificateId"), choice("ListenerProtocol", "HTTP", "HTTPS", "TCP", "SSL"),
		whole("InstancePort", 1, 65535), choice("InstanceProtocol", "HTTP", "HTTPS", "TCP", "SSL"), flag("ListenerEnabled"))},
	{Name: "aws:elb:policies", Options: append(append(free("LoadBalancerPorts"), stickiness...), flag("ConnectionDrainingEnabled"),
		whole("ConnectionDrainingTimeout", 1, 3600), whole("ConnectionSettingIdleTimeout", 1, 3600))},
	{Name: "aws:elb:policies:", Options: append(append(free("CookieName", "InstancePorts", "LoadBalancerPorts", "PublicKey", "PublicKeyPolicyNames",
		"SSLProtocols", "SSLReferencePolicy"), stickiness...), flag("ProxyProtocol"))},
	{Name: "aws:elbv2:listener:", Options: listenerV2Options},
	{Name: "aws:elbv2:listenerrule:", Options: append(free("HostHeaders", "PathPatterns", "Process"), whole("Priority", 1, 1000))},
	{Name: "aws:elbv2:loadbalancer", Options: append(free("AccessLogsS3Bucket", "AccessLogsS3Prefix", "ManagedSecurityGroup", "SecurityGroups",
		"SharedLoadBalancer", "IpAddressType"), flag("AccessLogsS3Enabled"), whole("IdleTimeout", 1, 4000))},
	{Name: "aws:rds:dbinstance", Open: true},
}

var byNamespace = sync.OnceValue(func() map[string]*Namespace {
	out := make(map[string]*Namespace, len(namespaces))
	for _, n := range namespaces {
		out[n.Name] = n
	}
	return out
})

// FindNamespace is the documentation of a namespace, nil when AWS documents
// none of that name.
func FindNamespace(name string) *Namespace {
	if n := byNamespace()[name]; n != nil && !strings.HasSuffix(name, ":") {
		return n
	}
	i := strings.LastIndexByte(name, ':')
	if i < 0 || i == len(name)-1 {
		return nil
	}
	return byNamespace()[name[:i+1]]
}

// Namespaces are all that AWS documents.
func Namespaces() []*Namespace { return namespaces }

// Lacks says of an option that the platform surely does not know it: it went
// with the Amazon Linux AMI, or is another branch's. AWS refuses settings of
// such options.
func (p Platform) Lacks(namespace, option string) bool {
	n := FindNamespace(namespace)
	if n == nil || !p.Known {
		return false
	}
	on := n.On
	if o := n.Option(option); o != nil && len(o.On) > 0 {
		on = o.On
	}
	if len(on) > 0 && p.Generation != AL1 && !slices.Contains(on, AL2) && !slices.Contains(on, AL2023) {
		return true
	}
	return p.Branch != "" && len(n.Families) > 0 && !slices.ContainsFunc(n.Families, func(f string) bool { return strings.Contains(p.Branch, f) })
}
