package ebext

import (
	"strings"

	"beanpole/internal/cfn"
	"beanpole/internal/fact"
	"beanpole/internal/lazyregexp"
	"beanpole/internal/source"
)

// ownTypes are the types of Elastic Beanstalk's resources that Environment
// does not always make, or never
// [EB:customize-containers-format-resources-eb; samples; events].
var ownTypes = map[string]string{
	launchConfig:                       "AWS::AutoScaling::LaunchConfiguration",
	loadBalancer:                       "AWS::ElasticLoadBalancing::LoadBalancer",
	balancerGroup:                      "AWS::EC2::SecurityGroup",
	balancerV2:                         "AWS::ElasticLoadBalancingV2::LoadBalancer",
	listenerV2:                         "AWS::ElasticLoadBalancingV2::Listener",
	targetGroupV2:                      "AWS::ElasticLoadBalancingV2::TargetGroup",
	elasticIP:                          "AWS::EC2::EIP",
	"AWSEBEC2LaunchTemplate":           "AWS::EC2::LaunchTemplate",
	"AWSEBV2LoadBalancerListenerRule":  "AWS::ElasticLoadBalancingV2::ListenerRule",
	"AWSEBRDSDatabase":                 "AWS::RDS::DBInstance",
	"AWSEBWorkerQueue":                 "AWS::SQS::Queue",
	"AWSEBWorkerDeadLetterQueue":       "AWS::SQS::Queue",
	"AWSEBWorkerCronLeaderRegistry":    "AWS::DynamoDB::Table",
	"AWSEBInstanceLaunchWaitCondition": "AWS::CloudFormation::WaitCondition",
	"AWSEBInstanceLaunchWaitHandle":    "AWS::CloudFormation::WaitConditionHandle",
	BeanstalkMetadata:                  "AWS::CloudFormation::WaitConditionHandle",
	"AWSEBCloudwatchAlarmLow":          "AWS::CloudWatch::Alarm",
	"AWSEBCloudwatchAlarmHigh":         "AWS::CloudWatch::Alarm",
	"AWSEBAutoScalingScaleUpPolicy":    "AWS::AutoScaling::ScalingPolicy",
	"AWSEBAutoScalingScaleDownPolicy":  "AWS::AutoScaling::ScalingPolicy",
}

// Prediction is Environment's template for reading only: a resource of Elastic
// Beanstalk that something refers to is in it, also when it depends on
// settings that are not known whether it will be made, so that the reference
// is a value that is not known instead of a mistake.
func Prediction(x *Extensions, s Settings, application string) (*cfn.Template, error) {
	root, _ := environment(x, s, application, false)
	resources := root.Get("Resources")
	for _, f := range resources.Fields {
		if kind := typeOf(f.Key.Text); kind != "" && f.Value.Kind == source.Map && f.Value.Get("Type") == nil {
			f.Value.Set("Type", text(kind))
		}
	}
	for _, name := range references(root, nil) {
		if kind := typeOf(name); kind != "" && resources.Get(name) == nil && root.At("Parameters", name) == nil {
			resources.Set(name, resource(kind, fields()))
		}
	}
	doubtMappings(root, root.Get("Mappings"))
	return cfn.FromNode("", root)
}

// addHandles adds those of Elastic Beanstalk's own resources that something
// refers to and that do nothing but wait.
func addHandles(root *source.Node) {
	resources := root.Get("Resources")
	for _, name := range references(root, nil) {
		if ownTypes[name] == "AWS::CloudFormation::WaitConditionHandle" && resources.Get(name) == nil {
			resources.Set(name, resource(ownTypes[name], fields()))
		}
	}
}

// doubtMappings makes look-ups in mappings that no file declares unknown:
// Elastic Beanstalk's own template has some (AWSEBOptions, ContainerMeta) that
// are not documented.
func doubtMappings(n, declared *source.Node) {
	for i, it := range n.Items {
		n.Items[i] = doubtMapping(it, declared)
	}
	for _, f := range n.Fields {
		f.Value = doubtMapping(f.Value, declared)
	}
}

func doubtMapping(n, declared *source.Node) *source.Node {
	if n == nil {
		return nil
	}
	args := n.Get("Fn::FindInMap")
	if n.Tag == "!FindInMap" {
		args = n
	}
	if args != nil && len(args.Items) > 0 {
		if name, ok := args.Items[0].Str(); ok && declared.Get(name) == nil {
			v := source.NewString(fact.Symbol("mapping "+name), n.Pos)
			v.End = n.End
			return v
		}
	}
	doubtMappings(n, declared)
	return n
}

// typeOf is the type of a resource of Elastic Beanstalk, "" for any other.
func typeOf(logicalID string) string {
	if kind := ownTypes[logicalID]; kind != "" {
		return kind
	}
	if strings.HasPrefix(logicalID, "AWSEB") && logicalID != environmentName {
		return "Custom::ElasticBeanstalk" // its type is not documented
	}
	return ""
}

var variable = lazyregexp.New(`\$\{([A-Za-z0-9]+)`)

// references adds the names that n's functions refer to, in order.
func references(n *source.Node, names []string) []string {
	if n == nil {
		return names
	}
	if n.Kind == source.String {
		for _, m := range variable.FindAllStringSubmatch(n.Text, -1) {
			names = append(names, m[1])
		}
	}
	switch n.Tag {
	case "!Ref":
		names = append(names, texts(n)...)
	case "!GetAtt":
		names = append(names, logicalOf(n)...)
	}
	for _, it := range n.Items {
		names = references(it, names)
	}
	for _, f := range n.Fields {
		switch f.Key.Text {
		case "Ref", "DependsOn":
			names = append(names, texts(f.Value)...)
		case "Fn::GetAtt":
			names = append(names, logicalOf(f.Value)...)
		}
		names = references(f.Value, names)
	}
	return names
}

// logicalOf is the resource that the argument of Fn::GetAtt names.
func logicalOf(n *source.Node) []string {
	named := texts(n)
	if len(named) == 0 {
		return nil
	}
	logical, _, _ := strings.Cut(named[0], ".")
	return []string{logical}
}

// texts are the texts of a text or a list of texts.
func texts(n *source.Node) []string {
	if s, ok := n.Str(); ok {
		return []string{s}
	}
	if n == nil {
		return nil
	}
	var out []string
	for _, it := range n.Items {
		if s, ok := it.Str(); ok {
			out = append(out, s)
		}
	}
	return out
}
