package elasticbeanstalk

import (
	"context"

	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"

	"beanpole/internal/cloud/door"
	"beanpole/internal/ebext"
)

// DescribeConfigurationSettings lists the option settings in force: defaults,
// those of .ebextensions and those given, by AWS's precedence.
func (s *Service) DescribeConfigurationSettings(_ context.Context, in *eb.DescribeConfigurationSettingsInput) (*eb.DescribeConfigurationSettingsOutput, error) {
	if in.TemplateName != nil {
		return nil, invalid("No Configuration Template named '%s/%s' found.", door.Value(in.ApplicationName), *in.TemplateName)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e, err := s.find(nil, in.EnvironmentName)
	if err != nil {
		return nil, err
	}
	if e.Application != door.Value(in.ApplicationName) {
		return nil, invalid("No Environment found for EnvironmentName = '%s'.", door.Value(in.EnvironmentName))
	}
	return &eb.DescribeConfigurationSettingsOutput{ConfigurationSettings: []types.ConfigurationSettingsDescription{{
		ApplicationName: door.Given(e.Application), EnvironmentName: door.Given(e.Name), Description: door.Given(e.Description), SolutionStackName: door.Given(e.Platform),
		PlatformArn: door.Given(e.PlatformARN), DateCreated: door.GivenTime(e.Created), DateUpdated: door.GivenTime(e.Updated), DeploymentStatus: e.Deployment,
		OptionSettings: shown(e.settings().InForce()),
	}}}, nil
}

// groups are resources that options belong to (API output of describe-configuration-settings).
var groups = map[string]string{
	"aws:autoscaling:asg": "AWSEBAutoScalingGroup", "aws:autoscaling:launchconfiguration": "AWSEBAutoScalingLaunchConfiguration",
}

func shown(settings ebext.Settings) []types.ConfigurationOptionSetting {
	out := []types.ConfigurationOptionSetting{}
	for _, set := range settings {
		o := types.ConfigurationOptionSetting{Namespace: door.Given(set.Namespace), OptionName: door.Given(set.Option), ResourceName: door.Given(groups[set.Namespace])}
		if v, ok := set.Value.Str(); ok {
			o.Value = &v
		}
		out = append(out, o)
	}
	return out
}
