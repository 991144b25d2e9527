package ebext

import (
	"slices"
	"sync"

	"beanpole/internal/source"
)

// defaults are the service's values of the options that beanpole reads
// [EB:command-options-general]. An option without a default is not listed:
// `IamInstanceProfile` has none, so without a setting there is no profile.
var defaults = [][3]string{
	{nsASG, "Availability Zones", "Any"},
	{nsASG, "Cooldown", "360"},
	{nsASG, "MinSize", "1"},
	{nsASG, "MaxSize", "4"},
	{nsLaunch, "SecurityGroups", "elasticbeanstalk-default"},
	{nsLaunch, "MonitoringInterval", "5 minute"},
	{nsVPC, "ELBScheme", "public"},
	{nsEnvironment, "EnvironmentType", "LoadBalanced"},
	{nsEnvironment, "LoadBalancerType", "classic"},
	{nsEnvironment, "LoadBalancerIsShared", "false"},
	{"aws:elasticbeanstalk:command", "DeploymentPolicy", "AllAtOnce"},
	{"aws:elasticbeanstalk:command", "Timeout", "600"},
	{"aws:elasticbeanstalk:command", "BatchSizeType", "Percentage"},
	{"aws:elasticbeanstalk:command", "BatchSize", "100"},
	{"aws:elasticbeanstalk:command", "IgnoreHealthCheck", "false"},
	{"aws:elasticbeanstalk:healthreporting:system", "SystemType", "basic"},
	{"aws:elasticbeanstalk:healthreporting:system", "HealthCheckSuccessThreshold", "Ok"},
	{"aws:elasticbeanstalk:cloudwatch:logs", "StreamLogs", "false"},
	{"aws:elasticbeanstalk:cloudwatch:logs", "DeleteOnTerminate", "false"},
	{"aws:elasticbeanstalk:cloudwatch:logs", "RetentionInDays", "7"},
	{"aws:elasticbeanstalk:hostmanager", "LogPublicationControl", "false"},
	{nsELB, "CrossZone", "false"},
	{nsListener, "ListenerProtocol", "HTTP"},
	{nsListener, "InstancePort", "80"},
	{nsListener, "ListenerEnabled", "true"},
	{nsHealth, "HealthyThreshold", "3"},
	{nsHealth, "UnhealthyThreshold", "5"},
	{nsHealth, "Interval", "10"},
	{nsHealth, "Timeout", "5"},
	{"aws:elb:policies", "ConnectionDrainingEnabled", "false"},
	{"aws:elb:policies", "ConnectionDrainingTimeout", "20"},
	{"aws:elb:policies", "ConnectionSettingIdleTimeout", "60"},
}

// forAll are the settings of every platform.
var forAll = sync.OnceValue(func() Settings {
	var out Settings
	for _, d := range defaults {
		out = append(out, Setting{Namespace: d[0], Option: d[1], Value: source.NewString(d[2], source.Pos{}), Level: Default})
	}
	return slices.Clip(out)
})

// Defaults are the service's own settings for a platform. Nobody may change
// them; what is appended is the caller's own.
func Defaults(p Platform) Settings {
	out := forAll()
	if p.Known && p.Generation != AL1 {
		proxy := Setting{Namespace: "aws:elasticbeanstalk:environment:proxy", Option: "ProxyServer", Value: source.NewString("nginx", source.Pos{}), Level: Default}
		out = append(out, proxy)
	}
	return out
}
